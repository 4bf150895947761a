"""The commands of the edge (predict, verify, inspect, replay), used by both command lines.

`predict` is what a device starts again and again: what only the others need, they import.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from functools import partial
from typing import Any

import numpy as np

from toolkit.errors import InvalidInput
from toolkit.runtime.listed import read_checked
from toolkit.runtime.loading import load
from toolkit.runtime.manifest import read_manifest, require_proved, settled
from toolkit.runtime.rows import STANDARD, blocks
from toolkit.runtime.rows.answers import Asked, run
from toolkit.runtime.rows.written import kind_of, sink


def predict(
    artifact: str,
    source: str,
    target: str = STANDARD,
    as_json: bool = False,
    unproved: bool = False,
    require_signature: str | None = None,
    *,
    proba: bool = False,
    columns: str = "",
    read_as: str | None = None,
    write_as: str | None = None,
    readers: Mapping[str, Any] | None = None,
    sinks: Mapping[str, Any] | None = None,
) -> int:
    """Predict the rows of `source` block by block, write the answers to `target`; return 0.

    proba: the probabilities alone; columns: names of what is written, with commas. read_as,
    write_as: a kind, see `toolkit.runtime.rows`; readers, sinks: by suffix, of other kinds.
    """
    asked = Asked(proba, _names(columns, proba))
    kind = kind_of(target, write_as or ("json" if as_json and target == STANDARD else None), sinks)
    model = load(artifact, unproved=unproved, require_signature=require_signature)
    parts = blocks(source, model.inputs, read_as, readers)
    opened = (sinks or {}).get(kind) or partial(sink, kind=kind)
    with opened(target, asked=asked, classes=model.classes) as out:
        for block in parts:
            out.write(run(model, block))
    return 0


def _names(columns: str, proba: bool) -> tuple[str, ...]:
    names = tuple(filter(None, (name.strip() for name in columns.split(","))))
    if names and proba:
        raise InvalidInput("--proba and --columns say both what is written; give one of them")
    return names


def verify(
    folder: str,
    as_json: bool = False,
    unproved: bool = False,
    require_signature: str | None = None,
) -> int:
    """Check a model directory and print a line a check; return 0, or 1 where a replay deviates.

    A proof that failed is told first, and is no check: it was asked for `unproved`.
    """
    import json

    from toolkit.runtime import verify as verification
    from toolkit.runtime.proof import read_proof
    from toolkit.runtime.signature import NAME as SIGNATURE

    checks = verification.verify(folder, unproved, require_signature)
    proof = read_proof(read_manifest(folder), folder)
    passed = all(c.passed for c in checks)
    if as_json:
        told = {"proof": {"passed": bool(proof.passed), "says": proof.text()}}
        print(json.dumps(verification.as_json(checks) | told, indent=2))
    else:
        if not proof.passed:
            print(f"FAILED proof  {folder}: {proof.text()}; used unproved, as asked")
        for c in checks:
            print(f"{'ok    ' if c.passed else 'FAILED'} {c.kind:6} {c.file}: {c.detail}")
    if require_signature is None and os.path.exists(os.path.join(folder, SIGNATURE)):
        print(
            f"{os.path.join(folder, SIGNATURE)}: not checked; give its maker's public key with "
            "--require-signature",
            file=sys.stderr,
        )
    if not passed:
        failed = next(c for c in checks if not c.passed)
        print(
            f"error: {folder}: {failed.file} does not reproduce the golden rows ({failed.detail}); "
            "do not use it on this device",
            file=sys.stderr,
        )
    return 0 if passed else 1


def inspect(artifact: str, as_json: bool = False, require_signature: str | None = None) -> int:
    """Print what an artifact or a model directory holds."""
    import json

    from toolkit.runtime import describe as description

    facts = description.describe(artifact, require_signature)
    print(
        json.dumps(facts, indent=2) if as_json else description.as_text(facts),
        end="\n" * as_json,
    )
    return 0


def replay(
    folder: str,
    as_json: bool = False,
    unproved: bool = False,
    require_signature: str | None = None,
    shown: int = 10,
) -> int:
    """Predict a bundle's golden rows with every variant; print true, predicted, difference.

    The table shows the first `shown` held-out rows; R² and MSE (or the accuracy) are over all the
    held-out golden rows.
    """
    import json

    results, has_target, name = settled(
        folder,
        lambda manifest: _replays(folder, manifest, unproved, require_signature),
        require_signature,
    )
    if as_json:
        print(json.dumps({"schema_version": 1, "model": name, "variants": results}))
        return 0
    for result in results:
        _print_replay(name, result, shown, has_target=has_target)
    return 0


def _replays(
    folder: str, manifest: dict, unproved: bool, require_signature: str | None
) -> tuple[list[dict], bool, str]:
    """Return each variant's answers, whether targets were given, and the model's name."""
    from toolkit.runtime.golden import NAME as GOLDEN_NAME
    from toolkit.runtime.golden import read as read_golden

    require_proved(folder, manifest, unproved)
    entry = manifest["files"].get(GOLDEN_NAME)
    if entry is None:
        raise InvalidInput(f"{folder}: its manifest lists no golden rows; export it again")
    path = os.path.join(folder, GOLDEN_NAME)
    rows = read_golden(read_checked(path, entry), path, manifest)
    plain = ~rows.adversarial
    inputs = {name: values[plain] for name, values in rows.inputs.items()}
    first = next(iter(rows.outputs))
    truth = rows.outputs[first][plain] if rows.target is None else rows.target[plain]
    results = []
    for name, item in manifest["files"].items():
        if item["role"] == "variant":
            path = os.path.join(folder, name)
            model = load(path, unproved=unproved, require_signature=require_signature)
            results.append(_replayed(model.predict(inputs), truth, name))
    return results, rows.target is not None, manifest["name"]


def _replayed(predicted: np.ndarray, truth: np.ndarray, name: str) -> dict:
    pairs = {"true": truth.reshape(len(truth), -1)[:, 0].tolist()}
    pairs["predicted"] = predicted.reshape(len(predicted), -1)[:, 0].tolist()
    if truth.dtype.kind != "f" or predicted.dtype.kind != "f":
        same = [str(t) == str(p) for t, p in zip(pairs["true"], pairs["predicted"], strict=True)]
        return {"file": name, **pairs, "metrics": {"accuracy": float(np.mean(same))}}
    error = np.asarray(predicted, dtype=np.float64).reshape(truth.shape) - truth
    spread = float(np.square(truth - truth.mean(axis=0)).sum())
    r2 = 1.0 - float(np.square(error).sum()) / spread if spread else float("nan")
    return {"file": name, **pairs, "metrics": {"r2": r2, "mse": float(np.square(error).mean())}}


def _print_replay(model: str, result: dict, shown: int, has_target: bool) -> None:
    print(f"{model}: {result['file']}")
    print(f"{'true' if has_target else 'reference':>14} {'predicted':>14} {'difference':>14}")
    for true, predicted in list(zip(result["true"], result["predicted"], strict=True))[:shown]:
        if isinstance(true, float) and isinstance(predicted, float):
            print(f"{true:14.5f} {predicted:14.5f} {predicted - true:+14.5f}")
        else:
            verdict = "same" if str(true) == str(predicted) else "differs"
            print(f"{true!s:>14} {predicted!s:>14} {verdict:>14}")
    figures = ", ".join(f"{k} {v:.6g}" for k, v in result["metrics"].items())
    print(f"{figures} over {len(result['true'])} golden rows\n")
