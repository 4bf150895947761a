"""Hashed texts: fresh ones, hostile ones, long ones; what is too wide; pairs on a device."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from sklearn.ensemble import RandomForestRegressor
from sklearn.feature_extraction import FeatureHasher
from sklearn.feature_extraction.text import HashingVectorizer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import make_pipeline

from tests.exporter.parity import export_proven
from toolkit.errors import InvalidInput, UnsupportedEstimator
from toolkit.exporter.flow import convert_and_prove
from toolkit.runtime.predictor import Predictor

WORDS = ["good", "Straße", "東京", "x1", "don't", "naïve", "ΟΔΟΣ", "the", "—", "\t"]
ODD = ["", " ", "\u0301", "ΣΑΣ σΣ", "İstanbul", "ﬁne\u00a0½", "a" * 3000, "e\u0301 é", "\x00 \x1f"]


def documents(count, seed):
    rng = np.random.default_rng(seed)
    return [" ".join(rng.choice(WORDS, size=rng.integers(1, 9))) for _ in range(count)]


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"ngram_range": (1, 3), "stop_words": ["the", "good"], "norm": "l1"},
        {"analyzer": "char", "ngram_range": (1, 2), "lowercase": False, "alternate_sign": False},
        {"analyzer": "char_wb", "ngram_range": (3, 5), "strip_accents": "unicode"},
        {"analyzer": "char_wb", "ngram_range": (5, 5), "strip_accents": "ascii", "binary": True},
    ],
    ids=str,
)
def test_fresh_and_odd_texts_are_hashed_alike(options):
    texts = documents(60, 1)
    model = HashingVectorizer(n_features=40, **options)
    graph = Predictor(export_proven(model, texts), "the graph")
    fresh = documents(40, 2) + ODD
    got = graph.predict(np.array(fresh, dtype=object))
    np.testing.assert_allclose(got, model.transform(fresh).toarray(), atol=1e-6)


def test_a_linear_model_reads_a_wide_hash_without_a_matrix():
    texts = documents(60, 1)
    y = np.array(["good" in t for t in texts])
    model = make_pipeline(HashingVectorizer(), LogisticRegression()).fit(texts, y)
    content = export_proven(model, texts, y)
    graph = onnx.load_from_string(content).graph
    (weights,) = (i.name for i in graph.initializer if 1 << 20 in i.dims)
    assert [n.op_type for n in graph.node if weights in n.input] == ["Gather"]
    fresh = documents(40, 2) + ODD
    got = Predictor(content, "the graph").predict_proba(np.array(fresh, dtype=object))
    np.testing.assert_allclose(got, model.predict_proba(fresh), atol=1e-6)


def test_a_matrix_too_wide_is_refused():
    texts = documents(30, 1)
    model = make_pipeline(HashingVectorizer(), RandomForestRegressor(1)).fit(texts, np.arange(30))
    with pytest.raises(UnsupportedEstimator, match=r"1,048,576 columns .* n_features"):
        convert_and_prove(model, texts)


def pairs(count, seed):
    rng = np.random.default_rng(seed)
    sizes = [3, *rng.integers(0, 4, count - 1)]  # one row is as long as any
    return [[(str(rng.choice(WORDS)), float(rng.normal())) for _ in range(n)] for n in sizes]


def test_pairs_are_a_text_and_a_number_each():
    X, fresh = pairs(60, 1), pairs(30, 2)
    y = np.arange(60.0) % 7
    model = make_pipeline(FeatureHasher(32, input_type="pair"), Ridge()).fit(X, y)
    graph = Predictor(export_proven(model, X, y), "the graph")
    assert [i.name for i in graph.inputs] == ["name", "value"]
    np.testing.assert_allclose(graph.predict(fresh).ravel(), model.predict(fresh), atol=1e-5)
    with pytest.raises(InvalidInput, match="row 1 has 4 pairs, the model takes 3"):
        graph.predict([fresh[0], [("a", 1.0)] * 4])


def test_rows_of_unlike_many_texts_are_refused_in_one_line():
    model = FeatureHasher(8, input_type="string")
    with pytest.raises(InvalidInput, match="ragged: row 1"):
        convert_and_prove(model, [["a", "b"], ["a"], ["b", "c"]])
