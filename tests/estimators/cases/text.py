"""Vectorizers, encoders, imputers, discretisers, transforms of columns, selectors, and columns."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.special
from sklearn.compose import ColumnTransformer, make_column_selector
from sklearn.experimental import enable_iterative_imputer  # noqa: F401
from sklearn.feature_extraction import DictVectorizer
from sklearn.feature_extraction.image import PatchExtractor
from sklearn.feature_extraction.text import (
    CountVectorizer,
    TfidfTransformer,
    TfidfVectorizer,
)
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import (
    Binarizer,
    FunctionTransformer,
    KBinsDiscretizer,
    MaxAbsScaler,
    MinMaxScaler,
    Normalizer,
    OneHotEncoder,
    PowerTransformer,
    QuantileTransformer,
    RobustScaler,
    SplineTransformer,
    StandardScaler,
)

from tests.estimators.data import (
    numbers,
    positive,
    texts,
)
from tests.estimators.harness import Case
from tests.estimators.text_data import (
    arrow,
    case,
    constant_column,
    counts,
    empty_column,
    gaps,
    goal,
    holes,
    polars_review,
    repeated,
    review,
    shares,
    tenths,
    three,
)


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


CASES = [*_texts(), *_columns(), *_frames()]
