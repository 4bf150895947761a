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
from toolkit.runtime import predictor, requires  # noqa: F401  the children find them loaded
from toolkit.runtime.stopping import heed_sigterm
from toolkit.runtime.tabular import write_output

MODEL, OUTPUT = "model", "answers.csv"
NAMES = ("export", "export-again", "quantize", "bench", "predict")


@dataclass(frozen=True)
class Operation:
    """prepare: makes what is there before, in a folder; run: what is broken off, in that folder."""

    prepare: Callable[[Path], None]
    run: Callable[[Path], Any]


def writing(made: Path) -> dict[str, Operation]:
    """Return what the commands do once they have computed: their writing alone, with real files.

    made: a folder with the bundles `old` and `new`, see `make`.
    """
    new = open_bundle(made / "new")
    contents = {n: (new.read(n), e["role"]) for n, e in new.manifest["files"].items()}
    kept = Variant("tiny", OK, "model.tiny.pack", bytes=3, tolerance={})
    packed = new.read("model.uint8-pack.pack")
    gone = Variant("float32-pack", NOT_APPLICABLE, reason="of no use")

    def export(folder: Path) -> Any:
        manifest = {**new.manifest, "files": {}}
        return write_files(folder / MODEL, manifest, contents)

    def quantize(folder: Path) -> Any:
        return with_variants(open_bundle(folder / MODEL), [(kept, packed), (gone, None)])

    def bench(folder: Path) -> Any:
        reports = {"report.json": b'{"new": 1}', "report.md": b"new", "report.html": b"<p>new"}
        return with_reports(open_bundle(folder / MODEL), reports)

    def predict(folder: Path) -> None:
        heed_sigterm()
        write_output(b"new\n" * 5000, str(folder / OUTPUT))

    return {
        "export": Operation(nothing, export),
        "export-again": Operation(copied(made / "old"), export),
        "quantize": Operation(copied(made / "old"), quantize),
        "bench": Operation(copied(made / "old"), bench),
        "predict": Operation(answered, predict),
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
        answered(folder)

    export = ("export", str(made / "own.skops"), "--data", str(made / "rows.npz"), "-o", MODEL)
    old = copied(made / "old")
    rows = str(made / "rows.csv")
    return {
        "export": Operation(nothing, command(*export, "--tune", "latency")),
        "export-again": Operation(old, command(*export, "--tune", "latency", "--force")),
        "quantize": Operation(old, command("quantize", MODEL, "--method", "uint8-pack")),
        "bench": Operation(old, command("bench", MODEL)),
        "predict": Operation(
            both,
            command("predict", MODEL, "--input", rows, "--output", OUTPUT),
        ),
    }


def nothing(folder: Path) -> None:
    """Leave the folder empty: a first export."""


def copied(bundle: Path) -> Callable[[Path], None]:
    """Return what copies a bundle to where the operations find it."""
    return lambda folder: shutil.copytree(bundle, folder / MODEL) and None


def answered(folder: Path) -> None:
    """Write the answers of an earlier prediction."""
    (folder / OUTPUT).write_bytes(b"old\n")


def make(made: Path) -> None:
    """Make the bundles `old` (with two variants and reports) and `new`, and what users bring."""
    import skops.io
    from sklearn.linear_model import LinearRegression

    from toolkit.exporter import export
    from toolkit.quantizer import quantize

    X = np.random.default_rng(5).normal(size=(90, 40)) * np.arange(1, 41)
    for name, weights in (("old", np.arange(40.0)), ("new", np.arange(40.0)[::-1])):
        model = LinearRegression().fit(X, X @ weights + 1)
        bundle = export(model, X, X @ weights + 1, name="own", out=made / name, tune="latency")
        quantize(bundle, ["float32-pack", "uint8-pack"])
        if name == "old":
            texts = {"report.json": b"{}", "report.md": b"old", "report.html": b"<p>old"}
            with_reports(open_bundle(bundle), texts)
    skops.io.dump(model, made / "own.skops")
    np.savez(made / "rows.npz", X=X, y=X @ weights + 1)
    np.savetxt(made / "rows.csv", X[:5], "%.9g", ",")


def _measure_little() -> None:
    from toolkit.runner import cold_start, latency

    cold_start.measure = lambda *_: cold_start.Start(1.0, (1.0, 1.0), 2.0)
    latency.SLICE_NS, latency.ROUNDS = 100_000, 1
