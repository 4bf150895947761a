"""Restored histograms, trees of points, sparse matrices and support vectors are checked."""

from __future__ import annotations

import io
import json
import zipfile

import numpy as np
import pytest
import scipy.sparse as sp
from sklearn.cluster import KMeans
from sklearn.ensemble import (
    HistGradientBoostingClassifier,
)
from sklearn.neighbors import KNeighborsClassifier, NearestNeighbors
from sklearn.preprocessing import SplineTransformer
from sklearn.svm import SVC, OneClassSVM

from tests.kept.test_restored import CLASSES, FORESTS, X, load, refused, with_nodes
from toolkit.errors import InvalidInput
from toolkit.estimators.restored import check_restored, trees
from toolkit.estimators.restored.refusal import Damaged
from toolkit.estimators.skops_file import load_estimator

HIST_HARM = {
    "child": ("left", 10**7, "has a child number"),
    "ancestor": ("right", 0, "has a child number 0"),
    "column": ("feature_idx", 10**6, "splits on the column"),
}


@pytest.mark.parametrize("harm", HIST_HARM)
def test_histogram_boosting(harm):
    field, value, words = HIST_HARM[harm]
    model = HistGradientBoostingClassifier(max_iter=2, categorical_features=[0]).fit(X, CLASSES)
    np.testing.assert_array_equal(load(model).predict(X), model.predict(X))
    model._predictors[1][0].nodes[field][0] = value
    refused(model, words)


def test_categories_that_there_are_not():
    model = HistGradientBoostingClassifier(max_iter=2, categorical_features=[0]).fit(
        X, X[:, 0] % 2 == 0
    )
    nodes = model._predictors[0][0].nodes
    at = np.flatnonzero((nodes["is_leaf"] == 0) & (nodes["is_categorical"] == 1))[0]
    nodes["bitset_idx"][at] = 10**6
    refused(model, "tests the set of categories 1000000")
    nodes["bitset_idx"][at], nodes["feature_idx"][at] = 0, 2
    refused(model, "tests categories of a column of numbers")


@pytest.mark.parametrize("kind", ["kd_tree", "ball_tree"])
@pytest.mark.parametrize("part", ["order", "start", "end", "leaf", "bounds", "count"])
def test_trees_of_points(kind, part):
    model = NearestNeighbors(algorithm=kind, leaf_size=5).fit(X)
    load(model)
    state = [v.copy() if isinstance(v, np.ndarray) else v for v in model._tree.__getstate__()]
    if part == "order":
        state[1][3] = 10**7
    elif part in ("start", "end"):
        state[2][f"idx_{part}"][1] = 90 if part == "end" else -5
    elif part == "leaf":
        state[2]["is_leaf"][-1] = 0
    elif part == "bounds":
        state[3] = state[3][:, :2].copy()
    else:
        state[6] = 10**7
    model._tree.__setstate__(tuple(state))
    refused(model, "KDTree" if kind == "kd_tree" else "BallTree")


@pytest.mark.parametrize(
    ("make", "harm"),
    [
        (sp.csr_matrix, lambda m: m.indices.__setitem__(0, 10**6)),
        (sp.csr_matrix, lambda m: m.indices.__setitem__(0, -7)),
        (sp.csr_matrix, lambda m: m.indptr.__setitem__(2, 10**6)),
        (sp.csc_matrix, lambda m: m.indptr.__setitem__(-1, 10**6)),
        (sp.coo_matrix, lambda m: m.row.__setitem__(0, 10**6)),
        (sp.bsr_matrix, lambda m: m.indices.__setitem__(0, 10**6)),
    ],
    ids=["far", "negative", "row", "csc", "coo", "bsr"],
)
def test_sparse_matrices(make, harm):
    matrix = make(np.round(X))
    check_restored({"rows": matrix})
    harm(matrix)
    with pytest.raises(Damaged):
        check_restored({"rows": [matrix]})


def test_sparse_rows_of_neighbours():
    model = KNeighborsClassifier().fit(sp.csr_matrix(np.round(X)), CLASSES)
    load(model)
    model._fit_X.indices[0] = 10**6
    refused(model, "has the column 1000000")


def test_lengths_that_do_not_fit():
    model = KNeighborsClassifier().fit(X, CLASSES)
    model._y = model._y.copy()
    model._y[0] = 10**7
    refused(model, "answers with the class number 10000000")
    model = KMeans(3, n_init=1).fit(X)
    model.cluster_centers_ = model.cluster_centers_[:, :2].copy()
    refused(model, "has centres of the shape (3, 2)")
    model = SplineTransformer(n_knots=4).fit(X[:, 1:])
    model.bsplines_[0].t = model.bsplines_[0].t[:5]
    refused(model, "has 5 knots for the degree 3")


@pytest.mark.parametrize("change", ["_n_support", "support_", "_dual_coef_", "_intercept_"])
@pytest.mark.parametrize("kind", ["classes", "one"])
def test_support_vectors(kind, change):
    model = SVC().fit(X, CLASSES) if kind == "classes" else OneClassSVM().fit(X)
    load(model)
    value = np.array(getattr(model, change))
    setattr(
        model, change, value + 10**6 if change in ("_n_support", "support_") else value[..., :0]
    )
    refused(model, type(model).__name__)


@pytest.mark.parametrize("kernel", ["rbf", "precomputed", np.dot])
def test_support_vectors_that_are_not_there(kernel):
    """Only a kernel that was computed elsewhere has none."""
    rows = X @ X.T if kernel == "precomputed" else X
    model = SVC(kernel="linear" if kernel is np.dot else kernel).fit(rows, CLASSES)
    if kernel is np.dot:
        model.kernel = kernel
    model.support_vectors_ = model.support_vectors_[:0]
    if kernel == "rbf":
        refused(model, "has 0 vectors, ")
    else:
        check_restored(model)


def test_a_check_that_looked_at_nothing_would_show(monkeypatch):
    """The tests above rest on the checks: without those of trees the file is loaded."""
    model = FORESTS["forest"]()
    with_nodes(model.estimators_[0].tree_, "feature", 0, 10**6)
    monkeypatch.setattr(trees, "within", lambda *_: None)
    load(model)


def archive(members):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as written:
        for name, held in members.items():
            written.writestr(name, held)
    return out.getvalue()


def test_sizes_that_are_declared():
    big = archive({"schema.json": "{}", "1.npy": bytes(300 << 20)})
    assert len(big) < 1 << 20
    with pytest.raises(InvalidInput, match=r"would unpack to 3\.15e"):
        load_estimator(big, "e.skops")


def test_a_member_that_is_read_again_and_again():
    buffer = io.BytesIO()
    np.save(buffer, np.zeros(4 << 20))
    node = {
        "__class__": "ndarray",
        "__module__": "numpy",
        "__loader__": "NdArrayNode",
        "type": "numpy",
        "file": "1.npy",
    }
    schema = {"__loader__": "ListNode", "content": [node | {"__id__": k} for k in range(50)]}
    content = archive({"schema.json": json.dumps(schema), "1.npy": buffer.getvalue()})
    with pytest.raises(InvalidInput, match="would unpack to"):
        load_estimator(content, "e.skops")


def test_a_schema_of_small_parts():
    content = archive({"schema.json": "[" + "[]," * 3_000_000 + "1]"})
    with pytest.raises(InvalidInput, match=r"its schema\.json has \d+ parts"):
        load_estimator(content, "e.skops")
