"""What is broken off: each command of toolkit that writes, alone or from its command line."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import filelock  # noqa: F401  the children find it loaded
import numpy as np

from toolkit.bundle import (
    NOT_APPLICABLE,
    OK,
    Variant,
    open_bundle,
    with_reports,
    with_variants,
    write_files,
)
from toolkit.bundle.lock import LOCK
from toolkit.bundle.transaction import put
from toolkit.runtime import predictor, requires  # noqa: F401  the children find them loaded
from toolkit.runtime.stopping import sigterm_heeded
from toolkit.runtime.writing import write_atomic

MODEL, OUTPUT, BILL = "model", "answers.csv", "bom.json"
LOCK_FILE = f"{MODEL}/{LOCK}"
MANIFEST, SIGNATURE = f"{MODEL}/manifest.json", f"{MODEL}/model.sig"


@dataclass(frozen=True)
class Operation:
    """What is broken off, and how it is seen whether it was done.

    prepare: makes what is there before, in a folder; run: what is broken off, in that folder.
    shows: the file that is another one where it was done.
    """

    prepare: Callable[[Path], None]
    run: Callable[[Path], Any]
    shows: str = MANIFEST


def writing(made: Path) -> dict[str, Operation]:
    """Return what the commands do once they have computed: their writing alone, with real files.

    made: a folder with bundles, see `make`.
    """
    new = open_bundle(made / "new")
    contents = {n: (new.read(n), e["role"]) for n, e in new.manifest["files"].items()}
    kept = Variant("tiny", OK, "model.tiny.pack", bytes=3, tolerance={})
    packed = new.read("model.uint8-pack.pack")
    gone = Variant("float32-pack", NOT_APPLICABLE, reason="of no use")
    best = Variant("budget", OK, "model.budget.pack", bytes=3, tolerance={})
    document = (made / "signed" / "model.sig").read_bytes()

    def export(folder: Path) -> Any:
        manifest = {**new.manifest, "files": {}}
        return write_files(folder / MODEL, manifest, contents)

    def quantize(folder: Path) -> Any:
        return with_variants(open_bundle(folder / MODEL), [(kept, packed), (gone, None)])

    def budget(folder: Path) -> Any:
        return with_variants(open_bundle(folder / MODEL), [(best, packed)], b'{"front": []}')

    def bench(folder: Path) -> Any:
        reports = {"report.json": b'{"new": 1}', "report.md": b"new", "report.html": b"<p>new"}
        return with_reports(open_bundle(folder / MODEL), reports)

    def sign(folder: Path) -> None:
        put(folder / MODEL, "model.sig", document, lambda: None)

    def predict(folder: Path) -> None:
        with sigterm_heeded():
            write_atomic(folder / "new" / OUTPUT, b"new\n" * 5000)

    old = copied(made / "old")
    return {
        "export": Operation(nothing, export),
        "export-again": Operation(old, export),
        "export-signed": Operation(copied(made / "signed"), export),
        "quantize": Operation(old, quantize),
        "budget": Operation(old, budget),
        "bench": Operation(old, bench),
        "sign": Operation(old, sign, SIGNATURE),
        "sign-again": Operation(copied(made / "signed-by-another"), sign, SIGNATURE),
        "predict": Operation(nothing, predict, f"new/{OUTPUT}"),
    }


def commands(made: Path) -> dict[str, Operation]:
    """Return whole commands, as a user gives them; the bench without its slow measuring."""

    def command(*arguments: str) -> Callable[[Path], Any]:
        def run(folder: Path) -> None:
            from toolkit.cli import main

            _measure_little()
            os.chdir(folder)
            sys.argv = ["toolkit", *arguments]
            sys.exit(main(arguments))

        return run

    def both(folder: Path) -> None:
        old(folder)
        (folder / OUTPUT).write_bytes(b"old\n")

    export = ("export", str(made / "own.skops"), "--data", str(made / "rows.npz"), "-o", MODEL)
    again = (*export, "--tune", "latency", "--force")
    old, signed = copied(made / "old"), copied(made / "signed")
    rows, key = str(made / "rows.csv"), str(made / "k.pem")
    limit = ("--budget", "nmse<=1e-3")
    return {
        "export": Operation(nothing, command(*export, "--tune", "latency")),
        "export-again": Operation(old, command(*again)),
        "export-signed": Operation(signed, command(*again)),
        "quantize": Operation(old, command("quantize", MODEL, "--method", "uint8-pack")),
        "budget": Operation(old, command("quantize", MODEL, *limit)),
        "bench": Operation(old, command("bench", MODEL)),
        "sign": Operation(old, command("sign", MODEL, "--key", key), SIGNATURE),
        "sign-again": Operation(
            copied(made / "signed-by-another"), command("sign", MODEL, "--key", key), SIGNATURE
        ),
        "predict": Operation(
            both, command("predict", MODEL, "--input", rows, "--output", OUTPUT), OUTPUT
        ),
        "bom": Operation(old, command("bom", MODEL, "-o", BILL), BILL),
    }


NAMES = ("export", "export-again", "export-signed", "quantize", "budget", "bench")
NAMES += ("sign", "sign-again", "predict", "bom")


def nothing(folder: Path) -> None:
    """Leave the folder empty: a first export."""


def copied(bundle: Path) -> Callable[[Path], None]:
    """Return what copies a bundle to where the operations find it."""
    return lambda folder: shutil.copytree(bundle, folder / MODEL) and None


def make(made: Path) -> None:
    """Make bundles, all but `new` of the same model, and what users bring.

    `old` and `new` (with two variants, `old` with reports), `signed` and `signed-by-another`.
    """
    import skops.io
    from sklearn.linear_model import LinearRegression

    from toolkit.bundle.signing import sign
    from toolkit.exporter import export
    from toolkit.quantizer import quantize

    X = np.random.default_rng(5).normal(size=(90, 40)) * np.arange(1, 41)
    for name, weights in (("old", np.arange(40.0)), ("new", np.arange(40.0)[::-1])):
        model = LinearRegression().fit(X, X @ weights + 1)
        bundle = export(model, X, X @ weights + 1, name="own", out=made / name, tune="latency")
        quantize(bundle, ["float32-pack", "uint8-pack"])
        if name == "old":
            report = b'{"variants": [], "environment": {}}'
            texts = {"report.json": report, "report.md": b"old", "report.html": b"<p>old"}
            with_reports(open_bundle(bundle), texts)
    skops.io.dump(model, made / "own.skops")
    np.savez(made / "rows.npz", X=X, y=X @ weights + 1)
    np.savetxt(made / "rows.csv", X[:5], "%.9g", ",")
    for key, name in (("k", "signed"), ("other", "signed-by-another")):
        make_keys(made, key)
        shutil.copytree(made / "old", made / name)
        sign(made / name, made / f"{key}.pem")


def make_keys(folder: Path, name: str) -> None:
    """Write a key pair, NAME.pem and NAME.pub; the same for the same name."""
    from cryptography.hazmat.primitives import serialization as to
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    secret = Ed25519PrivateKey.from_private_bytes(name.encode().ljust(32, b"."))
    private = secret.private_bytes(to.Encoding.PEM, to.PrivateFormat.PKCS8, to.NoEncryption())
    public = secret.public_key()
    (folder / f"{name}.pem").write_bytes(private)
    (folder / f"{name}.pub").write_bytes(
        public.public_bytes(to.Encoding.PEM, to.PublicFormat.SubjectPublicKeyInfo)
    )


def _measure_little() -> None:
    from toolkit.runner import cold_start, latency

    cold_start.measure = lambda *_: cold_start.Start(1.0, (1.0, 1.0), 2.0)
    latency.SLICE_NS, latency.ROUNDS = 100_000, 1
