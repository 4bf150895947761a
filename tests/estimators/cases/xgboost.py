"""XGBoost in further forms."""

from __future__ import annotations

import tempfile
from importlib.util import find_spec
from typing import Any

import numpy as np
from sklearn.calibration import CalibratedClassifierCV
from sklearn.ensemble import (
    BaggingRegressor,
    StackingClassifier,
    StackingRegressor,
)
from sklearn.feature_extraction.text import CountVectorizer, TfidfVectorizer
from sklearn.multioutput import ClassifierChain
from sklearn.pipeline import make_pipeline, make_union
from sklearn.preprocessing import KBinsDiscretizer, MaxAbsScaler

from tests.estimators.booster_data import (
    SPARSE,
    above_zero,
    encoded,
    half_zeros,
    labels,
    labels_of_table,
    raw_loss,
    table,
    texts,
    two_of_table,
    unequal_texts,
    woods,
)
from tests.estimators.data import ROWS, binary, classes, regression
from tests.estimators.harness import Case
from tests.estimators.tree_data import case


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


CASES: list[Case] = xgboost_cases() if find_spec("xgboost") else []
