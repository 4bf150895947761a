"""LightGBM, XGBoost and CatBoost, where the extra "boosters" is installed."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Any

import numpy as np
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from tests.estimators.data import ROWS, binary, classes, numbers, regression, targets, with_missing
from tests.estimators.harness import Case
from tests.estimators.tree_data import SCALER, Data, case, missing_classes, of, text_frame

INSTALLED = all(find_spec(name) for name in ("lightgbm", "xgboost", "catboost"))
CASES: list[Case] = []


def bounded() -> tuple[np.ndarray, np.ndarray]:
    """Targets between 0 and 1."""
    X, y = regression()
    return X, 1 / (1 + np.exp(-y))


def above_zero() -> tuple[np.ndarray, np.ndarray]:
    X, y = regression()
    return X, np.exp(y / 3)


def whole() -> tuple[np.ndarray, np.ndarray]:
    return np.round(numbers()), regression()[1]


def small_codes() -> tuple[np.ndarray, np.ndarray]:
    """Columns 1 and 3 hold categories from 0, with gaps and missing values."""
    X, y = regression()
    rng = np.random.default_rng(13)
    X[:, 1] = rng.choice([0, 1, 2, 5, 7, 11, 40], size=ROWS)
    X[:, 3] = rng.choice([0, 1, 2, 3, np.nan], size=ROWS)
    return X, y + 2 * np.isin(X[:, 1], [2, 7]) - 3 * np.isin(X[:, 3], [0, 3])


def given(name: str, estimator: Any, data: Data, fit: dict[str, Any], **more: Any) -> Case:
    """Return a case whose fit takes further arguments."""

    def fitted() -> tuple[Any, Any, Any]:
        X, y = data()
        return estimator.fit(X, y, **fit), X, y

    return Case(name, fitted, **more)


def lightgbm_cases() -> list[Case]:
    from lightgbm import LGBMClassifier, LGBMRanker, LGBMRegressor

    small = {"n_estimators": 8, "num_leaves": 6, "min_child_samples": 5, "verbose": -1, "n_jobs": 1}
    bagged = {"boosting_type": "rf", "bagging_freq": 1, "subsample": 0.6}
    rf = "LightGBM boosting_type='rf': the converter divides by a fixed 100"
    losses = ("regression_l1", "huber", "fair", "poisson", "quantile", "mape", "gamma", "tweedie")
    sets = {"cat_smooth": 1, "min_data_per_group": 1}
    return [
        case("LGBMRegressor", LGBMRegressor(**small), regression),
        case("LGBMRegressor-dart", LGBMRegressor(boosting_type="dart", **small), regression),
        case("LGBMRegressor-rf", LGBMRegressor(**bagged, **small), regression, trap=rf),
        case("LGBMRegressor-nan", LGBMRegressor(**small), with_missing),
        case("LGBMRegressor-ignored", LGBMRegressor(use_missing=False, **small), with_missing),
        case("LGBMRegressor-zeros", LGBMRegressor(zero_as_missing=True, **small), whole),
        case("LGBMRegressor-sqrt", LGBMRegressor(reg_sqrt=True, **small), regression),
        case("LGBMRegressor-logistic", LGBMRegressor(objective="cross_entropy", **small), bounded),
        case(
            "LGBMRegressor-softplus",
            LGBMRegressor(objective="cross_entropy_lambda", **small),
            bounded,
        ),
        *(
            case(f"LGBMRegressor-{name}", LGBMRegressor(objective=name, **small), above_zero)
            for name in losses
        ),
        case(
            "LGBMRegressor-one-leaf",
            LGBMRegressor(**small),
            lambda: (numbers(), np.full(ROWS, 2.5)),
        ),
        given(
            "LGBMRegressor-categorical",
            LGBMRegressor(**sets, **small),
            small_codes,
            {"categorical_feature": [1, 3]},
            trap="LightGBM categorical features",
        ),
        given("LGBMRanker", LGBMRanker(**small), _ranks, {"group": [60] * 4}),
        case("LGBMClassifier", LGBMClassifier(**small), of(("a", "b", "ü"))),
        case("LGBMClassifier-binary", LGBMClassifier(**small), binary),
        case("LGBMClassifier-rf", LGBMClassifier(**bagged, **small), binary, trap=rf),
        case("LGBMClassifier-ova", LGBMClassifier(objective="multiclassova", **small), classes),
        case("LGBMClassifier-nan", LGBMClassifier(**small), missing_classes(3)),
        case(
            "Pipeline-standard-lightgbm",
            make_pipeline(StandardScaler(), LGBMRegressor(**small)),
            regression,
            trap=SCALER,
        ),
    ]


def _ranks() -> tuple[np.ndarray, np.ndarray]:
    return classes(4)


def xgboost_cases() -> list[Case]:
    from xgboost import XGBClassifier, XGBRegressor, XGBRFClassifier, XGBRFRegressor

    small = {"n_estimators": 8, "max_depth": 3, "n_jobs": 1}
    several = "XGBoost multi-output: the second output is 0"
    sets = {"feature_types": list("qcqcq"), "enable_categorical": True, "max_cat_to_onehot": 2}
    dart = {"booster": "dart", "rate_drop": 0.5}
    losses = ("absoluteerror", "pseudohubererror", "squaredlogerror", "gamma", "tweedie")
    early = {"n_estimators": 60, "max_depth": 3, "early_stopping_rounds": 2, "n_jobs": 1}
    X, y = regression()
    return [
        case("XGBRegressor", XGBRegressor(**small), regression),
        case("XGBRegressor-dart", XGBRegressor(**dart, **small), regression),
        case("XGBRegressor-gblinear", XGBRegressor(booster="gblinear", n_estimators=8), regression),
        case("XGBRegressor-outputs", XGBRegressor(**small), lambda: targets(3), trap=several),
        case(
            "XGBRegressor-outputs-tree",
            XGBRegressor(multi_strategy="multi_output_tree", **small),
            lambda: targets(3),
            trap=several,
        ),
        case("XGBRegressor-nan", XGBRegressor(**small), with_missing),
        case("XGBRegressor-missing", XGBRegressor(missing=-1.0, **small), whole),
        case("XGBRegressor-categorical", XGBRegressor(**sets, **small), small_codes),
        case("XGBRegressor-poisson", XGBRegressor(objective="count:poisson", **small), above_zero),
        case("XGBRegressor-logistic", XGBRegressor(objective="reg:logistic", **small), bounded),
        *(
            case(f"XGBRegressor-{n}", XGBRegressor(objective=f"reg:{n}", **small), above_zero)
            for n in losses
        ),
        given("XGBRegressor-early", XGBRegressor(**early), regression, _watched(X, y)),
        case("XGBRFRegressor", XGBRFRegressor(**small), regression),
        case("XGBRFClassifier", XGBRFClassifier(**small), classes),
        case("XGBClassifier", XGBClassifier(**small), classes),
        case("XGBClassifier-binary", XGBClassifier(base_score=0.2, **small), binary),
        case("XGBClassifier-softmax", XGBClassifier(objective="multi:softmax", **small), classes),
        case("XGBClassifier-dart", XGBClassifier(**dart, **small), classes),
        case("XGBClassifier-gblinear", XGBClassifier(booster="gblinear", n_estimators=8), classes),
        case("XGBClassifier-nan", XGBClassifier(**small), missing_classes()),
        case(
            "Pipeline-standard-xgboost",
            make_pipeline(StandardScaler(), XGBRegressor(**small)),
            regression,
            trap=SCALER,
        ),
    ]


def _watched(X: np.ndarray, y: np.ndarray) -> dict[str, Any]:
    noise = np.random.default_rng(8).normal(size=len(y))
    return {"eval_set": [(X, y + 3 * noise)], "verbose": False}


def catboost_cases() -> list[Case]:
    from catboost import CatBoostClassifier, CatBoostRegressor

    small = {
        "iterations": 8,
        "depth": 3,
        "verbose": 0,
        "allow_writing_files": False,
        "thread_count": 1,
    }
    losses = ("MAE", "MAPE", "Quantile:alpha=0.7", "Poisson", "Tweedie:variance_power=1.5")
    several = {"loss_function": "MultiRMSE"} | small
    versus = {"loss_function": "MultiClassOneVsAll"} | small
    return [
        case("CatBoostRegressor", CatBoostRegressor(**small), regression),
        case("CatBoostRegressor-nan", CatBoostRegressor(**small), with_missing),
        case("CatBoostRegressor-nan-max", CatBoostRegressor(nan_mode="Max", **small), with_missing),
        case("CatBoostRegressor-outputs", CatBoostRegressor(**several), lambda: targets(3)),
        *(
            case(
                f"CatBoostRegressor-{name.partition(':')[0].lower()}",
                CatBoostRegressor(loss_function=name, **small),
                above_zero,
            )
            for name in losses
        ),
        *(
            case(
                f"CatBoostRegressor-{policy.lower()}",
                CatBoostRegressor(grow_policy=policy, **small),
                regression,
            )
            for policy in ("Depthwise", "Lossguide")
        ),
        given(
            "CatBoostRegressor-categorical",
            CatBoostRegressor(cat_features=["town", "answer"], **small),
            text_frame,
            {},
            refused="categorical_features",
        ),
        case("CatBoostClassifier", CatBoostClassifier(**small), of(("a", "b", "ü"))),
        case("CatBoostClassifier-binary", CatBoostClassifier(**small), binary),
        case("CatBoostClassifier-ova", CatBoostClassifier(**versus), classes),
        case(
            "CatBoostClassifier-lossguide",
            CatBoostClassifier(grow_policy="Lossguide", **small),
            classes,
        ),
        case(
            "Pipeline-standard-catboost",
            make_pipeline(StandardScaler(), CatBoostRegressor(**small)),
            regression,
            trap=SCALER,
        ),
    ]


if INSTALLED:
    CASES = [*lightgbm_cases(), *xgboost_cases(), *catboost_cases()]
