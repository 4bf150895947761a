"""Which estimators are given scipy's sparse matrices, where that makes a difference to them.

To XGBoost what such a matrix does not hold is missing, where a zero of a dense one is a number; to
all others both are zero. Whether a step gives one depends on its settings, on those of the steps
before it, on the density of the rows of its fitting: so the steps are not read, but watched.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from threading import Lock
from typing import Any

WATCHING = Lock()  # one at a time: each puts back what it found


def takers_of_sparse(answer: Callable[[], Any]) -> frozenset[int]:
    """Return the ids of the XGBoost estimators that get a scipy matrix while `answer` runs.

    answer: asks the estimator that they are a part of.
    """
    xgboost = sys.modules.get("xgboost")
    if xgboost is None:  # no estimator is one of its own then
        return frozenset()
    from joblib import parallel_config

    found: set[int] = set()
    # Not in processes, in which nothing is seen.
    with WATCHING, _watched(xgboost.XGBModel, found), parallel_config(backend="threading"):
        answer()
    return frozenset(found)


@contextmanager
def _watched(kind: Any, found: set[int]) -> Iterator[None]:
    """Note in `found` which estimators of this kind predict on a scipy matrix."""
    predict = kind.predict

    @wraps(predict)
    def noted(self: Any, X: Any, *more: Any, **named: Any) -> Any:
        if hasattr(X, "tocsr"):
            found.add(id(self))
        return predict(self, X, *more, **named)

    kind.predict = noted
    try:
        yield
    finally:
        kind.predict = predict
