"""Golden rows: a few inputs with scikit-learn's outputs, to be replayed on any device.

`golden.npz` holds `input_0…` and `output_0…` in the order of the manifest's inputs and outputs,
`target` [N] (absent where there is none), and `adversarial`, bool [N]; for each output k of numbers
`center_k`, `spread_k` and `rounding_k`, float64 [columns]: by what its differences are measured
(`toolkit.metrics.Scale`, of scikit-learn's answers on all held-out rows).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from toolkit.errors import CorruptArtifact
from toolkit.metrics import LABEL, Scale, columns, scale_of
from toolkit.runtime.npz import read_npz

NAME = "golden.npz"
PARTS = ("center", "spread", "rounding")  # of a Scale, in the order of its fields


@dataclass(frozen=True)
class Golden:
    """Rows by input name, the reference by output name, targets or None, adversarial bool [N].

    scales: of the outputs that are numbers, by name; stored: whether the file has them.
    """

    inputs: dict[str, np.ndarray]
    outputs: dict[str, np.ndarray]
    target: np.ndarray | None
    adversarial: np.ndarray
    scales: dict[str, Scale]
    stored: bool = True

    @property
    def replay_scales(self) -> dict[str, Scale]:
        """By what replays are measured, when a tolerance is recorded and when it is held.

        Bundles from before scales were stored have tolerances of max(1, |y|): a scale of center 0
        and spread 1.
        """
        if self.stored:
            return self.scales
        none = {n: np.zeros_like(s.center) for n, s in self.scales.items()}
        return {n: Scale(zero, zero + 1, zero) for n, zero in none.items()}


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
    texts = {LABEL, *(o["name"] for o in manifest["outputs"] if o.get("dtype") == "string")}
    for name, values in outputs.items():
        if name not in texts and values.dtype.kind not in "fiub":
            raise CorruptArtifact(
                f"{origin}: the output {name!r} is of type {values.dtype}, no number; export the "
                "model again"
            )
    scales = {
        name: _scale(arrays, k, values, ~adversarial, origin)
        for k, (name, values) in enumerate(outputs.items())
        if name not in texts
    }
    stored = any(f"{PARTS[0]}_{k}" in arrays for k in range(len(outputs))) or not scales
    return Golden(inputs, outputs, target, adversarial, scales, stored)


def stored_scales(scales: Mapping[str, Scale], outputs: Sequence[str]) -> dict[str, np.ndarray]:
    """Return the arrays of the golden file that keep the scales; outputs: all names, in order."""
    return {
        f"{part}_{k}": np.asarray(getattr(scales[name], part), dtype=np.float64)
        for k, name in enumerate(outputs)
        if name in scales
        for part in PARTS
    }


def _scale(
    arrays: Mapping[str, np.ndarray], k: int, values: np.ndarray, plain: np.ndarray, origin: str
) -> Scale:
    """Return the stored scale of output k, or that of its values in the plain rows.

    Bundles from before scales were stored have none.
    """
    parts = [arrays[f"{part}_{k}"] for part in PARTS if f"{part}_{k}" in arrays]
    if not parts:
        return scale_of(values[plain] if plain.any() else values)
    width = columns(values[:1]).shape[1]
    sound = [p.dtype == np.float64 and p.shape == (width,) and not np.isnan(p).any() for p in parts]
    if len(parts) < len(PARTS) or not all(sound) or any((p < 0).any() for p in parts[1:]):
        raise CorruptArtifact(
            f"{origin}: the scale of output {k} is damaged; export the model again"
        )
    return Scale(*parts)
