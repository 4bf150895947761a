"""One reference against the graph on one set of rows: figures, and which rows are wrong."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

import numpy as np

from toolkit import metrics
from toolkit.exporter.proof.ties import Ties
from toolkit.metrics import Scale
from toolkit.precision import TOLERANCE

Outputs = Mapping[str, np.ndarray]


@dataclass(frozen=True)
class Comparison:
    """How far a graph's answers are from a reference.

    rows: how many were compared; ties: how many more differ, and do not count, since scikit-learn's
    own answer to them is a toss-up (`ties`). max_relative: the largest deviation in the columns'
    own scale (`toolkit.metrics`); max_abs, mean_abs of the numbers; label_agreement, None without
    labels. wrong: how many rows have a number or a label that is not right. required: whether the
    proof rests on it. off: each row's largest deviation, infinite where a label differs; excused:
    the rows that are ties.
    """

    rows: int
    max_relative: float
    max_abs: float
    mean_abs: float
    label_agreement: float | None
    passed: bool
    wrong: int = 0
    ties: int = 0
    required: bool = True
    off: np.ndarray = field(default_factory=lambda: np.zeros(0), compare=False, repr=False)
    excused: np.ndarray = field(default_factory=lambda: np.zeros(0), compare=False, repr=False)

    def summary(self) -> dict[str, Any]:
        """Return the figures as the manifest keeps them."""
        return {f.name: getattr(self, f.name) for f in fields(self) if f.repr}


def compare(
    expected: Outputs,
    got: Outputs,
    scales: Mapping[str, Scale],
    ties: Ties | None = None,
    required: bool = True,
) -> Comparison:
    """Return how far `got` is from `expected`, both by output name.

    scales: of the numeric outputs. ties: rows that may differ.
    """
    count = len(next(iter(expected.values())))
    texts = metrics.labelled(expected)
    deviation, apart, equal = np.zeros(count), np.zeros((count, 0)), np.ones(count, dtype=bool)
    for name, values in expected.items():
        if len(got[name]) != count or np.size(got[name]) != np.size(values):
            deviation[:] = np.inf  # there is no difference of such
        elif name in texts:
            equal &= metrics.same_labels(values, got[name])
        else:
            deviations = metrics.deviations(values, got[name], scales[name])
            deviation = np.maximum(deviation, deviations.max(axis=1, initial=0.0))
            apart = np.concatenate([apart, metrics.distance(values, got[name])], axis=1)
    off = np.where(equal, deviation, np.inf)
    counted = np.ones(count, dtype=bool)
    if ties is not None and (off > TOLERANCE).any():
        counted = ~(ties.allow(got) & (off > TOLERANCE))
    off = np.where(counted, off, 0.0)
    measured = apart[counted][np.isfinite(apart[counted])]
    return Comparison(
        rows=int(counted.sum()),
        max_relative=float(deviation[counted].max(initial=0.0)),
        max_abs=float(measured.max(initial=0.0)),
        mean_abs=float(measured.mean()) if measured.size else 0.0,
        label_agreement=float(equal[counted].mean()) if texts and counted.any() else None,
        passed=not (off > TOLERANCE).any(),
        wrong=int((off > TOLERANCE).sum()),
        ties=int(count - counted.sum()),
        required=required,
        off=off,
        excused=~counted,
    )
