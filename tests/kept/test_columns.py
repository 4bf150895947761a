"""Hostile numbers of words, categories, rows, threads: compiled code would take them on trust."""

from __future__ import annotations

import numpy as np
import pytest
import skops.io
from sklearn.cluster import BisectingKMeans, FeatureAgglomeration, KMeans, MiniBatchKMeans
from sklearn.compose import make_column_transformer
from sklearn.ensemble import RandomTreesEmbedding
from sklearn.feature_extraction import DictVectorizer
from sklearn.feature_extraction.text import CountVectorizer, TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import (
    KNeighborsClassifier,
    KNeighborsRegressor,
    KNeighborsTransformer,
    LocalOutlierFactor,
    RadiusNeighborsTransformer,
)
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import KBinsDiscretizer, OneHotEncoder

from toolkit.errors import InvalidInput
from toolkit.estimators.restored import check_restored
from toolkit.estimators.restored.refusal import Damaged
from toolkit.estimators.skops_file import load_estimator

RANDOM = np.random.default_rng(6)
X = np.column_stack([RANDOM.integers(0, 6, 90), RANDOM.integers(0, 2, 90)])
CLASSES = X[:, 0] % 2
TEXTS = ["red blue", "green red", "blue blue x9"] * 30
DICTS = [{"a": 1.0, "b": "u"}, {"b": "v"}]


def load(estimator):
    return load_estimator(skops.io.dumps(estimator), "e.skops")


def refused(estimator, words):
    with pytest.raises(InvalidInput, match=r"e\.skops: is damaged or hostile: ") as caught:
        load(estimator)
    assert words in str(caught.value)


@pytest.mark.parametrize(
    ("model", "rows"),
    [(CountVectorizer(), TEXTS), (TfidfVectorizer(), TEXTS), (DictVectorizer(), DICTS)],
    ids=lambda value: type(value).__name__,
)
@pytest.mark.parametrize("number", [10**9, -1, 3, 1.5, None])
def test_words(model, rows, number):
    model.fit(rows)
    assert load(model).vocabulary_ == model.vocabulary_
    first = next(iter(model.vocabulary_))
    model.vocabulary_[first] = len(model.vocabulary_) if number == 3 else number
    refused(make_pipeline(model, LogisticRegression()), f"its {type(model).__name__} ")


def test_words_of_a_given_vocabulary():
    model = CountVectorizer(vocabulary={"red": 1, "blue": 0}).fit(TEXTS)
    np.testing.assert_array_equal(load(model).transform(TEXTS).toarray()[0], [1, 1])


ENCODERS = {
    "plain": {"handle_unknown": "ignore"},
    "first": {"drop": "first"},
    "binary": {"drop": "if_binary"},
    "rare": {"max_categories": 3, "handle_unknown": "infrequent_if_exist"},
    "rare-first": {"min_frequency": 16, "drop": "first", "handle_unknown": "infrequent_if_exist"},
}


@pytest.mark.parametrize("kind", ENCODERS)
def test_sound_encoders_are_loaded(kind):
    model = OneHotEncoder(**ENCODERS[kind]).fit(X)
    np.testing.assert_array_equal(load(model).transform(X).toarray(), model.transform(X).toarray())


@pytest.mark.parametrize("kind", ENCODERS)
@pytest.mark.parametrize("count", [-1, 0, 10**6])
def test_columns_of_categories(kind, count):
    model = OneHotEncoder(**ENCODERS[kind]).fit(X)
    model._n_features_outs[1] = count
    steps = make_column_transformer((model, [0, 1]))
    steps.fit(X)
    steps.transformers_ = [("once", model, [0, 1])]
    refused(steps, f"makes {count} columns of")


def test_dropped_and_grouped_categories():
    for number in (-3, 6, 10**9):
        model = OneHotEncoder(drop="first").fit(X)
        model._drop_idx_after_grouping[0] = number
        refused(model, f"drops the category number {number}")
        model = OneHotEncoder(**ENCODERS["rare"]).fit(X)
        model._default_to_infrequent_mappings[0][2] = number
        refused(model, f"puts a category into the group {number}")
        model = OneHotEncoder(**ENCODERS["rare"]).fit(X)
        model._infrequent_indices[0][0] = number
        refused(model, f"has the rare category number {number}")
    model._default_to_infrequent_mappings[0] = None
    refused(model, "has rare categories in no group")


