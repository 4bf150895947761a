"""Keeping the estimator: whole, without what matters only in fitting, or not at all."""

from __future__ import annotations

import json
import logging
import re
import threading
from collections import Counter, OrderedDict, defaultdict, deque
from datetime import datetime
from decimal import Decimal
from enum import Enum
from functools import partial
from pathlib import Path
from types import MappingProxyType, SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import scipy.stats
from joblib import Memory
from sklearn.calibration import CalibratedClassifierCV
from sklearn.cluster import KMeans
from sklearn.compose import (
    TransformedTargetRegressor,
)
from sklearn.decomposition import FastICA
from sklearn.ensemble import (
    HistGradientBoostingClassifier,
    RandomForestClassifier,
    VotingClassifier,
)
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.feature_selection import RFE, SelectFromModel, SelectKBest
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import accuracy_score, make_scorer
from sklearn.model_selection import (
    GridSearchCV,
    KFold,
    RandomizedSearchCV,
    ShuffleSplit,
    StratifiedKFold,
    TimeSeriesSplit,
)
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier

from toolkit.errors import InvalidInput
from toolkit.estimators.keeping import keep
from toolkit.estimators.skops_file import load_estimator

RNG = np.random.default_rng(3)
X = RNG.normal(size=(90, 3))
Y = (X[:, 0] > 0).astype(int)
FRAME = pd.DataFrame(X, columns=["a", "b", "c"]).assign(kind=RNG.choice(["u", "v"], 90))
TREE = DecisionTreeClassifier(max_depth=2, random_state=0)
DEPTHS = {"max_depth": [1, 2]}


class Tree(DecisionTreeClassifier):
    """A type that nobody trusts."""


def own_score(truth, predicted):
    return accuracy_score(truth, predicted)


class Halves:
    """Somebody's own splitter."""

    def split(self, rows, *_, **__):
        return KFold(2).split(rows)

    def get_n_splits(self, *_, **__):
        return 2


class Metric:
    """A metric of one's own, as CatBoost takes it."""

    def is_max_optimal(self):
        return True

    def evaluate(self, *_):
        return 1.0, 1.0

    def get_final_error(self, error, _):
        return error


def same_as(estimator, rows):
    call = "predict" if hasattr(estimator, "predict") else "transform"
    wanted = getattr(estimator, call)(rows)
    return lambda other: np.array_equal(getattr(other, call)(rows), wanted)


WHOLE = {
    "range": GridSearchCV(TREE, {"max_depth": range(1, 3)}, cv=2),
    "folds": GridSearchCV(TREE, DEPTHS, cv=list(StratifiedKFold(2).split(X, Y))),
    "time": GridSearchCV(TREE, DEPTHS, cv=TimeSeriesSplit(2)),
    "shuffled": GridSearchCV(TREE, DEPTHS, cv=ShuffleSplit(2, random_state=0)),
    "generator": FastICA(2, random_state=np.random.RandomState(0)),
}
LEAN = {
    "uniform": (
        RandomizedSearchCV(
            LogisticRegression(), {"C": scipy.stats.uniform(0.1, 2)}, n_iter=2, cv=2
        ),
        "RandomizedSearchCV.param_distributions",
    ),
    "scorer": (
        GridSearchCV(TREE, DEPTHS, cv=2, scoring=make_scorer(own_score)),
        "GridSearchCV.scoring",
    ),
    "lambda": (
        FastICA(2, fun=lambda x: (x**3, (3 * x**2).mean(-1)), random_state=0),
        "FastICA.fun",
    ),
    "normal": (
        RandomizedSearchCV(Ridge(), [{"alpha": scipy.stats.norm(3, 0.1)}], n_iter=2, cv=2),
        "RandomizedSearchCV.param_distributions",
    ),
    "own splits": (GridSearchCV(TREE, DEPTHS, cv=Halves()), "GridSearchCV.cv"),
    "refit": (
        GridSearchCV(TREE, DEPTHS, cv=2, scoring={"a": lambda e, x, y: 1.0}, refit=lambda _: 0),
        "GridSearchCV.refit",
    ),
    "importance": (
        RFE(LogisticRegression(), importance_getter=lambda e: abs(e.coef_[0])),
        "RFE.importance_getter",
    ),
    "score function": (
        make_pipeline(SelectKBest(lambda *_: np.arange(3.0), k=2), LogisticRegression()),
        "SelectKBest.score_func",
    ),
    "validation": (
        HistGradientBoostingClassifier(
            max_iter=3, early_stopping=True, scoring=lambda e, x, y: 1.0, random_state=0
        ),
        "HistGradientBoostingClassifier.scoring",
    ),
    "start": (KMeans(2, init=lambda x, k, random_state: x[:k], n_init=1), "KMeans.init"),
    "weights": (
        RandomForestClassifier(3, class_weight=defaultdict(lambda: 1.0, {0: 1.0, 1: 2.0})),
        "RandomForestClassifier.class_weight",
    ),
    "cache": (
        Pipeline([("s", StandardScaler()), ("m", LogisticRegression())], memory=Memory(None)),
        "Pipeline.memory",
    ),
    "calibrated": (
        CalibratedClassifierCV(GridSearchCV(TREE, DEPTHS, cv=2, scoring=lambda e, x, y: 1.0), cv=2),
        "GridSearchCV.scoring",
    ),
    "votes": (
        VotingClassifier([("g", GridSearchCV(TREE, DEPTHS, cv=2, scoring=lambda e, x, y: 1.0))]),
        "GridSearchCV.scoring",
    ),
    "inner": (
        make_pipeline(
            StandardScaler(), GridSearchCV(TREE, DEPTHS, cv=2, scoring=lambda e, x, y: 1)
        ),
        "GridSearchCV.scoring",
    ),
}


