"""Short ways to write a case: an estimator, and the data set that it is fitted on."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
from sklearn.compose import make_column_transformer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from tests.estimators.data import classes, labelled, regression

Data = Callable[[], tuple[Any, Any]]

four, five = partial(classes, 4), partial(classes, 5)
text2, text3 = partial(labelled, ("yes", "no")), partial(labelled, ("low", "mid", "Größe"))
boolean, gaps = partial(labelled, (False, True)), partial(labelled, (-7, 2, 90))


def fitted(estimator: Any, data: tuple[Any, Any]) -> tuple[Any, Any, Any]:
    X, y = data
    return estimator.fit(X, y), X, y


def tree(depth: int = 3, **settings: Any) -> DecisionTreeClassifier:
    return DecisionTreeClassifier(max_depth=depth, random_state=0, **settings)


def leaf(depth: int = 3) -> DecisionTreeRegressor:
    return DecisionTreeRegressor(max_depth=depth, random_state=0)


def positive() -> tuple[np.ndarray, np.ndarray]:
    """Return X and a target > 0."""
    X, y = regression()
    return X, np.exp(0.4 * y) + 0.1


def mixed() -> tuple[pd.DataFrame, np.ndarray]:
    """Return a data frame of numbers and text, and labels."""
    X, y = text3()
    kinds = np.array(["α", "b", "c"])[np.digitize(X[:, 4], [-0.5, 0.5])]
    return pd.DataFrame({"size": X[:, 0], "weight kg": X[:, 1], "kind": kinds}), y


def columns(inner: Any) -> Any:
    """Return a pipeline over a column transformer with a pipeline inside, then a pipeline."""
    numeric = make_pipeline("passthrough", make_pipeline(StandardScaler()))
    parts = make_column_transformer(
        (numeric, ["weight kg", "size"]), (OneHotEncoder(handle_unknown="ignore"), ["kind"])
    )
    return make_pipeline(parts, make_pipeline("passthrough", inner))
