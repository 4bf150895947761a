"""Vectorizers, encoders, imputers, discretisers, transforms of columns, selectors, and columns."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import scipy.special
from sklearn.compose import ColumnTransformer, make_column_selector
from sklearn.ensemble import RandomForestRegressor
from sklearn.experimental import enable_iterative_imputer  # noqa: F401
from sklearn.feature_extraction import DictVectorizer
from sklearn.feature_extraction.image import PatchExtractor
from sklearn.feature_extraction.text import (
    CountVectorizer,
    TfidfTransformer,
    TfidfVectorizer,
)
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
    Binarizer,
    FunctionTransformer,
    KBinsDiscretizer,
    LabelBinarizer,
    LabelEncoder,
    MaxAbsScaler,
    MinMaxScaler,
    MultiLabelBinarizer,
    Normalizer,
    OneHotEncoder,
    OrdinalEncoder,
    PowerTransformer,
    QuantileTransformer,
    RobustScaler,
    SplineTransformer,
    StandardScaler,
    TargetEncoder,
)

from tests.estimators.data import (
    categories,
    numbers,
    positive,
    regression,
    texts,
    with_missing,
)
from tests.estimators.harness import Case

Fit = Callable[[], tuple[Any, Any, Any]]


def on(estimator: Any, rows: Callable[[], Any], target: Callable[[], Any] | None = None) -> Fit:
    """Return a fit of the estimator on these rows."""

    def fit() -> tuple[Any, Any, Any]:
        X, y = rows(), None if target is None else target()
        return (estimator.fit(X) if y is None else estimator.fit(X, y)), X, y

    return fit


def case(name: str, estimator: Any, rows: Any, target: Any = None, **how: Any) -> Case:
    return Case(name, on(estimator, rows, target), **how)


def goal() -> np.ndarray:
    return regression()[1]


def three() -> np.ndarray:
    return np.array(["low", "mid", "high"])[np.digitize(goal(), [-1, 1])]


def above() -> np.ndarray:
    return goal() > 0


def holes() -> np.ndarray:
    return with_missing()[0]


def empty_column() -> np.ndarray:
    X = holes()
    X[:, 2] = np.nan
    return X


def rounded() -> np.ndarray:
    return np.round(numbers())


def repeated() -> np.ndarray:
    return np.round(numbers() * 2) / 2


def rounded_holes() -> np.ndarray:
    return np.round(holes())


def tenths() -> np.ndarray:
    return np.round(numbers(columns=2) * 3) / 10


def constant_column() -> np.ndarray:
    X = numbers()
    X[:, 1] = 3.0
    return X


def shares() -> np.ndarray:
    return scipy.special.expit(numbers())


def some_missing(value: Any) -> Callable[[], np.ndarray]:
    def rows() -> np.ndarray:
        X = categories()
        X[::7, 0] = value
        return X

    return rows


def first_column() -> list[str]:
    return categories()[:, 1].tolist()


def whole_labels() -> np.ndarray:
    return np.digitize(goal(), [-1, 0, 1]) * 10


def counts() -> np.ndarray:
    return np.random.default_rng(8).poisson(0.7, size=(240, 6)).astype(float)


def review() -> pd.DataFrame:
    X = numbers(columns=2)
    return pd.DataFrame(
        {
            "Free text": texts(),
            "grade": categories()[:, 1],
            "size m²": X[:, 0],
            "rooms": np.round(X[:, 1] * 3).astype(int),
            "new": X[:, 0] > 0,
        }
    )


def polars_review() -> Any:
    import polars

    return polars.from_pandas(review())


def gaps() -> pd.DataFrame:
    X = review()
    X.loc[::7, "grade"] = None
    return X


def arrow() -> pd.DataFrame:
    return review().astype({"grade": "category", "Free text": "string"})


def _texts() -> list[Case]:
    counting: dict[str, dict[str, Any]] = {
        "": {},
        "-bigrams": {"ngram_range": (1, 2)},
        "-trigrams": {"ngram_range": (2, 3)},
        "-stop-words": {"stop_words": ["the", "fox"], "ngram_range": (1, 2)},
        "-english": {"stop_words": "english"},
        "-case": {"lowercase": False},
        "-binary": {"binary": True},
        "-max-features": {"max_features": 5},
        "-min-df": {"min_df": 0.2, "max_df": 0.9},
        "-short-words": {"token_pattern": r"(?u)\b\w+\b"},
        "-ascii-runs": {"token_pattern": r"[a-z]+"},
        "-long-words": {"token_pattern": r"\b[a-z]{3,}\b", "ngram_range": (1, 2)},
        "-vocabulary": {"vocabulary": ["fox", "東京", "the fox", "a", "Fox", "café naïve"]},
        "-char": {"analyzer": "char"},
    }
    cases = [
        case(
            f"CountVectorizer{suffix}",
            CountVectorizer(**options),
            texts,
            trap="the default tokenizer's \\w is ASCII-only; words are found by explicit classes"
            if not options
            else "",
        )
        for suffix, options in counting.items()
    ]
    cases += [
        case(
            f"CountVectorizer-{analyzer}-{low}-{high}",
            CountVectorizer(analyzer=analyzer, ngram_range=(low, high)),
            texts,
            trap="char and char_wb n-grams, refused by plain conversion",
        )
        for analyzer, low, high in (("char", 2, 3), ("char_wb", 1, 3), ("char_wb", 5, 6))
    ]
    accents = {"vocabulary": ["cafe", "naive", "fox"]}
    cases += [
        case(
            f"CountVectorizer-accents-{kind}",
            CountVectorizer(strip_accents=kind, **accents),
            texts,
            trap="strip_accents, refused by plain conversion",
        )
        for kind in ("ascii", "unicode")
    ]
    weights: dict[str, dict[str, Any]] = {
        "": {},
        "-sublinear": {"sublinear_tf": True},
        "-l1": {"norm": "l1"},
        "-no-norm": {"norm": None},
        "-no-idf": {"use_idf": False},
        "-unsmoothed": {"smooth_idf": False},
        "-binary": {"binary": True, "ngram_range": (1, 2)},
        "-char-wb": {"analyzer": "char_wb", "ngram_range": (2, 3)},
    }
    sublinear = "sublinear_tf is ignored by plain conversion (skl2onnx ≤ 1.20)"
    cases += [
        case(
            f"TfidfVectorizer{suffix}",
            TfidfVectorizer(**options),
            texts,
            trap=sublinear if "sublinear_tf" in options else "",
        )
        for suffix, options in weights.items()
    ]
    cases += [
        case(f"TfidfTransformer{suffix}", TfidfTransformer(**options), counts)
        for suffix, options in list(weights.items())[:6]
    ]
    greek = ["οδος ας σοφος", "ΟΔΟΣ ΑΣ", "ΣΟΦΟΣ α.ς", "ΑΣ'Α σ"]
    return [
        *cases,
        case("CountVectorizer-greek-sigma", CountVectorizer(), lambda: greek * 5),
        case(
            "TfidfVectorizer-logistic",
            make_pipeline(TfidfVectorizer(), LogisticRegression()),
            texts,
            three,
        ),
        case(
            "CountVectorizer-tokenizer",
            CountVectorizer(tokenizer=str.split, token_pattern=None),
            texts,
            refused="tokenizer=",
        ),
        case(
            "CountVectorizer-analyzer",
            CountVectorizer(analyzer=str.split),
            texts,
            refused="analyzer=",
        ),
        case(
            "CountVectorizer-pattern",
            CountVectorizer(token_pattern=r"\w+(?:-\w+)+|\w+"),
            texts,
            refused="token_pattern",
        ),
        case("DictVectorizer", DictVectorizer(), lambda: [{"a": 1.0}] * 20, refused="type dict"),
        case(
            "PatchExtractor",
            PatchExtractor(patch_size=(2, 2)),
            lambda: np.zeros((10, 4, 4)),
            refused="shape",
        ),
    ]


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


def _columns() -> list[Case]:
    normal = "QuantileTransformer to normal is refused by plain conversion"
    cases = [
        case(f"KBinsDiscretizer-{kind}-{encode}", KBinsDiscretizer(4, strategy=kind, encode=encode),
             numbers)
        for kind in ("uniform", "quantile", "kmeans")
        for encode in ("onehot", "onehot-dense", "ordinal")
    ]  # fmt: skip
    cases += [
        case(f"QuantileTransformer-{to}-{kind}",
             QuantileTransformer(n_quantiles=50, output_distribution=to), rows,
             trap=normal if to == "normal" else "")
        for to in ("uniform", "normal")
        for kind, rows in (("plain", numbers), ("missing", holes), ("repeated", repeated))
    ]  # fmt: skip
    cases += [
        case(f"SplineTransformer-{how}-{degree}",
             SplineTransformer(degree=degree, extrapolation=how, n_knots=4), numbers)
        for how in ("constant", "linear", "continue", "periodic")
        for degree in (1, 2, 3)
    ]  # fmt: skip
    cases += [case(f"Normalizer-{n}", Normalizer(n), numbers) for n in ("l1", "l2", "max")]
    high = (np.log1p, np.sqrt, np.log, np.log2, np.log10, np.reciprocal, np.cbrt)
    wide = (
        np.expm1, np.exp, np.exp2, np.square, np.abs, np.sin, np.cos, np.tanh, np.sign, np.floor,
        np.ceil, np.rint, np.trunc, np.negative, np.positive, np.deg2rad, np.degrees,
        scipy.special.expit,
    )  # fmt: skip
    cases += [
        case(f"FunctionTransformer-{f.__name__}", FunctionTransformer(f), rows)
        for functions, rows in ((high, positive), (wide, numbers))
        for f in functions
    ]
    limits = {"a_min": -1.0, "a_max": 1.0}
    return [
        *cases,
        case("KBinsDiscretizer-scaled",
             make_pipeline(StandardScaler(), KBinsDiscretizer(5, encode="ordinal")), tenths),
        case("KBinsDiscretizer-float32",
             KBinsDiscretizer(5, encode="ordinal", dtype=np.float32), tenths),
        case("PowerTransformer", PowerTransformer(), numbers),
        case("PowerTransformer-missing", PowerTransformer(standardize=False), holes),
        case("PowerTransformer-box-cox", PowerTransformer(method="box-cox"), positive),
        case("PowerTransformer-large", PowerTransformer(), lambda: positive() * 1e4),
        case("SplineTransformer-bias",
             SplineTransformer(include_bias=False, knots="quantile", sparse_output=True), numbers),
        case("Binarizer", Binarizer(threshold=0.5), repeated),
        case("FunctionTransformer", FunctionTransformer(), numbers),
        case("FunctionTransformer-logit", FunctionTransformer(scipy.special.logit), shares),
        case("FunctionTransformer-clip", FunctionTransformer(np.clip, kw_args=limits), numbers),
        case("FunctionTransformer-minimum", FunctionTransformer(np.clip, kw_args={"min": 0}),
             numbers),
        case("FunctionTransformer-lambda", FunctionTransformer(lambda X: X + 1), numbers,
             refused="func=<lambda>"),
        case("FunctionTransformer-other", FunctionTransformer(np.cumsum, kw_args={"axis": 1}),
             numbers,             refused="numpy.cumsum"),
        case("StandardScaler-no-mean", StandardScaler(with_mean=False), constant_column),
        case("StandardScaler-no-std", StandardScaler(with_std=False), constant_column),
        case("StandardScaler-large", StandardScaler(), lambda: numbers() + 1e5,
             trap="StandardScaler with mean 1e5 and deviation 1 loses 0.009 in float32"),
        case("StandardScaler-missing", StandardScaler(), empty_column),
        case("MinMaxScaler-clip", MinMaxScaler((-1, 2), clip=True), constant_column),
        case("MaxAbsScaler-missing", MaxAbsScaler(), holes),
        case("RobustScaler-unit", RobustScaler(unit_variance=True), constant_column),
        case("RobustScaler-no-center", RobustScaler(with_centering=False), constant_column),
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


def _frames() -> list[Case]:
    words = ("words", TfidfVectorizer(), "Free text")
    grades = ("grades", OneHotEncoder(handle_unknown="ignore"), ["grade"])
    scaled = ("scaled", StandardScaler(), ["size m²", "rooms"])
    parts = [words, grades, scaled]
    named = {"covers": ("ColumnTransformer",)}
    chosen = make_column_selector(dtype_include="number")
    return [
        case("ColumnTransformer-text", ColumnTransformer(parts), review, **named),
        case("ColumnTransformer-passthrough",
             ColumnTransformer([words], remainder="drop"), review, **named),
        case("ColumnTransformer-remainder",
             ColumnTransformer([words, grades], remainder=MinMaxScaler()), review, **named),
        case("ColumnTransformer-callable",
             ColumnTransformer([words, ("numbers", StandardScaler(), chosen)]), review, **named),
        case("ColumnTransformer-mixed",
             ColumnTransformer([("all", OneHotEncoder(handle_unknown="ignore"),
                                 ["grade", "rooms", "new"])]), review, **named),
        case("ColumnTransformer-regressor",
             make_pipeline(ColumnTransformer(parts), Ridge()), review, goal, **named),
        case("ColumnTransformer-flags",
             ColumnTransformer([("all", "passthrough", ["rooms", "new", "size m²"])]), review,
             **named),
        case("ColumnTransformer-polars", ColumnTransformer(parts), polars_review, **named),
        case("ColumnTransformer-missing-text", ColumnTransformer([grades, scaled]), gaps, **named),
        case("ColumnTransformer-pandas-types", ColumnTransformer(parts), arrow, **named),
        case("ColumnTransformer-impute",
             ColumnTransformer([("some", SimpleImputer(), [0, 2]), ("rest", "passthrough", [4])]),
             holes, **named),
    ]  # fmt: skip


CASES = [*_texts(), *_encoders(), *_imputers(), *_columns(), *_selectors(), *_frames()]
