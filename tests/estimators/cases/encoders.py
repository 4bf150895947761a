"""Encoders, imputers and selectors."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.ensemble import RandomForestRegressor
from sklearn.experimental import enable_iterative_imputer  # noqa: F401
from sklearn.feature_selection import (
    RFE,
    RFECV,
    GenericUnivariateSelect,
    SelectFdr,
    SelectFpr,
    SelectFromModel,
    SelectFwe,
    SelectKBest,
    SelectPercentile,
    SequentialFeatureSelector,
    VarianceThreshold,
    f_regression,
)
from sklearn.impute import IterativeImputer, MissingIndicator, SimpleImputer
from sklearn.linear_model import Lasso, LinearRegression, LogisticRegression, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import (
    LabelBinarizer,
    LabelEncoder,
    MultiLabelBinarizer,
    OneHotEncoder,
    OrdinalEncoder,
    StandardScaler,
    TargetEncoder,
)

from tests.estimators.data import (
    categories,
    numbers,
)
from tests.estimators.harness import Case
from tests.estimators.text_data import (
    above,
    case,
    empty_column,
    first_column,
    goal,
    holes,
    rounded,
    rounded_holes,
    some_missing,
    tenths,
    three,
    whole_labels,
)


def _encoders() -> list[Case]:
    rare: dict[str, Any] = {"min_frequency": 70}
    hot: dict[str, dict[str, Any]] = {
        "": {},
        "-first": {"drop": "first"},
        "-binary": {"drop": "if_binary"},
        "-ignore": {"handle_unknown": "ignore"},
        "-warn": {"handle_unknown": "warn", **rare},
        "-infrequent": {"handle_unknown": "infrequent_if_exist", **rare},
        "-infrequent-ignore": {"handle_unknown": "ignore", "max_categories": 3},
        "-infrequent-first": {"handle_unknown": "infrequent_if_exist", "drop": "first", **rare},
        "-dense": {"sparse_output": False},
    }
    trap = "infrequent categories are refused by plain conversion"
    cases = [
        case(
            f"OneHotEncoder{suffix}-{kind}",
            OneHotEncoder(**options),
            rows,
            trap=trap if "infrequent" in suffix else "",
        )
        for suffix, options in hot.items()
        for kind, rows in (
            ("text", categories),
            ("none", some_missing(None)),
            ("nan", rounded_holes),
        )
    ]
    codes: dict[str, dict[str, Any]] = {
        "": {},
        "-unknown": {"handle_unknown": "use_encoded_value", "unknown_value": -1},
        "-missing": {"encoded_missing_value": -2},
        "-infrequent": {
            "handle_unknown": "use_encoded_value",
            "unknown_value": np.nan,
            **rare,
        },
    }
    cases += [
        case(f"OrdinalEncoder{suffix}-{kind}", OrdinalEncoder(**options), rows)
        for suffix, options in codes.items()
        for kind, rows in (
            ("text", categories),
            ("nan-text", some_missing(np.nan)),
            ("numbers", rounded_holes),
        )
    ]
    return [
        *cases,
        case("OneHotEncoder-tenths", OneHotEncoder(), tenths),
        case("OneHotEncoder-tenths-ignore", OneHotEncoder(handle_unknown="ignore"), tenths),
        case("OneHotEncoder-all-dropped", OneHotEncoder(drop="first"), lambda: np.ones((20, 1)),
             refused="no column at all"),
        case("TargetEncoder", TargetEncoder(), categories, goal),
        case("TargetEncoder-binary", TargetEncoder(), categories, above),
        case("TargetEncoder-multiclass", TargetEncoder(), categories, three),
        case("TargetEncoder-numbers", TargetEncoder(smooth=2.0), rounded_holes, goal),
        case("LabelEncoder", LabelEncoder(), first_column),
        case("LabelEncoder-integers", LabelEncoder(), whole_labels),
        case("LabelEncoder-booleans", LabelEncoder(), above),
        case("LabelBinarizer", LabelBinarizer(), first_column),
        case("LabelBinarizer-signs", LabelBinarizer(neg_label=-1), whole_labels),
        case("LabelBinarizer-binary", LabelBinarizer(), above),
        case("MultiLabelBinarizer", MultiLabelBinarizer(), categories),
        case("MultiLabelBinarizer-sets", MultiLabelBinarizer(), lambda: [{"a"}, {"b", "c"}] * 9,
             refused="type set"),
    ]  # fmt: skip


def _imputers() -> list[Case]:
    indicator = "add_indicator gives the wrong width by plain conversion"
    gone = "a column all NaN gives the wrong width by plain conversion"
    cases = [
        case(f"SimpleImputer-{kind}{'-indicator' * flag}",
             SimpleImputer(strategy=kind, add_indicator=flag), holes, trap=indicator * flag)
        for kind in ("mean", "median", "most_frequent", "constant")
        for flag in (False, True)
    ]  # fmt: skip
    most = {"missing_values": None, "strategy": "most_frequent"}
    fixed = {"missing_values": None, "strategy": "constant", "fill_value": "zz"}
    return [
        *cases,
        case("SimpleImputer-empty", SimpleImputer(), empty_column, trap=gone),
        case("SimpleImputer-empty-indicator", SimpleImputer(add_indicator=True), empty_column),
        case("SimpleImputer-keep-empty", SimpleImputer(keep_empty_features=True), empty_column),
        case("SimpleImputer-sentinel", SimpleImputer(missing_values=-1), rounded),
        case("SimpleImputer-fill", SimpleImputer(strategy="constant", fill_value=-9.5), holes),
        case("SimpleImputer-text", SimpleImputer(**most), some_missing(None)),
        case("SimpleImputer-text-constant", SimpleImputer(**fixed), some_missing(None)),
        case("SimpleImputer-text-nan", SimpleImputer(strategy="most_frequent"),
             some_missing(np.nan)),
        case("SimpleImputer-text-mark", SimpleImputer(missing_values="?", strategy="most_frequent"),
             some_missing("?")),
        case("SimpleImputer-one-hot",
             make_pipeline(SimpleImputer(**fixed), OneHotEncoder(handle_unknown="ignore")),
             some_missing(None), trap="Imputer(constant) + OneHotEncoder on text is refused"),
        case("SimpleImputer-all-empty", SimpleImputer(), lambda: np.full((20, 2), np.nan),
             refused="no column at all"),
        case("MissingIndicator", MissingIndicator(), holes),
        case("MissingIndicator-all", MissingIndicator(features="all"), holes),
        case("MissingIndicator-lenient", MissingIndicator(error_on_new=False), holes),
        case("MissingIndicator-sentinel", MissingIndicator(missing_values=-1), rounded),
        case("IterativeImputer", IterativeImputer(max_iter=3), holes),
        case("IterativeImputer-empty", IterativeImputer(max_iter=2, add_indicator=True),
             empty_column),
        case("IterativeImputer-neighbours",
             IterativeImputer(max_iter=2, n_nearest_features=2, keep_empty_features=True),
             empty_column),
        case("IterativeImputer-limits", IterativeImputer(max_iter=2, min_value=-1, max_value=1),
             holes),
        case("IterativeImputer-ridge",
             make_pipeline(IterativeImputer(Ridge(), max_iter=2), StandardScaler()), holes),
        case("IterativeImputer-forest",
             IterativeImputer(RandomForestRegressor(3, max_depth=3, random_state=0), max_iter=1),
             holes),
        case("IterativeImputer-posterior", IterativeImputer(max_iter=1, sample_posterior=True),
             holes,             refused="at random"),
    ]  # fmt: skip


def _selectors() -> list[Case]:
    first = "a selector whose only column is 0 gives an invalid graph by plain conversion"

    def only_first() -> np.ndarray:
        return numbers()[:, 0]

    cases = [
        case(type(s).__name__, s, numbers, goal)
        for s in (
            SelectPercentile(f_regression, percentile=40), SelectFpr(f_regression),
            SelectFdr(f_regression), SelectFwe(f_regression),
            GenericUnivariateSelect(f_regression, mode="k_best", param=2),
            SelectFromModel(Lasso(0.1)), VarianceThreshold(),
            SequentialFeatureSelector(LinearRegression(), n_features_to_select=2, cv=2),
        )
    ]  # fmt: skip
    return [
        *cases,
        case("SelectKBest-first", SelectKBest(f_regression, k=1), numbers, only_first, trap=first),
        case("RFE", RFE(LinearRegression(), n_features_to_select=2), numbers, goal),
        case("RFE-classifier", RFE(LogisticRegression()), numbers, three),
        case("RFECV", RFECV(Ridge(), cv=2), numbers, goal),
        case("SelectKBest-ridge",
             make_pipeline(StandardScaler(), SelectKBest(f_regression, k=2), Ridge()),
             numbers, goal),
        case("SelectKBest-none", SelectKBest(f_regression, k=0), numbers, goal,
             refused="no column at all"),
    ]  # fmt: skip


CASES = [*_encoders(), *_imputers(), *_selectors()]
