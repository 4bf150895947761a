"""Hashing vectorizers and feature hashers, read as a matrix and by linear models."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.ensemble import RandomForestRegressor
from sklearn.feature_extraction import FeatureHasher
from sklearn.feature_extraction.text import HashingVectorizer, TfidfTransformer
from sklearn.linear_model import LogisticRegression, Ridge, SGDClassifier
from sklearn.naive_bayes import MultinomialNB
from sklearn.pipeline import make_pipeline

from tests.estimators.data import categories, regression, texts
from tests.estimators.harness import Case, case

WIDE = 1 << 20
PLAIN: dict[str, dict[str, Any]] = {
    "": {},
    "-l1": {"norm": "l1", "alternate_sign": False},
    "-no-norm": {"norm": None, "n_features": 7},
    "-binary": {"binary": True},
    "-bigrams": {"ngram_range": (1, 2)},
    "-stop-words": {"stop_words": "english", "ngram_range": (2, 3)},
    "-pattern": {"token_pattern": r"[a-z]{3,}", "lowercase": False},
    "-unicode": {"strip_accents": "unicode"},
    "-char": {"analyzer": "char", "ngram_range": (1, 3), "strip_accents": "ascii"},
    "-char-wb": {"analyzer": "char_wb", "ngram_range": (2, 3)},
    "-char-wb-long": {"analyzer": "char_wb", "ngram_range": (5, 6), "norm": None},
}


def goal() -> np.ndarray:
    return regression()[1]


def pairs() -> list[list[tuple[str, float]]]:
    """Return rows of one to three pairs of a text and a number."""
    return [
        [(text, (i + k) % 5 / 3) for k, text in enumerate(row[: 1 + i % 3])]
        for i, row in enumerate(categories().tolist())
    ]


def _cases() -> list[Case]:
    def hashed(name: str, last: Any = None, target: Any = None, rows: Any = texts, **options: Any):
        kind = FeatureHasher if name.startswith("FeatureHasher") else HashingVectorizer
        first = kind(**{"n_features": 16} | options)
        more = [] if last is None else last if isinstance(last, list) else [last]
        return case(
            name,
            lambda: make_pipeline(first, *more) if more else first,
            lambda: (rows(), None if target is None else target()),
        )

    above = {"target": lambda: goal() > 0}
    unsigned = {"n_features": WIDE, "alternate_sign": False}
    found = [hashed(f"HashingVectorizer{suffix}", **how) for suffix, how in PLAIN.items()]
    found += [
        hashed("HashingVectorizer-wide-logistic", LogisticRegression(), **above, n_features=WIDE),
        hashed("HashingVectorizer-wide-sgd", SGDClassifier(random_state=0), **above,
               n_features=WIDE, norm=None),
        hashed("HashingVectorizer-wide-bayes", MultinomialNB(), **above, **unsigned),
        hashed("HashingVectorizer-wide-tfidf", [TfidfTransformer(), Ridge()], goal,
               **unsigned, norm=None),
        hashed("HashingVectorizer-forest", RandomForestRegressor(3, random_state=0), goal),
        hashed("FeatureHasher", rows=categories, input_type="string"),
        hashed("FeatureHasher-wide", Ridge(), goal, categories, input_type="string",
               n_features=WIDE),
        hashed("FeatureHasher-pairs", rows=pairs, input_type="pair"),
        hashed("FeatureHasher-pairs-ridge", Ridge(), goal, pairs, input_type="pair",
               alternate_sign=False),
    ]  # fmt: skip
    return [
        *found,
        case("FeatureHasher-dict", lambda: FeatureHasher(4),
                    lambda: ([{"a": 1.0}] * 20, None), refused="type dict"),
        case("HashingVectorizer-too-wide",
                    lambda: make_pipeline(HashingVectorizer(), RandomForestRegressor(1)),
                    lambda: (texts()[:20], goal()[:20]), refused="n_features"),
    ]  # fmt: skip


CASES = _cases()
