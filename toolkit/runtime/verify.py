"""`verify`: every file's hash, every variant opened, the golden rows replayed within tolerance."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

from toolkit.errors import CorruptArtifact, InvalidInput
from toolkit.metrics import deviation
from toolkit.runtime import golden
from toolkit.runtime.files import AnyPath, plain_path
from toolkit.runtime.listed import is_there, read_checked
from toolkit.runtime.loading import load
from toolkit.runtime.manifest import GOLDEN, HOME, VARIANT, require_proved, settled
from toolkit.runtime.predictor import Predictor


@dataclass(frozen=True)
class Check:
    """What was found of one file: `kind` "signed", "hash" or "golden", the figures in `detail`."""

    file: str
    kind: str
    passed: bool
    detail: str


def verify(
    folder: str | Path, unproved: bool = False, require_signature: AnyPath | None = None
) -> list[Check]:
    """Return a check for each hash and each replay.

    Files that stay at home (evaluation, calibration, estimator, reports, card) may be absent.
    unproved: check it although its proof failed; a copy can be whole, and its model wrong.
    require_signature: a public key's file; what it did not sign is an error, and so is a file that
    the manifest does not list. Raises InvalidInput where there is no bundle, CorruptArtifact where
    a file is missing or damaged, and ParityError where its proof failed. What travels to the device
    is checked and replayed before what stays at home: the error for a damaged report says that the
    models are whole.
    """
    folder = Path(plain_path(folder))
    check = partial(_checked, folder, unproved=unproved, require_signature=require_signature)
    return settled(folder, check, require_signature)


def _checked(
    folder: Path, manifest: dict[str, Any], unproved: bool, require_signature: AnyPath | None
) -> list[Check]:
    require_proved(folder, manifest, unproved)
    signed = [] if require_signature is None else [_signed(folder, manifest, require_signature)]
    files = manifest["files"]
    travels = {n: _check_hash(folder, n, e) for n, e in files.items() if e["role"] != HOME}
    rows = _read_golden(folder, manifest)
    variants = [n for n, e in files.items() if e["role"] == VARIANT]
    if not variants:
        raise InvalidInput(f"{folder}: its manifest lists no model; export it again")
    opened = (
        (n, load(folder / n, unproved=unproved, require_signature=require_signature))
        for n in variants
    )
    replays = [replay(model, rows, files[n], n) for n, model in opened]
    stays = {
        n: _check_at_home(folder, n, e, all(r.passed for r in replays))
        for n, e in files.items()
        if e["role"] == HOME and is_there(folder / n, e)
    }
    hashes = travels | stays
    return signed + [hashes[n] for n in files if n in hashes] + replays


def replay(model: Predictor, rows: golden.Golden, entry: dict[str, Any], name: str) -> Check:
    """Return the check that `model` reproduces the golden rows within the entry's tolerance."""
    tolerance = entry.get("tolerance")
    if not isinstance(tolerance, dict) or not all(
        isinstance(tolerance.get(key), int | float) for key in ("relative", "agreement")
    ):
        raise CorruptArtifact(f"{name}: the manifest records no tolerance for it; quantize again")
    outputs = [o for o in rows.outputs if o in model.outputs]
    worst, agreement = deviation(rows.outputs, model.run(rows.inputs), rows.replay_scales, outputs)
    passed = (
        bool(outputs) and worst <= tolerance["relative"] and agreement >= tolerance["agreement"]
    )
    return Check(
        name,
        "golden",
        passed,
        f"{len(rows.adversarial)} rows, deviation {worst:.3g} "
        f"(allowed {tolerance['relative']:.3g}), labels equal {agreement:.4g} "
        f"(at least {tolerance['agreement']:.4g})",
    )


def as_json(checks: list[Check]) -> dict[str, Any]:
    """Return the checks as `verify --json` prints them."""
    return {
        "schema_version": 1,
        "passed": all(c.passed for c in checks),
        "checks": [asdict(c) for c in checks],
    }


def _signed(folder: Path, manifest: dict[str, Any], key_file: AnyPath) -> Check:
    """Return the check of a signature that was found good when the manifest was read."""
    from toolkit.runtime import signature

    signature.refuse_unlisted(folder, manifest)
    return Check(
        signature.NAME,
        "signed",
        True,
        f"Ed25519, key {signature.hint(signature.read_key(key_file))[:16]}…",
    )


def _check_hash(folder: Path, name: str, entry: dict[str, Any]) -> Check:
    path = folder / name
    if not is_there(path, entry):
        raise CorruptArtifact(
            f"{path}: is listed in the manifest and missing; copy it or export again"
        )
    return Check(name, "hash", True, f"{len(read_checked(path, entry))} bytes")


def _check_at_home(folder: Path, name: str, entry: dict[str, Any], replayed: bool) -> Check:
    try:
        return _check_hash(folder, name, entry)
    except CorruptArtifact as error:
        whole = "are whole" + (" and replay their golden rows" if replayed else "")
        raise CorruptArtifact(
            f"{error}; the models {whole}: only this file, which stays at home, is damaged"
        ) from None


def _read_golden(folder: Path, manifest: dict[str, Any]) -> golden.Golden:
    names = [n for n, e in manifest["files"].items() if e["role"] == GOLDEN]
    if not names:
        raise CorruptArtifact(f"{folder}: its manifest lists no golden rows; export it again")
    path = folder / names[0]
    return golden.read(read_checked(path, manifest["files"][names[0]]), str(path), manifest)
