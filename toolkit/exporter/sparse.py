"""Which estimators are given scipy's sparse matrices, where that makes a difference to them.

To XGBoost what such a matrix does not hold is missing, where a zero of a dense one is a number;
LightGBM takes a number next to zero for zero in a dense one alone; and scikit-learn's scalers
multiply a sparse one where they divide a dense one. Whether a step gives one depends on its
settings, on the steps before it, on the density of the rows of its fitting: so the steps are not
read, but watched.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import wraps
from threading import Lock
from typing import Any

from toolkit.estimators.asking import one_by_one

# (module, class, method) of whatever tells the two apart; an optional library only where it is in
# use: without its import there is no estimator of its own.
APART = (
    ("xgboost", "XGBModel", "predict"),
    ("lightgbm", "LGBMModel", "predict"),
    ("toolkit.exporter.raw_boosters", "OfBooster", "answers"),
    ("sklearn.preprocessing", "MaxAbsScaler", "transform"),
    ("sklearn.preprocessing", "RobustScaler", "transform"),
    ("sklearn.preprocessing", "StandardScaler", "transform"),
)
WATCHING = Lock()  # one at a time: each puts back what it found


@contextmanager
def takers_of_sparse() -> Iterator[set[int]]:
    """Give the ids of the estimators of these classes that get a scipy matrix meanwhile.

    They are told while the estimator that they are a part of is asked.
    """
    takers: set[int] = set()
    # Not in other processes, in which nothing is seen.
    with WATCHING, one_by_one(), ExitStack() as stack:
        for module, name, method in APART:
            if module in sys.modules:
                stack.enter_context(_watched(getattr(sys.modules[module], name), method, takers))
        yield takers


@contextmanager
def _watched(kind: Any, name: str, takers: set[int]) -> Iterator[None]:
    """Note in `takers` whose method of this name is called with a scipy matrix."""
    method = getattr(kind, name)

    @wraps(method)
    def noted(self: Any, X: Any, *more: Any, **named: Any) -> Any:
        if hasattr(X, "tocsr"):
            takers.add(id(self))
        return method(self, X, *more, **named)

    setattr(kind, name, noted)
    try:
        yield
    finally:
        setattr(kind, name, method)
