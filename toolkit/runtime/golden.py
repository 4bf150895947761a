"""Golden rows: a few inputs with scikit-learn's outputs, to be replayed on any device.

`golden.npz` holds `input_0…` and `output_0…` in the order of the manifest's inputs and outputs,
`target` [N] (absent where there is none), and `adversarial`, bool [N].
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from toolkit.errors import CorruptArtifact
from toolkit.runtime.tabular import read_npz

NAME = "golden.npz"


@dataclass(frozen=True)
class Golden:
    """Rows by input name, the reference by output name, targets or None, adversarial bool [N]."""

    inputs: dict[str, np.ndarray]
    outputs: dict[str, np.ndarray]
    target: np.ndarray | None
    adversarial: np.ndarray


def read(content: bytes, origin: str, manifest: Mapping[str, Any]) -> Golden:
    """Return the golden rows; CorruptArtifact where arrays are missing, odd or of other lengths."""
    arrays = read_npz(content, origin)
    try:
        inputs = {i["name"]: arrays[f"input_{k}"] for k, i in enumerate(manifest["inputs"])}
        outputs = {o["name"]: arrays[f"output_{k}"] for k, o in enumerate(manifest["outputs"])}
        adversarial = arrays["adversarial"]
    except KeyError as error:
        raise CorruptArtifact(
            f"{origin}: lacks the array {error}; export the model again"
        ) from None
    target = arrays.get("target")
    listed = [*inputs.values(), *outputs.values(), *([] if target is None else [target])]
    if adversarial.dtype != bool or adversarial.ndim != 1 or any(a.ndim == 0 for a in listed):
        raise CorruptArtifact(f"{origin}: its arrays are not rows; export the model again")
    if any(len(a) != len(adversarial) for a in listed):
        raise CorruptArtifact(f"{origin}: its arrays differ in length; export the model again")
    texts = {"label", *(o["name"] for o in manifest["outputs"] if o.get("dtype") == "string")}
    for name, values in outputs.items():
        if name not in texts and values.dtype.kind not in "fiub":
            raise CorruptArtifact(
                f"{origin}: the output {name!r} is of type {values.dtype}, no number; export the "
                "model again"
            )
    return Golden(inputs, outputs, target, adversarial)


def deviation(
    reference: Mapping[str, np.ndarray], got: Mapping[str, np.ndarray], outputs: Sequence[str]
) -> tuple[float, float]:
    """Return (largest |got − reference| / max(1, |reference|), share of equal labels).

    Non-finite numbers must be equal in kind, else the deviation is infinite; 1.0 where there are
    no labels, 0.0 where there are no numbers. Works over all `outputs` that both sides have.
    """
    worst, agreement = 0.0, 1.0
    for name in outputs:
        a, b = reference[name], got[name]
        if name == "label" or np.asarray(a).dtype.kind in "OUS":  # text is compared as labels are
            agreement = min(agreement, _agreement(_labels(a), _labels(b)))
        else:
            worst = max(worst, relative(a, b))
    return worst, agreement


def relative(reference: np.ndarray, got: np.ndarray) -> float:
    """Return the largest |got − reference| / max(1, |reference|); infinite where shapes differ."""
    reference = np.asarray(reference, dtype=np.float64)
    got = np.asarray(got, dtype=np.float64)
    if reference.size != got.size:
        return float("inf")
    if not reference.size:
        return 0.0
    reference, got = reference.ravel(), got.ravel()
    with np.errstate(invalid="ignore", over="ignore"):
        difference = np.abs(got - reference) / np.maximum(1.0, np.abs(reference))
    # Equal infinities and NaN on both sides are agreement; the subtraction made NaN of them.
    same = (got == reference) | (np.isnan(got) & np.isnan(reference))
    difference = np.where(same, 0.0, difference)
    return float(np.where(np.isnan(difference), np.inf, difference).max())


def _agreement(reference: np.ndarray, got: np.ndarray) -> float:
    if reference.shape != got.shape:
        return 0.0
    return float(np.mean(reference == got)) if len(reference) else 1.0


def _labels(values: np.ndarray) -> np.ndarray:
    flat = np.asarray(values).reshape(len(values), -1)
    if flat.dtype.kind == "O":  # a missing text, None or NaN, is "" in a graph
        flat = np.where((flat == None) | (flat != flat), "", flat)  # noqa: E711
    return flat.astype(str) if flat.dtype.kind in "OUS" else flat
