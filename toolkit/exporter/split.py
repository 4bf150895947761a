"""Which rows calibrate and which are held out, where the caller gives one set of rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from toolkit.arguments import targets
from toolkit.errors import InvalidInput
from toolkit.exporter.schema import Schema, arrays

CALIBRATION_ROWS = 1024  # enough for second moments of hundreds of features, small to keep
FEW = 8  # rows that are too few to part
SEED = 0
DENSE_BYTES = 1 << 28  # of rows that a scipy matrix holds


@dataclass(frozen=True)
class Split:
    """Held-out rows and calibration rows as a bundle keeps them, their targets, and a note.

    positions: which rows of X, or of X_test where that was given, the held-out ones are.
    fitted: whether the estimator was fitted on the held-out rows, "yes", "no" or "unknown".
    """

    held_out: dict[str, np.ndarray]
    target: np.ndarray | None
    calibration: dict[str, np.ndarray]
    calibration_target: np.ndarray | None
    note: str
    positions: np.ndarray
    fitted: str = "unknown"

    @property
    def rows(self) -> int:
        """The number of held-out rows."""
        return len(next(iter(self.held_out.values())))

    @property
    def calibration_rows(self) -> int:
        """The number of calibration rows."""
        return len(next(iter(self.calibration.values())))


def parts(count: int) -> tuple[np.ndarray, np.ndarray]:
    """Return which of so many rows are held out, and which calibrate; FEW rows do both."""
    order = _order(count)
    if count < FEW:
        return np.sort(order), np.sort(order)
    size = min(CALIBRATION_ROWS, max(4, count // 4))
    return np.sort(order[size:]), np.sort(order[:size])


def _order(count: int) -> np.ndarray:
    return np.random.default_rng(SEED).permutation(count)


def split_rows(X: Any, y: Any, X_test: Any, y_test: Any, schema: Schema) -> Split:
    """Return calibration and held-out rows.

    With X_test: calibration rows are drawn from X, all of X_test is held out. Without: a quarter
    of X, 1024 rows at most, calibrates and the rest is held out; fewer than 8 rows serve as both.
    Of a scipy matrix, which becomes dense, only so many rows are taken as DENSE_BYTES hold.
    Raises InvalidInput where lengths or columns differ.
    """
    target, taken = _target(y, X), _few(X)
    if len(taken) < count_of(X):
        target = None if target is None else target[taken]
        X = X.tocsr()[taken]
    rows = arrays(X, schema)
    count = len(taken)
    dense = "; sparse rows were made dense, as a device gives them" if hasattr(X, "tocsr") else ""
    if X_test is not None:
        _same_width(X, X_test)
        chosen = np.sort(_order(count)[:CALIBRATION_ROWS])
        note = "held out: rows that were given as such; calibration: drawn from the training rows"
        positions, target_test = _few(X_test), _target(y_test, X_test)
        if len(positions) < count_of(X_test):
            target_test = None if target_test is None else target_test[positions]
            X_test = X_test.tocsr()[positions]
        held_out = arrays(X_test, schema)
        known = _taken(rows, target, chosen)
        return Split(held_out, target_test, *known, note + dense, positions)
    if count < FEW:
        note = f"only {count} rows were given: the same rows calibrate and are held out"
        return Split(rows, target, rows, target, note + dense, taken)
    rest, chosen = parts(count)
    note = "held out from calibration"
    known = _taken(rows, target, chosen)
    return Split(*_taken(rows, target, rest), *known, note + dense, taken[rest])


def count_of(X: Any) -> int:
    """Return the number of rows; a scipy matrix has no length."""
    return int(X.shape[0]) if hasattr(X, "tocsr") else len(X)


def _few(X: Any) -> np.ndarray:
    """Return the positions of the rows to look at: of a scipy matrix, as memory allows."""
    count = count_of(X)
    most = DENSE_BYTES // (8 * X.shape[1]) if hasattr(X, "tocsr") else count
    if count <= most:
        return np.arange(count)
    return np.sort(np.random.default_rng(SEED).permutation(count)[: max(8, most)])


def _taken(
    rows: dict[str, np.ndarray], target: np.ndarray | None, at: np.ndarray
) -> tuple[dict[str, np.ndarray], np.ndarray | None]:
    return {n: a[at] for n, a in rows.items()}, None if target is None else target[at]


def _target(y: Any, X: Any) -> np.ndarray | None:
    if y is None:
        return None
    array = targets(y, count_of(X))
    return array.astype(str) if array.dtype == object else array


def _same_width(X: Any, X_test: Any) -> None:
    widths = [np.shape(rows)[1] if np.ndim(rows) > 1 else 1 for rows in (X, X_test)]
    if widths[0] != widths[1]:
        raise InvalidInput(f"X has {widths[0]} columns and X_test {widths[1]}")