@pytest.mark.parametrize("name", WHOLE)
def test_what_is_harmless_is_kept(name):
    estimator = WHOLE[name].fit(X, Y)
    kept = keep(estimator, same_as(estimator, X))
    assert kept.content is not None
    assert kept.left_out == ()


@pytest.mark.parametrize("name", LEAN)
def test_what_matters_only_in_fitting_is_left_out(name):
    estimator, left_out = LEAN[name]
    estimator.fit(X, Y)
    kept = keep(estimator, same_as(estimator, X))
    assert kept.content is not None
    assert left_out in kept.left_out
    assert same_as(estimator, X)(load_estimator(kept.content, "e.skops"))


@pytest.mark.parametrize(
    ("estimator", "rows"),
    [
        (make_pipeline(FunctionTransformer(lambda x: x**2), Ridge()), X),
        # On these rows the default answers alike, on others it would not.
        (make_pipeline(FunctionTransformer(np.nan_to_num), Ridge()), X),
        (make_pipeline(CountVectorizer(preprocessor=str.lower), Ridge()), ["aa b", "bb c"] * 45),
        (SelectFromModel(Ridge(), importance_getter=lambda e: abs(e.coef_)), X),
        # Its default would have compiled code read what a callable kernel never makes.
        (SVC(kernel=lambda a, b: a @ b.T), X),
        (KNeighborsClassifier(weights=lambda d: np.ones_like(d)), X),
        (TransformedTargetRegressor(Ridge(), func=lambda y: y, inverse_func=lambda y: y), X),
    ],
    ids=["square", "missing", "text", "chosen", "kernel", "weights", "target"],
)
def test_what_is_used_to_answer_is_never_left_out(estimator, rows):
    estimator.fit(rows, Y)
    kept = keep(estimator, same_as(estimator, rows))
    assert kept.content is None
    assert kept.why


@pytest.mark.parametrize(
    "note",
    [
        *(threading.Lock(), json, (x for x in "ab"), Path("x"), datetime(2020, 1, 1), Decimal(1)),
        *(
            FRAME,
            pd.Timestamp("2020"),
            1j,
            np.ma.masked,
            re.compile("x"),
            Counter("ab"),
            {(1, 2): 3},
        ),
        *(frozenset("a"), SimpleNamespace(a=1), logging.getLogger("x"), Enum("Kind", "A").A, Tree),
        *(np.array([print], dtype=object), lambda: 0, MappingProxyType({}), deque([1])),
    ],
    ids=lambda note: type(note).__name__,
)
def test_whatever_somebody_hangs_on_an_estimator_is_left_out(note):
    estimator = LogisticRegression().fit(X, Y)
    estimator.note_ = note
    kept = keep(estimator, same_as(estimator, X))
    assert kept.content is not None
    assert all(name.startswith("LogisticRegression.note_") for name in kept.left_out)
    assert kept.left_out
    assert estimator.note_ is note
    assert not hasattr(load_estimator(kept.content, "e.skops"), "note_") or kept.left_out[0] != (
        "LogisticRegression.note_"
    )


@pytest.mark.parametrize(
    "note",
    [
        *(np.random.default_rng(0), np.random.RandomState(0), OrderedDict(a=1), {"a", "b"}, b"x"),
        *(np.dtype("f4"), np.int8, np.datetime64("2020"), partial(np.clip, a_min=0), range(3)),
        *(slice(1), StratifiedKFold(2), pd.Index(["a"]), pd.Series([1.0]), defaultdict(list)),
    ],
    ids=lambda note: type(note).__name__,
)
def test_what_is_harmless_anywhere_is_kept(note):
    estimator = LogisticRegression().fit(X, Y)
    estimator.note_ = note
    kept = keep(estimator, same_as(estimator, X))
    assert kept.content is not None
    assert kept.left_out == ()


def test_a_type_of_ones_own_is_kept_where_it_is_trusted():
    estimator = Tree(max_depth=2).fit(X, Y)
    name = f"{Tree.__module__}.Tree"
    without = keep(estimator, same_as(estimator, X))
    assert without.content is None
    assert name in without.why
    kept = keep(estimator, same_as(estimator, X), [name])
    assert kept.content is not None
    with pytest.raises(InvalidInput, match="not trusted"):
        load_estimator(kept.content, "e.skops")
    assert same_as(estimator, X)(load_estimator(kept.content, "e.skops", [name]))


@pytest.mark.parametrize("name", ["scipy.stats.uniform(0, 1)", "partial"])
def test_a_file_that_could_run_code_is_refused(name):
    """scipy's distributions execute a template of the file; a partial calls what it names."""
    import skops.io

    held = {"x": scipy.stats.uniform(0, 1) if name != "partial" else partial(print, "x")}
    with pytest.raises(InvalidInput, match="not trusted"):
        load_estimator(skops.io.dumps(held), "e.skops")
