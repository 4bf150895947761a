"""However many processes a file wants, none is begun."""

from __future__ import annotations

import os
import threading

import joblib
import numpy as np
import skops.io
from sklearn.ensemble import RandomForestRegressor, VotingRegressor
from sklearn.linear_model import Ridge
from sklearn.pipeline import make_union
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from toolkit.cli import main
from toolkit.estimators.asking import one_by_one

X = np.random.default_rng(1).normal(size=(60, 3))


def where():
    return os.getpid(), threading.get_ident()


def test_members_are_asked_here():
    with one_by_one():
        places = joblib.Parallel(n_jobs=500)(joblib.delayed(where)() for _ in range(20))
    assert set(places) == {where()}


def test_an_export_of_a_file_that_wants_thousands(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    before, begun = threading.active_count(), []
    start = threading.Thread.start

    def counted(self):
        begun.append(self)
        start(self)

    monkeypatch.setattr(threading.Thread, "start", counted)
    np.savez("rows.npz", X=X, y=X[:, 0])
    union = make_union(StandardScaler(), FunctionTransformer(np.abs), n_jobs=4000)
    for name, model in {
        "forest": RandomForestRegressor(5, random_state=0, n_jobs=2).fit(X, X[:, 0]),
        "vote": VotingRegressor([("a", Ridge()), ("b", Ridge(2.0))]).fit(X, X[:, 0]),
        "union": union.set_params(n_jobs=None).fit(X),
    }.items():
        model.n_jobs = 4000
        skops.io.dump(model, f"{name}.skops")
        begun.clear()
        trust = ["--trust", "numpy.absolute"] if name == "union" else []
        assert main(["export", f"{name}.skops", "--data", "rows.npz", "-o", name, *trust]) == 0
        assert len(begun) < 100, name
    capsys.readouterr()
    assert threading.active_count() < before + 50
