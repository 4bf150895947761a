"""Boosters where people go beyond the plain estimator: other losses, sparse steps, own boosters."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Any

import numpy as np
import pandas as pd
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import StackingClassifier, VotingClassifier
from sklearn.feature_extraction.text import CountVectorizer, TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.multiclass import OneVsOneClassifier, OneVsRestClassifier, OutputCodeClassifier
from sklearn.multioutput import ClassifierChain, MultiOutputClassifier
from sklearn.pipeline import make_pipeline, make_union
from sklearn.preprocessing import KBinsDiscretizer, MaxAbsScaler, OneHotEncoder

from tests.estimators.data import ROWS, binary, classes, regression, with_missing
from tests.estimators.harness import Case
from tests.estimators.tree_data import case

INSTALLED = all(find_spec(name) for name in ("lightgbm", "xgboost", "catboost"))
CASES: list[Case] = []

SPARSE = "XGBoost after a sparse step: zeros are missing values to it"


def above_zero() -> tuple[np.ndarray, np.ndarray]:
    X, y = regression()
    return X, np.exp(y / 3)


def labels() -> tuple[np.ndarray, np.ndarray]:
    X, y = regression()
    return X, np.stack([y > 0, X[:, 1] > 0, y + X[:, 2] > 1], axis=1).astype(int)


def woods(codes: bool = False, ordered: bool = False, decimals: bool = False) -> Any:
    """A data frame with pandas' categories, a missing one among them, between numbers."""

    def data() -> tuple[pd.DataFrame, np.ndarray]:
        X, y = regression()
        rng = np.random.default_rng(31)
        values: Any = [0.1, 0.7, 2.3] if decimals else [3, 5, 9, 12]
        values = values if codes or decimals else ["oak", "ash", "elm", "fir"]
        chosen = rng.choice(values, ROWS)
        wood = pd.Categorical(chosen, ordered=ordered)
        wood = pd.Categorical(
            np.where(rng.random(ROWS) < 0.1, None, wood), wood.categories, ordered
        )
        frame = pd.DataFrame({"a": X[:, 0], "wood": wood, "b": X[:, 1]})
        frame["size"] = pd.Categorical(rng.choice(["s", "m", "l"], ROWS), ["s", "m", "l"], ordered)
        return frame, y + 2 * np.isin(chosen, values[:2]) + frame["size"].cat.codes

    return data


def table() -> tuple[pd.DataFrame, np.ndarray]:
    rng = np.random.default_rng(32)
    X = pd.DataFrame(
        {
            "stops": rng.integers(0, 5, ROWS).astype(float),
            "line": rng.choice(list("abcdefgh"), ROWS),
            "word": rng.choice(["good day", "bad night", "good night"], ROWS),
        }
    )
    return X, X.stops + 3 * X.line.isin(["a", "c"]) - X.word.str.contains("bad") * 2


def two_of_table() -> tuple[pd.DataFrame, np.ndarray]:
    X, y = table()
    return X, (y > 2).astype(int).to_numpy()


def texts() -> tuple[list[str], np.ndarray]:
    rng = np.random.default_rng(33)
    words = ["sun", "rain", "wind", "snow", "fog"]
    X = [" ".join(rng.choice(words, 4)) for _ in range(ROWS)]
    return X, np.array([float(t.count("sun") - t.count("fog")) for t in X])


def encoded(inner: Any) -> Any:
    parts = ColumnTransformer(
        [
            ("line", OneHotEncoder(handle_unknown="ignore"), ["line"]),
            ("word", CountVectorizer(), "word"),
            ("stops", "passthrough", ["stops"]),
        ]
    )
    return make_pipeline(parts, inner)


