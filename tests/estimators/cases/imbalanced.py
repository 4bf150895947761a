"""imbalanced-learn's pipelines and ensembles, where it is installed."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Any

import numpy as np
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.preprocessing import StandardScaler

from tests.estimators.data import classes, regression
from tests.estimators.harness import Case, case

CASES: list[Case] = []
# skops does not know its types; with --trust they are kept.
UNKEPT: dict[str, Any] = {"unkept": "imblearn"}


def rare() -> tuple[np.ndarray, np.ndarray]:
    X, y = regression()
    return X, np.where(y > np.quantile(y, 0.8), "rare", "usual")


def _cases() -> list[Case]:
    from imblearn.ensemble import (
        BalancedBaggingClassifier,
        BalancedRandomForestClassifier,
        EasyEnsembleClassifier,
        RUSBoostClassifier,
    )
    from imblearn.over_sampling import SMOTE, RandomOverSampler
    from imblearn.pipeline import make_pipeline
    from imblearn.under_sampling import RandomUnderSampler

    seed: dict[str, Any] = {"random_state": 0}
    pipelines = {
        "smote": [StandardScaler(), SMOTE(**seed), LogisticRegression()],
        "first": [RandomOverSampler(**seed), StandardScaler(), KNeighborsClassifier(3)],
        "forest": [RandomUnderSampler(**seed), "passthrough", RandomForestClassifier(3, **seed)],
    }
    ensembles = (
        BalancedRandomForestClassifier(5, **seed),
        EasyEnsembleClassifier(3, **seed),
        RUSBoostClassifier(n_estimators=4, **seed),
        BalancedBaggingClassifier(n_estimators=4, **seed),
    )
    found = [
        case(f"Pipeline-imblearn-{name}", lambda s=steps: make_pipeline(*s), rare, **UNKEPT)
        for name, steps in pipelines.items()
    ]
    for est in ensembles:
        name = type(est).__name__
        found.append(case(name, lambda e=est: e, rare, **UNKEPT))
        found.append(case(f"{name}-classes", lambda e=est: e, classes, **UNKEPT))
    inner = BalancedBaggingClassifier(LogisticRegression(), n_estimators=3, max_features=2, **seed)
    return [
        *found,
        case("BalancedBaggingClassifier-logistic", lambda: inner, rare, **UNKEPT),
    ]


if find_spec("imblearn"):
    CASES = _cases()
