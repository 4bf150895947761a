"""Boosters where people go beyond the plain estimator: other losses, sparse steps, own boosters."""

from __future__ import annotations

import tempfile
from importlib.util import find_spec
from typing import Any

import numpy as np
import pandas as pd
from scipy.sparse import csr_matrix
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import (
    BaggingRegressor,
    StackingClassifier,
    StackingRegressor,
    VotingClassifier,
)
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

SEVERAL = "MultiLogloss"
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


def unequal_texts() -> tuple[list[str], np.ndarray]:
    """Texts of several lengths: their tf-idf lies next to the thresholds that it makes."""
    rng = np.random.default_rng(34)
    words = ["red", "green", "blue", "fast", "slow", "good", "bad", "cat", "dog"]
    X = [" ".join(rng.choice(words, rng.integers(1, 6))) for _ in range(2 * ROWS)]
    return X, np.array([2.0 * t.count("red") + t.count("good") + ("cat" in t) for t in X])


def labels_of_table() -> tuple[pd.DataFrame, np.ndarray]:
    X, y = two_of_table()
    return X, np.stack([y, y[::-1]], axis=1)


def half_zeros() -> tuple[csr_matrix, np.ndarray]:
    X, y = regression()
    X[np.random.default_rng(35).random(X.shape) < 0.5] = 0
    return csr_matrix(X), y


def spaced() -> tuple[pd.DataFrame, np.ndarray]:
    """Columns whose names LightGBM writes otherwise."""
    X, y = regression()
    return pd.DataFrame(X, columns=[f"column {k}" for k in range(X.shape[1])]), y


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


def own_loss(predicted: np.ndarray, data: Any) -> tuple[np.ndarray, np.ndarray]:
    """The same for LightGBM's own `train`."""
    return raw_loss(data.get_label(), predicted)


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


def xgboost_cases() -> list[Case]:
    from xgboost import (
        DMatrix,
        XGBClassifier,
        XGBRanker,
        XGBRegressor,
        XGBRFClassifier,
        callback,
        train,
    )

    small = {"n_estimators": 6, "max_depth": 3, "n_jobs": 1}
    cats = {"enable_categorical": True} | small
    two = ("reg:logistic", "binary:hinge", "binary:logitraw", "reg:squarederror")
    more = ("reg:quantileerror", "survival:cox")
    quantiles = {"quantile_alpha": 0.3}
    ranks = ("rank:pairwise", "rank:ndcg", "rank:map")

    def stopped(**settings: Any) -> Any:
        def fit() -> tuple[Any, Any, Any]:
            X, y = regression()
            noise = np.random.default_rng(8).normal(size=len(y))
            stop = [callback.EarlyStopping(rounds=2)]
            model = XGBRegressor(n_estimators=60, max_depth=3, n_jobs=1, callbacks=stop, **settings)
            return model.fit(X, y, eval_set=[(X, y + 3 * noise)], verbose=False), X, y

        return fit

    def loaded(fit: Any) -> Any:
        def again() -> tuple[Any, Any, Any]:
            model, X, y = fit()
            with tempfile.TemporaryDirectory() as folder:
                model.save_model(f"{folder}/model.ubj")
                read = XGBRegressor()
                read.load_model(f"{folder}/model.ubj")
            return read, X, y

        return again

    def ranked(objective: str) -> Any:
        def fit() -> tuple[Any, Any, Any]:
            X, y = classes(4)
            y = (y > 1).astype(int) if objective == "rank:map" else y
            model = XGBRanker(objective=objective, **small)
            return model.fit(X, y, group=[ROWS // 4] * 4), X, y

        return fit

    def survival() -> tuple[Any, Any, Any]:
        X, y = above_zero()
        data = DMatrix(X)
        data.set_float_info("label_lower_bound", y)
        data.set_float_info("label_upper_bound", 1.5 * y)
        return train({"objective": "survival:aft", "max_depth": 3}, data, 6), X, y

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
        *(
            case(f"XGBRegressor-{n.replace(':', '-')}", XGBRegressor(objective=n, **small), binary)
            for n in ("binary:logistic", "binary:hinge", "binary:logitraw")
        ),
        *(
            case(
                f"XGBRegressor-{n.replace(':', '-')}",
                XGBRegressor(objective=n, num_class=3, **small),
                classes,
            )
            for n in ("multi:softprob", "multi:softmax")
        ),
        case(
            "XGBRegressor-quantileerror-several",
            XGBRegressor(objective="reg:quantileerror", quantile_alpha=[0.1, 0.5, 0.9], **small),
            regression,
        ),
        case("XGBRegressor-own-loss", XGBRegressor(objective=raw_loss, **small), regression),
        case("XGBClassifier-own-loss", XGBClassifier(objective=raw_loss, **small), binary),
        case("XGBRegressor-sparse", XGBRegressor(**small), half_zeros, trap=SPARSE),
        case("XGBClassifier-labels", XGBClassifier(**small), labels),
        case("XGBRFClassifier-labels", XGBRFClassifier(**small), labels),
        case(
            "XGBClassifier-labels-tree",
            XGBClassifier(multi_strategy="multi_output_tree", **small),
            labels,
        ),
        Case("XGBRegressor-stopped", stopped()),
        Case("XGBRegressor-stopped-dart", stopped(booster="dart", rate_drop=0.3)),
        Case("XGBRegressor-loaded", loaded(stopped())),
        *(Case(f"XGBRanker-{n.replace(':', '-')}", ranked(n)) for n in ranks),
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
        *(
            case(f"{name}-sparse-xgboost", encoded(around), data, trap=SPARSE)
            for name, around, data in (
                ("ClassifierChain", ClassifierChain(XGBClassifier(**small)), labels_of_table),
                (
                    "BaggingRegressor",
                    BaggingRegressor(XGBRegressor(**small), 3, max_features=0.6),
                    table,
                ),
                (
                    "StackingRegressor-passthrough",
                    StackingRegressor(
                        [("x", XGBRegressor(**small))],
                        final_estimator=XGBRegressor(**small),
                        cv=2,
                        passthrough=True,
                    ),
                    table,
                ),
                ("Pipeline-scaled", make_pipeline(MaxAbsScaler(), XGBRegressor(**small)), table),
                ("Pipeline-one-missing", XGBRegressor(missing=1.0, **small), table),
            )
        ),
        case(
            "Pipeline-tfidf-xgboost",
            make_pipeline(TfidfVectorizer(), XGBRegressor(**small)),
            unequal_texts,
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
        Case("xgboost.Booster-softmax", trained("multi:softmax", classes, num_class=3)),
        Case("xgboost.Booster-labels", trained("binary:logistic", labels)),
        Case("xgboost.Booster-survival-aft", survival),
        Case("xgboost.Booster-sparse", trained("reg:squarederror", half_zeros), trap=SPARSE),
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
    CASES = [*lightgbm_cases(), *xgboost_cases(), *catboost_cases()]
