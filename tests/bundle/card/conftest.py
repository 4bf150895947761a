"""Bundles of every kind of input and output, with names that try to break out."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
import pytest
from sklearn.compose import make_column_transformer
from sklearn.ensemble import HistGradientBoostingClassifier, IsolationForest
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

import toolkit

RNG = np.random.default_rng(4)
X = RNG.normal(size=(160, 4))
EVIL = ('a "b" \\ c', "`tick` ```", "x | y ${z} <b>", "é ☂ 😀 ??/", "new\nline")


def _table():
    frame = pd.DataFrame({
        EVIL[0]: X[:, 0], EVIL[1]: X[:, 1],
        EVIL[2]: RNG.choice(["Ulm", 'Kie"l', "\\n`x`"], 160), EVIL[3]: X[:, 3],
    })  # fmt: skip
    frame.iloc[::9, 0] = np.nan
    numbers = make_pipeline(SimpleImputer(), StandardScaler())
    columns = make_column_transformer(
        (numbers, [EVIL[0], EVIL[1], EVIL[3]]), (OneHotEncoder(handle_unknown="ignore"), [EVIL[2]])
    )
    labels = np.where(X[:, 1] > 0, 'y"es', "n\\o`")
    return make_pipeline(columns, LogisticRegression()).fit(frame, labels), frame, labels


CASES = {
    "table": _table,
    "several": lambda: (LinearRegression().fit(X, X[:, :2]), X, X[:, :2]),
    "whole": lambda: (LogisticRegression().fit(X, X[:, 0] > 0), X, X[:, 0] > 0),
    "float64": lambda: (
        HistGradientBoostingClassifier(max_iter=5).fit(X, (X[:, 0] > 0) + 3), X, (X[:, 0] > 0) + 3
    ),
    "outliers": lambda: (IsolationForest(n_estimators=5, random_state=0).fit(X), X, None),
    "transformer": lambda: (StandardScaler().fit(X), X, None),
}  # fmt: skip


# Text, missing values and names that break out; several outputs; float64 and whole labels.
COMPILED = ("table", "several", "float64")


@pytest.fixture(scope="session")
def made(tmp_path_factory):
    """Return what makes a case's bundle, each once."""
    bundles = {}

    def make(case):
        if case not in bundles:
            estimator, rows, target = CASES[case]()
            folder = tmp_path_factory.mktemp("carded") / case
            bundles[case] = toolkit.export(
                estimator, rows, target, name=case, out=folder, tune="latency"
            )
        return bundles[case]

    return make


@pytest.fixture(params=CASES)
def carded(request, made):
    """A bundle with its card."""
    return made(request.param)


@pytest.fixture(params=COMPILED)
def compiled(request, made):
    """A bundle whose programs are compiled."""
    return made(request.param)


def program(bundle, language):
    """Return the program of a language, taken from the card as a reader takes it."""
    text = (bundle.path / "README.md").read_text(encoding="utf-8")
    found = re.findall(rf"^(`{{3,}}){language}\n(.*?)\n\1$", text, re.DOTALL | re.MULTILINE)
    return found[-1][1] + "\n"
