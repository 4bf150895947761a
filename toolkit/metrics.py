"""How far answers are from scikit-learn's: the one place that says what is right, and by how much.

**Right** means, for each numeric output column: with m and s the mean and the standard deviation of
scikit-learn's float64 answers on the held-out rows, `|Δ| <= 1e-4 · max(s, |y − m|)`. So the answers
to a·y + b are right exactly where those to y are. Three cases need words of their own:

- A column that is constant on those rows (s <= 1e-12 · |m|) is judged relative to its value,
  `|Δ| <= 1e-4 · |y|`.
- scikit-learn's own float64 arithmetic has a rounding: what it cannot tell is not asked of others.
  `rounding` is what a column moves by where the rows' numbers move by 2⁻⁵² of themselves (the
  exporter measures it), and at least 2⁻⁵² · |m|; 64 times that is always allowed, and more in
  the measure in which a row's largest number is larger than usual. It matters where s is below
  about 1.4e-10 · |m|, or where a column is what is left of terms that cancel.
- What is below float32's smallest normal number (1.2e-38) is 0.

Labels and text must be equal. Numbers are compared in float64; a NaN or an infinity is right where
the reference has the same one, and infinitely far from everything else.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from toolkit.precision import FLOAT64_UNIT, TOLERANCE

Outputs = Mapping[str, np.ndarray]

LABEL = "label"
CONSTANT = 1e-12  # of its mean: a standard deviation that is none
ROUNDINGS = 64.0  # so many times its own rounding may a column always be off
TINY = float(np.finfo(np.float32).tiny)
# Outputs whose columns have one unit: their spread is taken together for the mean square.
POOLED = ("probabilities", "scores")


@dataclass(frozen=True)
class Scale:
    """By what an output's columns are measured: center, spread and rounding, float64 [k] each."""

    center: np.ndarray
    spread: np.ndarray
    rounding: np.ndarray

    @property
    def constant(self) -> np.ndarray:
        """Which columns have one value on all held-out rows, bool [k]."""
        return np.asarray(self.spread <= CONSTANT * np.abs(self.center))

    def unit(self, reference: np.ndarray) -> np.ndarray:
        """Return what a difference from the reference [N, k] counts as 1, float64 [N, k]."""
        with np.errstate(invalid="ignore", over="ignore"):
            apart = np.maximum(self.spread, np.abs(reference - self.center))
        unit = np.where(self.constant, np.abs(reference), apart)
        least = self.rounding * (ROUNDINGS / TOLERANCE)
        return np.asarray(np.maximum(unit, self._growth(reference) * least))

    def _growth(self, reference: np.ndarray) -> np.ndarray:
        """Return how many times a row's largest number is that of usual ones, at least 1, [N, 1].

        What rounding leaves of terms that cancel is a part of these terms.
        """
        usual = float((np.abs(self.center) + self.spread).max(initial=0.0))
        largest = np.where(np.isfinite(reference), np.abs(reference), 0.0).max(axis=1, initial=0.0)
        return np.maximum(1.0, largest[:, None] / usual) if usual > 0 else np.ones((1, 1))


def scale_of(values: np.ndarray, rounding: np.ndarray | None = None) -> Scale:
    """Return the scale of an output from scikit-learn's answers on the held-out rows [N, k].

    rounding [k]: its own rounding of the columns, where that is known to be more than FLOAT64_UNIT
    of m.
    """
    values = columns(values)
    if not len(values):
        return Scale(*np.zeros((3, values.shape[1])))
    finite = np.isfinite(values)
    count = np.maximum(finite.sum(axis=0), 1)
    with np.errstate(over="ignore", invalid="ignore"):
        # Of differences from a first value, so that an offset costs no digits.
        first = np.where(
            finite.any(axis=0), values[finite.argmax(axis=0), range(finite.shape[1])], 0
        )
        apart = np.where(finite, values - first, 0.0)
        mean = apart.sum(axis=0) / count
        spread = np.sqrt(np.square(np.where(finite, apart - mean, 0.0)).sum(axis=0) / count)
        center = first + mean
    least = FLOAT64_UNIT * np.abs(center)
    return Scale(center, spread, least if rounding is None else np.maximum(least, rounding))


