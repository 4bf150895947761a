"""Sums of Gaussian kernels in a graph, told beside it: `offset + Σ dual_i k(x, s_i)`.

The exporter writes such a sum in several forms at once, in graphs inside the graph. What they have
in common is named in the model's metadata, so that a quantizer knows which tensors are points and
duals, and need not find it out from the forms.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import onnx

KEY = "toolkit.kernel_sums"


@dataclass(frozen=True)
class KernelSum:
    """Names of the graph's tensors: initializers points s [m, d], dual [m, k] and offset [k], the
    rows x [N, d] and the sums, total [N, k]; and the kernel's numbers, a number or one a column.
    """

    points: str
    dual: str
    offset: str
    rows: str
    total: str
    gamma: float
    centre: list[float]
    scale: list[float]

    def renamed(self, names: Mapping[str, str]) -> KernelSum:
        """Return the same with tensors under their new names."""
        old = {n: getattr(self, n) for n in ("points", "dual", "offset", "rows", "total")}
        return replace(self, **{field: names.get(n, n) for field, n in old.items()})

    def kernels(self, rows: np.ndarray, points: np.ndarray) -> np.ndarray:
        """Return the kernels [N, m] between rows and points as the graph holds them, float64."""
        x = (np.asarray(rows, dtype=np.float64) - self.centre) / self.scale
        s = np.asarray(points, dtype=np.float64)
        squares = (x * x).sum(axis=1)[:, None] - 2.0 * x @ s.T + (s * s).sum(axis=1)
        return np.asarray(np.exp(-self.gamma * np.maximum(squares, 0.0)))


def written(sums: Iterable[KernelSum]) -> str:
    """Return the sums as a model's metadata holds them."""
    return json.dumps([asdict(s) for s in sums], separators=(",", ":"))


def rename(model: onnx.ModelProto, names: Mapping[str, str]) -> None:
    """Give the tensors that a model's metadata names their new names."""
    sums = [s.renamed(names) for s in of(model)]
    for prop in model.metadata_props:
        if prop.key == KEY:
            prop.value = written(sums)


def of(model: onnx.ModelProto) -> list[KernelSum]:
    """Return the sums that a model's metadata names; none where it names none."""
    texts = [p.value for p in model.metadata_props if p.key == KEY]
    return [KernelSum(**entry) for text in texts for entry in json.loads(text)]
