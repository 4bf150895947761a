"""Whether the rows that an estimator comes with are those of its fitting."""

from __future__ import annotations

import functools
import time

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator
from sklearn.cluster import KMeans
from sklearn.compose import TransformedTargetRegressor, make_column_transformer
from sklearn.decomposition import PCA
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.ensemble import (
    ExtraTreesRegressor,
    GradientBoostingClassifier,
    GradientBoostingRegressor,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
    VotingRegressor,
)
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.impute import SimpleImputer
from sklearn.kernel_ridge import KernelRidge
from sklearn.linear_model import Lasso, LinearRegression, LogisticRegression, Ridge
from sklearn.model_selection import GridSearchCV
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor
from sklearn.pipeline import make_pipeline, make_union
from sklearn.preprocessing import MinMaxScaler, StandardScaler
from sklearn.svm import SVC, SVR
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

import toolkit
from toolkit.exporter.fitted_on import UNKNOWN, fitted_on, in_words

ROWS = 600
RANDOM = np.random.default_rng(4)
X = RANDOM.normal(size=(2 * ROWS, 5)) * [1, 10, 1, 1, 1] + [0, 5, 0, 0, 0]
Y = X @ [1, 0.2, 3, 0, 0] + np.sin(3 * X[:, 0]) + 0.3 * RANDOM.normal(size=2 * ROWS)
KIND = (np.median(Y) < Y).astype(int)
OWN, OTHER, FEWER = slice(0, ROWS), slice(ROWS, None), slice(ROWS, ROWS + 200)

# Estimators whose traces tell both truths of as many rows, and of fewer other ones where noted.
BOTH = {
    "tree": DecisionTreeRegressor(random_state=0),
    "small tree": DecisionTreeClassifier(max_depth=4, random_state=0),
    "forest": RandomForestRegressor(20, random_state=0),
    "forest of classes": RandomForestClassifier(20, class_weight="balanced", random_state=0),
    "extra trees": ExtraTreesRegressor(10, random_state=0),
    "boosting": GradientBoostingRegressor(n_estimators=5, random_state=0),
    "boosting, stopped early": GradientBoostingClassifier(n_iter_no_change=3, random_state=0),
    "histograms": HistGradientBoostingRegressor(max_iter=5),
    "histograms, stopped early": HistGradientBoostingClassifier(
        early_stopping=True, max_iter=5, random_state=0
    ),
    "neighbours": KNeighborsRegressor(),
    "neighbours of classes": KNeighborsClassifier(),
    "kernel ridge": KernelRidge(),
    "process": GaussianProcessRegressor(alpha=0.1, optimizer=None),
    "vectors": SVR(),
    "vectors of classes": SVC(),
    "scaler": make_pipeline(StandardScaler(), LogisticRegression()),
    "extremes": make_pipeline(MinMaxScaler(), LogisticRegression()),
    "projection": make_pipeline(PCA(2), LogisticRegression()),
    "union": make_pipeline(make_union(StandardScaler(), PCA(2)), LogisticRegression()),
    "columns": make_pipeline(make_column_transformer((StandardScaler(), [0, 1])), Ridge()),
    "a step behind": make_pipeline("passthrough", DecisionTreeRegressor(random_state=0)),
    "search": GridSearchCV(make_pipeline(StandardScaler(), Ridge()), {"ridge__alpha": [0.1, 1]}),
    "target": TransformedTargetRegressor(DecisionTreeRegressor(max_depth=8, random_state=0)),
    "vote": VotingRegressor([("a", DecisionTreeRegressor(random_state=0)), ("b", Ridge())]),
}
OF_FEWER = ("tree", "forest", "extra trees", "neighbours", "process", "vectors")
# What is equal only for the rows of the fitting, and else says nothing: they may be some of them.
ONE = {
    "least squares": LinearRegression(),
    "ridge": Ridge(),
    "lasso": Lasso(0.1),
    "means of classes": GaussianNB(),
    "discriminant": LinearDiscriminantAnalysis(),
    "clusters": KMeans(4, n_init=1, random_state=0),
    "imputer": make_pipeline(SimpleImputer(), LogisticRegression()),
}


@functools.cache
def fitted(name):
    model = (BOTH | ONE)[name]
    wants_classes = "Classifier" in repr(model) or "Logistic" in repr(model)
    classes = wants_classes or isinstance(model, SVC | GaussianNB | LinearDiscriminantAnalysis)
    targets = KIND if classes else Y
    return model.fit(X[OWN], targets[OWN]), targets


@pytest.mark.parametrize("name", BOTH)
def test_both_truths(name):
    model, targets = fitted(name)
    order = np.random.default_rng(0).permutation(ROWS)
    same = fitted_on(model, X[OWN][order], targets[OWN][order])
    assert (same.answer, bool(same.why)) == ("fitted", True)
    other = fitted_on(model, X[OTHER], targets[OTHER])
    assert (other.answer, bool(other.why)) == ("not fitted", True)
    if name in OF_FEWER:
        assert fitted_on(model, X[FEWER], targets[FEWER]).answer == "not fitted"


