"""Boosters where people go beyond the plain estimator: other losses, sparse steps, own boosters."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Any

import numpy as np
from sklearn.calibration import CalibratedClassifierCV
from sklearn.ensemble import (
    StackingClassifier,
    VotingClassifier,
)
from sklearn.linear_model import LogisticRegression
from sklearn.multiclass import OneVsOneClassifier, OneVsRestClassifier, OutputCodeClassifier
from sklearn.multioutput import ClassifierChain, MultiOutputClassifier

from tests.estimators.booster_data import (
    SEVERAL,
    above_zero,
    encoded,
    half_zeros,
    labels,
    own_loss,
    raw_loss,
    spaced,
    table,
    woods,
)
from tests.estimators.data import ROWS, binary, classes, regression, with_missing
from tests.estimators.harness import Case
from tests.estimators.tree_data import case

INSTALLED = all(find_spec(name) for name in ("lightgbm", "xgboost", "catboost"))
CASES: list[Case] = []


def lightgbm_cases() -> list[Case]:
    from lightgbm import Dataset, LGBMClassifier, LGBMRegressor, train

    small = {"n_estimators": 6, "num_leaves": 5, "min_child_samples": 5, "verbose": -1, "n_jobs": 1}
    one = LGBMClassifier(**small)
    line = LGBMRegressor(linear_tree=True, **small)
    line_forest = {"linear_tree": True, "boosting_type": "rf", "bagging_freq": 1, "subsample": 0.6}

    def trained(objective: Any, data: Any, **more: Any) -> Any:
        def fit() -> tuple[Any, Any, Any]:
            X, y = data()
            settings = {"objective": objective, "verbose": -1, "num_leaves": 5, **more}
            return train(settings, Dataset(X, y), 6), X, y

        return fit

    return [
        case("LGBMRegressor-linear-tree", line, regression),
        case("LGBMRegressor-linear-tree-nan", line, with_missing),
        case("LGBMClassifier-linear-tree", LGBMClassifier(linear_tree=True, **small), classes),
        case("LGBMRegressor-linear-tree-rf", LGBMRegressor(**line_forest, **small), with_missing),
        case(
            "LGBMRegressor-own-loss",
            LGBMRegressor(objective=raw_loss, **small),
            regression,
            unkept="raw_loss",
        ),
        case(
            "LGBMClassifier-own-loss",
            LGBMClassifier(objective=raw_loss, **small),
            binary,
            unkept="raw_loss",
        ),
        *(
            case(f"LGBMClassifier-{n}", LGBMClassifier(objective=n, **small), binary)
            for n in ("regression", "cross_entropy", "cross_entropy_lambda")
        ),
        case("LGBMRegressor-names-with-spaces", LGBMRegressor(**small), spaced),
        case("LGBMRegressor-sparse", LGBMRegressor(**small), half_zeros),
        case("LGBMRegressor-category", LGBMRegressor(**small), woods()),
        case("LGBMRegressor-category-codes", LGBMRegressor(**small), woods(codes=True)),
        case("LGBMRegressor-category-ordered", LGBMRegressor(**small), woods(ordered=True)),
        case("LGBMRegressor-category-decimals", LGBMRegressor(**small), woods(decimals=True)),
        case("CalibratedClassifierCV-lightgbm", CalibratedClassifierCV(one, cv=2), binary),
        case("CalibratedClassifierCV-lightgbm-three", CalibratedClassifierCV(one, cv=2), classes),
        case("OneVsRestClassifier-lightgbm", OneVsRestClassifier(one), classes),
        case("OneVsOneClassifier-lightgbm", OneVsOneClassifier(one), classes),
        case("OutputCodeClassifier-lightgbm", OutputCodeClassifier(one, random_state=0), classes),
        case("ClassifierChain-lightgbm", ClassifierChain(one), labels),
        case("MultiOutputClassifier-lightgbm", MultiOutputClassifier(one), labels),
        case(
            "StackingClassifier-lightgbm",
            StackingClassifier([("a", one), ("b", LogisticRegression())], cv=2),
            binary,
        ),
        case(
            "StackingClassifier-lightgbm-decision",
            StackingClassifier([("a", one)], cv=2, stack_method="decision_function"),
            classes,
        ),
        case("VotingClassifier-lightgbm", VotingClassifier([("a", one)], voting="soft"), classes),
        case("Pipeline-sparse-lightgbm", encoded(LGBMRegressor(**small)), table),
        Case("lightgbm.Booster", trained("regression", regression)),
        Case("lightgbm.Booster-binary", trained("binary", binary)),
        Case("lightgbm.Booster-classes", trained("multiclass", classes, num_class=3)),
        Case("lightgbm.Booster-category", trained("regression", woods())),
        Case("lightgbm.Booster-names-with-spaces", trained("regression", spaced)),
        Case("lightgbm.Booster-sparse", trained("regression", half_zeros)),
        Case("lightgbm.Booster-own-loss", trained(own_loss, binary)),
    ]


def catboost_cases() -> list[Case]:
    from catboost import CatBoost, CatBoostClassifier, CatBoostRanker, CatBoostRegressor

    small = {
        "iterations": 6,
        "depth": 3,
        "verbose": 0,
        "allow_writing_files": False,
        "thread_count": 1,
    }
    losses = (
        "LogCosh",
        "MultiQuantile:alpha=0.1,0.5",
        "RMSEWithUncertainty",
        "Cox",
        "Huber:delta=1",
        "Expectile:alpha=0.3",
        "Lq:q=1.5",
        "LogLinQuantile:alpha=0.3",
        "RMSPE",
    )
    ranks = ("QueryRMSE", "YetiRank", "PairLogit", "QuerySoftMax")

    def sure(threshold: float, data: Any, **settings: Any) -> Any:
        def fit() -> tuple[Any, Any, Any]:
            X, y = data()
            model = CatBoostClassifier(**settings, **small).fit(X, y)
            model.set_probability_threshold(threshold)
            return model, X, y

        return fit

    def of_words(**settings: Any) -> Any:
        def fit() -> tuple[Any, Any, Any]:
            X, y = table()
            given = X[["stops", "word"]]
            return CatBoostRegressor(**settings, **small).fit(given, y), given, y

        return fit

    def own(loss: str, data: Any) -> Any:
        def fit() -> tuple[Any, Any, Any]:
            X, y = data()
            return CatBoost({"loss_function": loss, **small}).fit(X, y), X, y

        return fit

    def ranked(loss: str) -> Any:
        def fit() -> tuple[Any, Any, Any]:
            X, y = binary()
            y = (np.asarray(y) == np.asarray(y).max()).astype(float)
            groups = np.repeat(np.arange(4), ROWS // 4)
            return CatBoostRanker(loss_function=loss, **small).fit(X, y, group_id=groups), X, y

        return fit

    return [
        *(
            case(
                f"CatBoostRegressor-{name.partition(':')[0].lower()}",
                CatBoostRegressor(loss_function=name, **small),
                above_zero,
            )
            for name in losses
        ),
        Case("CatBoostClassifier-threshold", sure(0.3, binary)),
        Case("CatBoostClassifier-threshold-0", sure(0.0, binary)),
        Case("CatBoostClassifier-threshold-1", sure(1.0, binary)),
        Case("CatBoostClassifier-threshold-three", sure(0.3, classes)),
        Case("CatBoostClassifier-threshold-labels", sure(0.3, labels, loss_function=SEVERAL)),
        Case("CatBoostRegressor-text", of_words(text_features=["word"]), refused="text_features"),
        case("CatBoostRegressor-sparse", CatBoostRegressor(**small), half_zeros),
        *(
            case(
                f"CatBoostClassifier-{name.lower()}",
                CatBoostClassifier(loss_function=name, **small),
                labels,
            )
            for name in ("MultiLogloss", "MultiCrossEntropy")
        ),
        case(
            "CatBoostClassifier-focal",
            CatBoostClassifier(loss_function="Focal:focal_alpha=0.5;focal_gamma=1", **small),
            binary,
        ),
        Case("CatBoost", own("RMSE", regression)),
        Case("CatBoost-logloss", own("Logloss", binary)),
        Case("CatBoost-poisson", own("Poisson", above_zero)),
        Case("CatBoost-multiclass", own("MultiClass", classes)),
        *(Case(f"CatBoostRanker-{name.lower()}", ranked(name)) for name in ranks),
        case(
            "CalibratedClassifierCV-catboost",
            CalibratedClassifierCV(CatBoostClassifier(**small)),
            binary,
        ),
    ]


if INSTALLED:
    CASES = [*lightgbm_cases(), *catboost_cases()]
