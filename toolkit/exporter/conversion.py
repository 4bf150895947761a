"""What a converter is given: the graph, the request, and how estimators inside are converted."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from toolkit.exporter.graph import Graph
from toolkit.exporter.grid import Grids
from toolkit.exporter.origins import Affine, Fitted
from toolkit.exporter.tuning import LATENCY
from toolkit.exporter.values import Matrix, Outputs, Unconvertible, Value
from toolkit.metrics import Scale
from toolkit.onnx_graph.kernel_sums import KernelSum


@dataclass(kw_only=True)
class Conversion(Graph):
    """A graph under construction with what was asked of it, and notes of what was mended.

    `dispatch` converts an estimator (dispatch.convert). `tune` says what the graph is to be fast at
    where a form gains the one at the other's cost: "latency" for single rows, "throughput" for
    large batches. `rows` are sample rows by input name, extreme ones among them, for forms whose
    rounding depends on the data; none where a graph is built without. `grids` say by input and
    column what numbers the data hold. `sparse` are the ids of the estimators inside that are given
    a scipy matrix where that makes a difference (exporter.sparse). `scale` is that of the answers
    (`predict`) of the very estimator that is being converted, where it is known (formulas.answers).

    `traps` collects one line for each known error of plain conversion that was avoided, for the
    proof. `kernel_sums` names the sums of kernels, which the model's metadata tells.
    `compares_computed` tells that trees compare what arithmetic made, so that its rounding may
    decide.
    """

    dispatch: Callable[[Any, Value, Conversion], Outputs]
    tune: str = LATENCY
    rows: Mapping[str, np.ndarray] = field(default_factory=dict)
    grids: Grids = field(default_factory=dict)
    sparse: frozenset[int] = frozenset()
    scale: Scale | None = None
    traps: list[str] = field(default_factory=list)
    kernel_sums: list[KernelSum] = field(default_factory=list)
    compares_computed: bool = False

    def convert(self, estimator: Any, x: Value, scale: Scale | None = None) -> Outputs:
        """Convert an inner estimator; what meta-estimators call. scale: of its answers if known."""
        with self.measured(scale):
            return self.dispatch(estimator, x, self)

    @contextmanager
    def measured(self, scale: Scale | None) -> Iterator[None]:
        """Convert with this scale of the answers."""
        outer, self.scale = self.scale, scale
        try:
            yield
        finally:
            self.scale = outer

    def sample(self, x: Matrix) -> np.ndarray | None:
        """Return x for the sample rows, float64; None where it is no linear map of an input."""
        affine = x.origin(Affine)
        rows = self.rows.get(x.name if affine is None else affine.source.name)
        if rows is None or rows.dtype.kind != "f":
            return None
        rows = rows[np.isfinite(rows).all(axis=1)].astype(np.float32).astype(np.float64)
        values = rows if affine is None else affine.of(rows)
        return values if len(values) and np.isfinite(values).all() else None


def categories_in(x: Value) -> tuple[int, ...]:
    """Return which columns of x are known to be categories in the estimator's data frame."""
    fitted = x.origin(Fitted)
    return () if fitted is None else fitted.categories


def at_hand(x: Value, places: Sequence[int]) -> list[int]:
    """Return which columns of x these columns of the fitting are.

    Raises Unconvertible where one was left out of the inputs.
    """
    fitted = x.origin(Fitted)
    if fitted is None or fitted.places is None:
        return list(places)
    try:
        return [fitted.places.index(p) for p in places]
    except ValueError:
        raise Unconvertible("a column that was left out of the rows given") from None
