"""Somebody who has never seen the project: two commands from a model's file to the one to ship.

Only what the commands themselves print is followed: the file that `build` recommends, and the
commands that it names next.
"""

from __future__ import annotations

import re
import shlex

import numpy as np
import pandas as pd
import pytest
import skops.io
from lightgbm import LGBMRegressor
from sklearn.compose import make_column_transformer
from sklearn.ensemble import RandomForestClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from toolkit.runtime import load

RNG = np.random.default_rng(11)
ROWS = 400


def _table():
    rows = pd.DataFrame({
        "age": RNG.integers(18, 90, ROWS).astype(float),
        "income": RNG.lognormal(10, 1, ROWS).round(2),
        "city": RNG.choice(["Ulm", "Kiel", "Bonn", None], ROWS),
    })  # fmt: skip
    rows.loc[::13, "age"] = np.nan
    target = np.where(rows["income"] > 22_000, "buys", "leaves")
    numbers = make_pipeline(SimpleImputer(), StandardScaler())
    texts = OneHotEncoder(handle_unknown="ignore")
    columns = make_column_transformer((numbers, ["age", "income"]), (texts, ["city"]))
    return make_pipeline(columns, LogisticRegression()).fit(rows, target), rows, target


def _forest():
    rows = pd.DataFrame(RNG.normal(size=(ROWS, 6)).round(3), columns=list("abcdef"))
    target = (rows["a"] * rows["b"] > rows["c"]).astype(int)
    return RandomForestClassifier(12, random_state=0).fit(rows, target), rows, target


def _boosted():
    rows = pd.DataFrame(RNG.normal(size=(ROWS, 5)).round(3), columns=list("vwxyz"))
    target = rows["v"] ** 2 + np.sin(rows["w"]) + 0.1 * RNG.normal(size=ROWS)
    return LGBMRegressor(n_estimators=20, verbose=-1).fit(rows, target), rows, target


MODELS = {"table": _table, "forest": _forest, "boosted": _boosted}


@pytest.mark.slow
@pytest.mark.parametrize("name", MODELS)
def test_two_commands_to_a_file_that_answers_as_the_estimator_does(run, tmp_path, name):
    estimator, rows, target = MODELS[name]()
    rows.assign(outcome=target).to_csv(tmp_path / "rows.csv", index=False)
    if name == "boosted":
        source = "model.txt"
        estimator.booster_.save_model(tmp_path / source)
    else:
        source = "model.skops"
        skops.io.dump(estimator, tmp_path / source)
    given = [source, "--data", "rows.csv", "--target", "outcome"]

    checked = run("check", *given)
    assert checked.returncode == 0, checked.stdout + checked.stderr

    built = run("build", *given)
    assert built.returncode == 0, built.stderr
    lines = [line.split(None, 1) for line in built.stdout.splitlines()]
    said = {words[0]: words[1] for words in lines if len(words) == 2}
    file = said["recommended"].partition(",")[0]
    path = next((tmp_path / "models").glob(f"*/{file}"))
    assert {"loses", "gains", "why", "check", "use"} <= said.keys()

    # What it says to do next is done as it says.
    verify = shlex.split(re.match(r"toolkit (verify \S+?),? here", said["check"])[1])
    assert run(*verify).returncode == 0
    use = shlex.split(said["use"].replace("ROWS.csv", "rows.csv"))
    assert use[:3] == ["python", "-m", "toolkit.runtime"]
    used = run(*use[3:], module="toolkit.runtime")
    assert used.returncode == 0, used.stderr
    assert len(used.stdout.splitlines()) == ROWS + 1

    expected = estimator.predict(rows)
    answered = load(path).predict(rows)
    if expected.dtype.kind == "f":
        assert np.corrcoef(expected, answered)[0, 1] > 0.999
    else:
        assert (expected.astype(str) == answered.astype(str)).mean() > 0.998