@pytest.mark.parametrize(
    ("model", "name"),
    [
        (KBinsDiscretizer(2, strategy="uniform"), "_encoder"),
        (RandomTreesEmbedding(2), "one_hot_encoder_"),
    ],
    ids=["bins", "embedding"],
)
def test_encoders_inside_others(model, name):
    model.fit(X)
    load(model)
    getattr(model, name)._n_features_outs[0] = 1000
    refused(model, "its OneHotEncoder makes 1000 columns")


NEIGHBOURS = {
    "classes": KNeighborsClassifier(3, algorithm="brute"),
    "numbers": KNeighborsRegressor(3),
    "graph": KNeighborsTransformer(n_neighbors=3),
    "radius": RadiusNeighborsTransformer(),
    "outliers": LocalOutlierFactor(3, novelty=True),
}


@pytest.mark.parametrize("kind", NEIGHBOURS)
@pytest.mark.filterwarnings("ignore:Duplicate values are leading")
def test_neighbours(kind):
    def fitted():
        return NEIGHBOURS[kind].fit(X * 1.0, CLASSES)

    load(fitted())
    model = fitted()
    model.n_samples_fit_ = 4
    refused(model, "counts 4 rows, it has 90")
    for width in (1, 4000):
        model = fitted()
        model._fit_X = np.ones((90, width))
        refused(model, f"has rows of {width} columns, takes 2")


@pytest.mark.parametrize("model", [KMeans(2), MiniBatchKMeans(2), BisectingKMeans(2)])
def test_threads(model):
    load(model.fit(X))
    for count in (-5, 0, 10**6):
        model._n_threads = count
        refused(model, f"starts as many threads as {count}")


SOURCES = {
    "legacy": lambda: np.random.RandomState(3),
    "mersenne": lambda: np.random.Generator(np.random.MT19937(3)),
    "philox": lambda: np.random.Generator(np.random.Philox(3)),
    "default": lambda: np.random.default_rng(3),
}


@pytest.mark.parametrize("kind", SOURCES)
@pytest.mark.parametrize("place", [10**7, -1])
def test_sources_of_random_numbers(kind, place):
    """numpy continues wherever the file says that it was, within its buffer or not."""
    source = SOURCES[kind]()
    source.normal(size=3)
    model = KMeans(2, random_state=source).fit(X) if kind == "legacy" else KMeans(2).fit(X)
    model.random_state = source
    check_restored(load(model) if kind == "legacy" else model)
    made = source if kind == "legacy" else source.bit_generator
    state = made.get_state(legacy=False) if kind == "legacy" else made.state
    held = state if "buffer_pos" in state else state["state"]
    name = "buffer_pos" if "buffer_pos" in state else "pos"
    if name not in held:
        return  # it has no buffer
    held[name] = place
    if kind == "legacy":
        made.set_state(state)
    else:
        made.state = state
    with pytest.raises(Damaged, match=f"continues with the number {place}"):
        check_restored(model)


@pytest.mark.parametrize("lengths", [(1, 10**6), (0, 1), (1, 2, 3), (1, 2.5)])
def test_lengths_of_grams_that_there_are_not(lengths):
    model = TfidfVectorizer(analyzer="char").fit(TEXTS)
    model.ngram_range = lengths
    refused(make_pipeline(model, LogisticRegression()), "n-grams of")


@pytest.mark.parametrize("bins", [[10**8, 2], [5], [6.5, 2]])
def test_bins_that_there_are_not(bins):
    model = KBinsDiscretizer(6, strategy="uniform").fit(X)
    model.n_bins_ = np.array(bins)
    refused(model, "bins")


def test_bins_of_all_kinds_are_loaded():
    table = np.column_stack([X, np.ones(len(X))])
    for strategy in ("uniform", "quantile", "kmeans"):
        load(KBinsDiscretizer(2, strategy=strategy).fit(table))


@pytest.mark.parametrize(("labels", "count"), [([0, 10**8], 2), ([0, -1], 2), ([0, 1], 10**8)])
def test_clusters_that_there_are_not(labels, count):
    model = FeatureAgglomeration(2).fit(X)
    model.labels_, model.n_clusters_ = np.array(labels), count
    refused(model, "cluster")
    load(FeatureAgglomeration(2).fit(X))
    load(FeatureAgglomeration(None, distance_threshold=1e9).fit(X))