def raw_loss(truth: np.ndarray, predicted: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """A squared loss of one's own: gradient and Hessian."""
    return predicted - truth, np.ones_like(truth, dtype=float)


def lightgbm_cases() -> list[Case]:
    from lightgbm import Dataset, LGBMClassifier, LGBMRegressor, train

    small = {"n_estimators": 6, "num_leaves": 5, "min_child_samples": 5, "verbose": -1, "n_jobs": 1}
    one = LGBMClassifier(**small)
    line = LGBMRegressor(linear_tree=True, **small)

    def trained(objective: str, data: Any, **more: Any) -> Any:
        def fit() -> tuple[Any, Any, Any]:
            X, y = data()
            settings = {"objective": objective, "verbose": -1, "num_leaves": 5, **more}
            return train(settings, Dataset(X, y), 6), X, y

        return fit

    return [
        case("LGBMRegressor-linear-tree", line, regression),
        case("LGBMRegressor-linear-tree-nan", line, with_missing),
        case("LGBMClassifier-linear-tree", LGBMClassifier(linear_tree=True, **small), classes),
        case("LGBMRegressor-own-loss", LGBMRegressor(objective=raw_loss, **small), regression),
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
    ]


def xgboost_cases() -> list[Case]:
    from xgboost import DMatrix, XGBClassifier, XGBRanker, XGBRegressor, callback, train

    small = {"n_estimators": 6, "max_depth": 3, "n_jobs": 1}
    cats = {"enable_categorical": True} | small
    two = ("reg:logistic", "binary:hinge", "binary:logitraw", "reg:squarederror")
    more = ("reg:quantileerror", "reg:absoluteerror", "survival:cox")
    quantiles = {"quantile_alpha": 0.3}

    def stopped(**settings: Any) -> Any:
        def fit() -> tuple[Any, Any, Any]:
            X, y = regression()
            noise = np.random.default_rng(8).normal(size=len(y))
            stop = [callback.EarlyStopping(rounds=2)]
            model = XGBRegressor(n_estimators=60, max_depth=3, n_jobs=1, callbacks=stop, **settings)
            return model.fit(X, y, eval_set=[(X, y + 3 * noise)], verbose=False), X, y

        return fit

    def ranked() -> tuple[Any, Any, Any]:
        X, y = classes(4)
        model = XGBRanker(objective="rank:ndcg", **small)
        return model.fit(X, y, group=[ROWS // 4] * 4), X, y

    def trained(objective: str, data: Any, **settings: Any) -> Any:
        def fit() -> tuple[Any, Any, Any]:
            X, y = data()
            own = {"objective": objective, "max_depth": 3, **settings}
            return train(own, DMatrix(X, y, enable_categorical=True), 6), X, y

        return fit

    def of_words(inner: Any) -> Any:
        union = make_union(TfidfVectorizer(), make_pipeline(CountVectorizer(), MaxAbsScaler()))
        return make_pipeline(union, inner)

    bins = KBinsDiscretizer(4, quantile_method="averaged_inverted_cdf")
    return [
        *(
            case(
                f"XGBClassifier-{n.replace(':', '-')}",
                XGBClassifier(objective=n, **small),
                binary,
            )
            for n in two
        ),
        *(
            case(
                f"XGBRegressor-{n.partition(':')[2]}",
                XGBRegressor(
                    objective=n, **{k: v for k, v in quantiles.items() if k[:5] in n}, **small
                ),
                above_zero,
            )
            for n in more
        ),
        case("XGBClassifier-labels", XGBClassifier(**small), labels),
        case(
            "XGBClassifier-labels-tree",
            XGBClassifier(multi_strategy="multi_output_tree", **small),
            labels,
        ),
        Case("XGBRegressor-stopped", stopped()),
        Case("XGBRegressor-stopped-dart", stopped(booster="dart", rate_drop=0.3)),
        Case("XGBRanker", ranked),
        case("XGBRegressor-category", XGBRegressor(**cats), woods()),
        case("XGBRegressor-category-codes", XGBRegressor(**cats), woods(codes=True)),
        case("Pipeline-sparse-xgboost", encoded(XGBRegressor(**small)), table, trap=SPARSE),
        case(
            "Pipeline-sparse-xgboost-classifier",
            encoded(XGBClassifier(**small)),
            two_of_table,
            trap=SPARSE,
        ),
        case("Pipeline-words-xgboost", of_words(XGBRegressor(**small)), texts, trap=SPARSE),
        case(
            "Pipeline-bins-xgboost",
            make_pipeline(bins, XGBRegressor(**small)),
            regression,
            trap=SPARSE,
        ),
        case(
            "StackingClassifier-sparse-xgboost",
            encoded(StackingClassifier([("x", XGBClassifier(**small))], cv=2)),
            two_of_table,
            trap=SPARSE,
        ),
        case(
            "CalibratedClassifierCV-xgboost", CalibratedClassifierCV(XGBClassifier(**small)), binary
        ),
        Case("xgboost.Booster", trained("reg:squarederror", regression)),
        Case("xgboost.Booster-binary", trained("binary:logistic", binary)),
        Case("xgboost.Booster-classes", trained("multi:softprob", classes, num_class=3)),
        Case("xgboost.Booster-category", trained("reg:squarederror", woods())),
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
        "LogLinQuantile:alpha=0.3",
        "MultiQuantile:alpha=0.1,0.5",
        "RMSEWithUncertainty",
        "Cox",
        "Huber:delta=1",
        "Expectile:alpha=0.3",
        "Lq:q=1.5",
    )

    def sure() -> tuple[Any, Any, Any]:
        X, y = binary()
        model = CatBoostClassifier(**small).fit(X, y)
        model.set_probability_threshold(0.3)
        return model, X, y

    def own(loss: str, data: Any) -> Any:
        def fit() -> tuple[Any, Any, Any]:
            X, y = data()
            return CatBoost({"loss_function": loss, **small}).fit(X, y), X, y

        return fit

    def ranked() -> tuple[Any, Any, Any]:
        X, y = classes(4)
        groups = np.repeat(np.arange(4), ROWS // 4)
        return CatBoostRanker(loss_function="QueryRMSE", **small).fit(X, y, group_id=groups), X, y

    return [
        *(
            case(
                f"CatBoostRegressor-{name.partition(':')[0].lower()}",
                CatBoostRegressor(loss_function=name, **small),
                above_zero,
            )
            for name in losses
        ),
        Case("CatBoostClassifier-threshold", sure),
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
        Case("CatBoostRanker", ranked),
        case(
            "CalibratedClassifierCV-catboost",
            CalibratedClassifierCV(CatBoostClassifier(**small)),
            binary,
        ),
    ]


if INSTALLED:
    CASES = [*lightgbm_cases(), *xgboost_cases(), *catboost_cases()]
