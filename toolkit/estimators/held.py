"""The fitted estimators inside another that get the very rows that it gets itself."""

from __future__ import annotations

from typing import Any

import numpy as np

HOLDERS = (
    "best_estimator_",
    "calibrated_classifiers_",
    "estimators_",  # before the next, which may be no more than their pattern
    "estimator_",
    "regressor_",
    "classifier_",
    "estimator",
)
MEMBERS = 8  # so many of an ensemble's are looked at


def held_by(estimator: Any) -> list[Any]:
    """Return the estimators that a search, an ensemble and the like hold, the first few."""
    for name in HOLDERS:
        inner = quietly(estimator, name)
        if inner is None or isinstance(inner, str | type):
            continue
        many = inner.ravel().tolist() if isinstance(inner, np.ndarray) else inner
        many = list(many) if isinstance(many, list | tuple) else [many]
        return [m[1] if isinstance(m, tuple) else m for m in many[:MEMBERS]]
    return []


def quietly(estimator: Any, name: str) -> Any:
    """Return an attribute, None where there is none: some properties raise errors of their own."""
    try:
        return getattr(estimator, name, None)
    except Exception:
        return None
