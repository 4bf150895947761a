"""Boosters without an estimator: what the task says, and what is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import toolkit
from toolkit.errors import InvalidInput
from toolkit.exporter.raw_boosters import as_estimator
from toolkit.exporter.tasks import CLASSIFIER, REGRESSOR, task_of

lightgbm, xgboost = pytest.importorskip("lightgbm"), pytest.importorskip("xgboost")
catboost = pytest.importorskip("catboost")

X = np.random.default_rng(0).normal(size=(200, 3))
TWO = (X[:, 0] > 0).astype(int)


def own_loss(predicted: np.ndarray, data: Any) -> tuple[np.ndarray, np.ndarray]:
    return predicted - data.get_label(), np.ones_like(predicted)


def of_lightgbm(objective: Any) -> Any:
    settings = {"objective": objective, "verbose": -1}
    return lightgbm.train(settings, lightgbm.Dataset(X, TWO), 3)


def of_xgboost(objective: str) -> Any:
    return xgboost.train({"objective": objective}, xgboost.DMatrix(X, TWO), 3)


def of_catboost(loss: str) -> Any:
    settings = {"loss_function": loss, "iterations": 3, "verbose": 0, "allow_writing_files": False}
    return catboost.CatBoost(settings).fit(X, TWO)


def test_the_objective_says_the_task_unless_the_caller_does() -> None:
    for booster in (of_lightgbm("binary"), of_xgboost("binary:logistic")):
        assert task_of(as_estimator(booster)) == CLASSIFIER
        assert task_of(as_estimator(booster, REGRESSOR)) == REGRESSOR
    for booster in (of_lightgbm("poisson"), of_xgboost("count:poisson"), of_lightgbm(own_loss)):
        assert task_of(as_estimator(booster)) == REGRESSOR
    assert task_of(as_estimator(of_catboost("Logloss"))) == REGRESSOR
    assert task_of(as_estimator(of_catboost("Logloss"), CLASSIFIER)) == CLASSIFIER


@pytest.mark.parametrize(
    ("make", "task", "words"),
    [
        (lambda: of_lightgbm("binary"), "ranker", "task 'ranker' is none of"),
        (lambda: of_lightgbm(own_loss), CLASSIFIER, "objective is a function"),
        (lambda: of_catboost("RMSE"), CLASSIFIER, "export it as a regressor"),
        (lambda: xgboost.XGBRegressor(), REGRESSOR, "XGBRegressor knows its own"),
    ],
)
def test_tasks_that_cannot_be(make: Any, task: str, words: str) -> None:
    with pytest.raises(InvalidInput, match=words):
        as_estimator(make(), task)


def test_an_exported_booster_answers_as_its_library_does(tmp_path: Path) -> None:
    booster = of_xgboost("binary:logistic")
    bundle = toolkit.export(booster, X, TWO, task="classifier", name="b", out=tmp_path / "b")
    p = toolkit.load(bundle.path).predict_proba(X)
    assert np.abs(p[:, 1] - booster.predict(xgboost.DMatrix(X))).max() < 1e-6
    assert "0x" not in bundle.manifest["estimator"]["summary"]  # no address of memory