def scales_of(
    reference: Outputs, rounding: Mapping[str, np.ndarray] | None = None
) -> dict[str, Scale]:
    """Return the scale of each numeric output by its name; see `scale_of`."""
    return {n: scale_of(reference[n], (rounding or {}).get(n)) for n in numeric(reference)}


def numeric(outputs: Outputs) -> list[str]:
    """Return the names of the outputs that are numbers."""
    return [n for n in outputs if n not in labelled(outputs)]


def labelled(outputs: Outputs) -> list[str]:
    """Return the names of labels and of other text, such as what an imputer gives."""
    return [n for n, v in outputs.items() if n == LABEL or np.asarray(v).dtype.kind in "OUS"]


def columns(values: np.ndarray) -> np.ndarray:
    """Return numbers as float64 [N, k]; what float32 has no normal number for is 0."""
    array = np.asarray(values, dtype=np.float64)
    array = array.reshape(len(array), math.prod(array.shape[1:]))
    return np.where(np.abs(array) < TINY, 0.0, array)


def distance(reference: np.ndarray, got: np.ndarray) -> np.ndarray:
    """Return |got − reference| [N, k], 0 for equal infinities and two NaN, infinite for others."""
    a, b = columns(reference), columns(got)
    with np.errstate(invalid="ignore", over="ignore"):
        apart = np.abs(b - a)
    apart = np.where((a == b) | (np.isnan(a) & np.isnan(b)), 0.0, apart)
    return np.asarray(np.where(np.isnan(apart), np.inf, apart))


def deviations(reference: np.ndarray, got: np.ndarray, scale: Scale) -> np.ndarray:
    """Return how far each number is off in its column's scale, float64 [N, k]; shapes are equal."""
    apart = distance(reference, got)
    unit = scale.unit(columns(reference))
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        relative = apart / unit
    # inf/inf: a number beside an infinite reference. 0/0: both are the constant 0.
    return np.asarray(np.where(apart == 0, 0.0, np.where(np.isnan(relative), np.inf, relative)))


def deviation(
    reference: Outputs, got: Outputs, scales: Mapping[str, Scale], names: list[str] | None = None
) -> tuple[float, float]:
    """Return the largest deviation of a number, and the share of equal labels.

    names: the outputs that count, all of the reference's if None. 0.0 where there are no numbers,
    1.0 where there are no labels; infinite, or 0.0, where the shapes differ.
    """
    names = list(reference) if names is None else names
    worst = 0.0
    texts = labelled(reference)
    for name in names:
        if name in texts:
            continue
        if np.size(got[name]) != np.size(reference[name]):
            return np.inf, agreement(reference, got, names)
        apart = deviations(reference[name], got[name], scales[name])
        worst = max(worst, float(apart.max(initial=0.0)))
    return worst, agreement(reference, got, names)


def same_labels(reference: np.ndarray, got: np.ndarray) -> np.ndarray:
    """Return, for each row, whether all its labels are equal; text never equals a number."""
    a, b = _labels(reference), _labels(got)
    text = [v.dtype.kind == "U" for v in (a, b)]
    if a.shape != b.shape or text[0] != text[1]:
        return np.zeros(len(a), dtype=bool)
    return np.asarray((a == b).all(axis=1))


def _labels(values: np.ndarray) -> np.ndarray:
    flat = np.asarray(values)
    flat = flat.reshape(len(flat), math.prod(flat.shape[1:]))
    if flat.dtype.kind == "O":  # a missing text, None or NaN, is "" in a graph
        flat = np.where((flat == None) | (flat != flat), "", flat)  # noqa: E711
    return flat.astype(str) if flat.dtype.kind in "OUS" else flat