@pytest.mark.parametrize("name", BOTH)
def test_a_file_that_holds_other_rows_too_is_neither(name):
    model, targets = fitted(name)
    assert fitted_on(model, X, targets) == UNKNOWN


@pytest.mark.parametrize("name", [*BOTH, *ONE])
def test_some_of_its_rows_are_never_others(name):
    model, targets = fitted(name)
    assert fitted_on(model, X[: ROWS // 3], targets[: ROWS // 3]).answer != "not fitted"


@pytest.mark.parametrize("name", [*BOTH, *ONE])
def test_numbers_that_a_file_rounded_are_never_others(name):
    model, targets = fitted(name)
    rounded = np.array([[float(f"{v:.7g}") for v in row] for row in X[OWN]])
    assert fitted_on(model, rounded, targets[OWN]).answer != "not fitted"


@pytest.mark.parametrize("name", ONE)
def test_what_is_equal_by_no_chance(name):
    model, targets = fitted(name)
    assert fitted_on(model, X[OWN], targets[OWN]).answer == "fitted"
    assert fitted_on(model, X[OTHER], targets[OTHER]) == UNKNOWN


def test_an_exact_model_has_no_residuals_on_any_rows():
    exact = X @ np.arange(5.0)
    model = LinearRegression().fit(X[OWN], exact[OWN])
    assert fitted_on(model, X[OTHER], exact[OTHER]) == UNKNOWN


def test_extremes_that_many_rows_have_are_no_trace():
    pixels = RANDOM.integers(0, 17, size=(2 * ROWS, 6)).astype(float)
    assert fitted_on(MinMaxScaler().fit(pixels[OWN]), pixels[OTHER]).answer != "fitted"


def test_data_frames():
    table = pd.DataFrame(X, columns=list("abcde")).assign(town="Ulm")
    columns = make_column_transformer((StandardScaler(), ["a", "b"]), ("drop", ["town"]))
    model = make_pipeline(columns, Ridge()).fit(table[OWN], Y[OWN])
    assert fitted_on(model, table[OWN], Y[OWN]).answer == "fitted"
    assert fitted_on(model, table[OTHER], Y[OTHER]).answer == "not fitted"


class Rude(BaseEstimator):
    """Writes into its rows, warns, and has attributes that raise."""

    steps = (("scaler", StandardScaler(copy=False)), ("itself", None))

    @property
    def best_estimator_(self):
        raise RuntimeError("not today")


def test_rows_are_copied_and_nothing_is_raised():
    Rude.steps[0][1].fit(X[OWN].copy())
    rows = X[OWN].copy()
    assert fitted_on(Rude(), rows, Y[OWN]).answer == "fitted"
    assert np.array_equal(rows, X[OWN])
    for given in (None, [], "text", np.array([["a", "b"]], dtype=object), np.zeros((0, 5))):
        assert fitted_on(fitted("forest")[0], given) == UNKNOWN
        assert fitted_on(object(), given, given) == UNKNOWN


def test_it_is_quick():
    many = np.random.default_rng(0).normal(size=(50_000, 8))
    model = KNeighborsRegressor().fit(many, many[:, 0])
    begin = time.process_time()
    assert fitted_on(model, many, many[:, 0]).answer == "fitted"
    assert time.process_time() - begin < 5


def test_in_words():
    found = fitted_on(*[DecisionTreeRegressor(max_depth=2).fit(X[OWN], Y[OWN]), X[OWN]])
    assert in_words(found) == (
        "the estimator was fitted on them (its root node counts 600 rows, as many as were given, "
        "leaf by leaf)"
    )
    assert in_words(UNKNOWN) == "whether the estimator was fitted on them is not known"


def test_the_manifest_says_it(tmp_path):
    model = Ridge().fit(X[OWN], Y[OWN])
    kinds = {
        "yes": {"X": X[OWN], "y": Y[OWN]},
        "unknown": {"X": X, "y": Y},
        "no": {"X": X[OWN], "y": Y[OWN], "X_test": X[OTHER], "y_test": Y[OTHER]},
    }
    for kind, rows in kinds.items():
        out = tmp_path / kind
        bundle = toolkit.export(model, **rows, name="m", out=out, tune="latency")
        assert bundle.manifest["rows"]["fitted"] == kind
    told = bundle.manifest["rows"]["note"]
    assert told.startswith("held out: rows that were given as such")
    rows = {"X": X[OWN], "y": Y[OWN], "X_test": X[OWN], "y_test": Y[OWN]}
    bundle = toolkit.export(model, **rows, name="m", out=tmp_path / "lie", tune="latency")
    assert bundle.manifest["rows"]["fitted"] == "yes"
    assert "given as such" in bundle.manifest["rows"]["note"]
    assert "but the estimator was fitted on them (its residuals" in bundle.manifest["rows"]["note"]
