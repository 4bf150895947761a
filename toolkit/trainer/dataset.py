"""The record of one data set: rows, targets, names, and which rows train and which test."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np


@dataclass(frozen=True, eq=False)
class Dataset:
    """Rows with their targets, and a stated split of the rows.

    `X` is an array [N, d] or a pandas DataFrame of N rows; `y` is [N] (or [N, k] for several
    targets), None where there is no target. `train` and `test` are int64 row positions and have no
    row in common (ValueError otherwise); `split` is one sentence that says how they were chosen.
    """

    name: str
    X: Any
    y: np.ndarray | None
    feature_names: tuple[str, ...]
    target_name: str | None
    train: np.ndarray
    test: np.ndarray
    split: str

    def __post_init__(self) -> None:
        common = set(self.train.tolist()) & set(self.test.tolist())
        if common:
            raise ValueError(
                f"data set {self.name}: {len(common)} rows are in train and in test, "
                f"row {min(common)} among them"
            )

    @property
    def X_train(self) -> Any:
        """The training rows, of the type of `X`."""
        return _rows(self.X, self.train)

    @property
    def X_test(self) -> Any:
        """The held-out rows, of the type of `X`."""
        return _rows(self.X, self.test)

    @property
    def y_train(self) -> np.ndarray | None:
        """The targets of the training rows."""
        return None if self.y is None else self.y[self.train]

    @property
    def y_test(self) -> np.ndarray | None:
        """The targets of the held-out rows."""
        return None if self.y is None else self.y[self.test]


def _rows(table: Any, positions: np.ndarray) -> Any:
    return table.iloc[positions] if hasattr(table, "iloc") else table[positions]