def agreement(reference: Outputs, got: Outputs, names: list[str] | None = None) -> float:
    """Return the smallest share of rows with equal labels over the outputs; 1.0 without labels."""
    texts = [n for n in labelled(reference) if names is None or n in names]
    shares = [same_labels(reference[n], got[n]) for n in texts]
    return min((float(s.mean()) if len(s) else 1.0 for s in shares), default=1.0)


def max_abs(reference: Outputs, got: Outputs) -> float | None:
    """Return the largest difference of a number, None where there are no numbers."""
    largest = [_apart(reference[n], got[n]).max(initial=0.0) for n in numeric(reference)]
    return float(max(largest)) if largest else None


def mean_abs(reference: Outputs, got: Outputs) -> float | None:
    """Return the mean difference over all numbers, None where there are none."""
    apart = [_apart(reference[n], got[n]).ravel() for n in numeric(reference)]
    joined = np.concatenate(apart) if apart else np.zeros(0)
    return float(joined.mean()) if joined.size else None


def nmse(
    reference: Outputs, got: Outputs, scales: Mapping[str, Scale] | None = None
) -> float | None:
    """Return the normalised mean square error, None where there are no numbers.

    That is `mean((got − y)²) / var(y)` of each column of targets and of transformed features, each
    of which has a unit of its own, and of the columns of probabilities and of scores together; the
    largest counts. The variance is about the column's mean on these rows. Where it is none, the
    error is taken relative to the value (and must be below 1e-6 where the value is 0). scales: for
    the columns' rounding, which no error is held against.
    """
    shares = squares(reference, got, scales)
    return max((worst_mean(s) for s in shares.values()), default=0.0) if shares else None


def losses(
    reference: Outputs, got: Outputs, scales: Mapping[str, Scale] | None = None
) -> tuple[float, float]:
    """Return what variants are held to: the NMSE (0.0 without numbers), and `agreement`."""
    return nmse(reference, got, scales) or 0.0, agreement(reference, got)


def squares(
    reference: Outputs, got: Outputs, scales: Mapping[str, Scale] | None = None
) -> dict[str, np.ndarray]:
    """Return by numeric output the squared error of each row, in units whose mean is the NMSE.

    float64 [N, k]; of probabilities and scores, [N, 1]. See `nmse`.
    """
    return {
        n: _squares(columns(reference[n]), _apart(reference[n], got[n]), n, (scales or {}).get(n))
        for n in numeric(reference)
    }


def worst_mean(shares: np.ndarray) -> float:
    """Return the largest of the columns' means, 0.0 where there is nothing."""
    return float(shares.mean(axis=0).max(initial=0.0)) if shares.size else 0.0


def _squares(values: np.ndarray, apart: np.ndarray, name: str, scale: Scale | None) -> np.ndarray:
    if not values.size:
        return np.zeros(values.shape)
    own = scale_of(values)
    rounding = own.rounding if scale is None else np.maximum(own.rounding, scale.rounding)
    with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
        squared = np.square(apart)
        size = np.where(own.constant, np.abs(own.center), own.spread)
        if name in POOLED and not own.constant.all():
            size = own.spread  # the value of a column that says nothing is no spread of the others
        whole = np.square(np.maximum(size, rounding * (ROUNDINGS / TOLERANCE)))
        if name in POOLED:
            squared, whole = squared.sum(axis=1, keepdims=True), whole.sum(keepdims=True)
        share = np.where(squared == 0, 0.0, squared / whole)
    nothing = (whole == 0) & (squared.mean(axis=0) < 1e-12)
    return np.asarray(np.where(nothing, 0.0, np.where(np.isnan(share), np.inf, share)))


def _apart(reference: np.ndarray, got: np.ndarray) -> np.ndarray:
    """Return `distance`, infinite where the shapes differ."""
    if np.size(got) != np.size(reference):
        return np.full_like(columns(reference), np.inf)
    return distance(reference, np.asarray(got).reshape(np.shape(reference)))
