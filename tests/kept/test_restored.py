"""Trusted types with hostile contents: refused before scikit-learn follows an index of theirs."""

from __future__ import annotations

import io
import json
import zipfile
from types import SimpleNamespace

import numpy as np
import pytest
import scipy.sparse as sp
import skops.io
from sklearn.cluster import KMeans
from sklearn.ensemble import (
    ExtraTreesRegressor,
    GradientBoostingRegressor,
    HistGradientBoostingClassifier,
    IsolationForest,
    RandomForestClassifier,
)
from sklearn.neighbors import KNeighborsClassifier, NearestNeighbors
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import SplineTransformer, StandardScaler
from sklearn.svm import SVC, OneClassSVM
from sklearn.tree import DecisionTreeRegressor

from toolkit.errors import InvalidInput
from toolkit.estimators.restored import check_restored, trees
from toolkit.estimators.restored.refusal import Damaged
from toolkit.estimators.skops_file import load_estimator

RANDOM = np.random.default_rng(5)
X = np.column_stack([RANDOM.integers(0, 4, 90), RANDOM.normal(size=(90, 3))])
CLASSES = (X[:, 1] > X[:, 2]).astype(int) + (X[:, 3] > 1)


def load(estimator):
    return load_estimator(skops.io.dumps(estimator), "e.skops")


def refused(estimator, words):
    with pytest.raises(InvalidInput, match=r"e\.skops: is damaged or hostile: ") as caught:
        load(estimator)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def with_nodes(tree, field, at, value):
    """Change one field of one node of a Tree."""
    state = tree.__getstate__()
    state["nodes"] = state["nodes"].copy()
    state["nodes"][field][at] = value
    tree.__setstate__(state)


FORESTS = {
    "forest": lambda: RandomForestClassifier(2, random_state=0).fit(X, CLASSES),
    "extra": lambda: ExtraTreesRegressor(2, random_state=0).fit(X, X[:, 1]),
    "boosted": lambda: GradientBoostingRegressor(n_estimators=2).fit(X, X[:, 1]),
    "isolation": lambda: IsolationForest(n_estimators=2, random_state=0).fit(X),
}
HARM = {
    "far-child": ("left_child", 0, 10**7, "has a child number 10000000"),
    "negative-child": ("left_child", 0, -50, "has a child number -50"),
    "far-right": ("right_child", 0, 2**40, "has a child number"),
    "circle": ("right_child", -2, 1, "has a child"),
    "self": ("left_child", 0, 0, "has a child number 0"),
    "twice": ("left_child", 0, 2, "in no place, or in two"),
    "half-a-leaf": ("left_child", 0, -1, "has a node with one child"),
    "far-column": ("feature", 0, 10**6, "splits on the column 1000000"),
    "negative-column": ("feature", 0, -3, "splits on the column -3"),
}


@pytest.mark.parametrize("kind", FORESTS)
@pytest.mark.parametrize("harm", HARM)
def test_trees(kind, harm):
    field, at, value, words = HARM[harm]
    model = FORESTS[kind]()
    tree = np.ravel(model.estimators_)[-1].tree_
    if at == -2:  # a node with children that is not the root
        at = np.flatnonzero(tree.children_left > 0)[-1]
    with_nodes(tree, field, at, value)
    refused(make_pipeline(StandardScaler(), model), words)


@pytest.mark.parametrize("kind", FORESTS)
def test_sound_trees_are_loaded(kind):
    model = FORESTS[kind]()
    np.testing.assert_array_equal(load(model).predict(X), model.predict(X))


def test_a_tree_of_one_node():
    assert load(DecisionTreeRegressor().fit(X, np.ones(90))).tree_.node_count == 1


@pytest.mark.parametrize("kind", ["forest", "boosted"])
def test_a_tree_of_other_columns_than_its_estimator(kind):
    wide = np.column_stack([X, X])
    model, other = FORESTS[kind](), DecisionTreeRegressor().fit(wide[:, ::-1], X[:, 1])
    member = np.ravel(model.estimators_)[0]
    member.tree_ = other.tree_
    if kind == "boosted":  # it asks its trees without their estimators
        member.n_features_in_ = 8
        refused(model, "has a tree of 8 columns, takes 4")
    else:
        refused(model, "takes 8 columns, its estimator 4")


def test_a_tree_of_an_estimator_without_columns():
    model = FORESTS["forest"]().estimators_[0]
    del model.n_features_in_
    refused(model, "nothing that knows its columns")


def test_stages_of_more_columns():
    model = FORESTS["boosted"]()
    model.estimators_ = np.repeat(model.estimators_, 3, axis=1)
    refused(model, "has 3 trees a stage, gives 1")


def edited(content, edit):
    """Return a skops file with its schema changed, as a mapping, in place."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    schema = json.loads(members["schema.json"])
    edit(schema)
    members["schema.json"] = json.dumps(schema).encode()
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, held in members.items():
            archive.writestr(name, held)
    return out.getvalue()


def tree_node(schema):
    waiting = [schema]
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            if value.get("__loader__") == "TreeNode":
                return value
            waiting.extend(value.values())
        elif isinstance(value, list):
            waiting.extend(value)
    raise AssertionError("no tree")


def test_more_nodes_than_there_are():
    """Some versions of scikit-learn take the number from the file, and read beyond the array."""
    with pytest.raises(Damaged, match="says that it has 10000000 nodes, it has 5"):
        trees.check_tree(SimpleNamespace(node_count=10**7, capacity=5), 4)


def test_more_outputs_than_classes():
    """The constructor would read ten million numbers of an array of one."""

    def edit(schema):
        node = tree_node(schema)["__reduce__"]["args"]["content"][2]
        node["content"], node["__id__"] = "10000000", 1

    content = edited(skops.io.dumps(DecisionTreeRegressor().fit(X, X[:, 1])), edit)
    with pytest.raises(InvalidInput, match="a number of outputs that its classes do not have"):
        load_estimator(content, "e.skops")


def test_a_tree_that_is_called_by_another_way():
    def edit(schema):
        node = tree_node(schema)
        node["__loader__"], node["content"] = (
            "ConstructorFromReduceNode",
            node["__reduce__"]["args"],
        )

    content = edited(skops.io.dumps(DecisionTreeRegressor().fit(X, X[:, 1])), edit)
    with pytest.raises(InvalidInput, match=r"calls sklearn\.tree\._tree\.Tree"):
        load_estimator(content, "e.skops")


@pytest.mark.parametrize("part", ["nodes", "values"])
def test_a_tree_whose_arrays_have_no_length(part):
    """The length of an array without dimensions is whatever lies there."""

    def edit(schema):
        node = tree_node(schema)["content"]["content"][part]
        node["file"], node["__id__"] = "number.npy", 1

    content = edited(skops.io.dumps(DecisionTreeRegressor().fit(X, X[:, 1])), edit)
    number = io.BytesIO()
    np.save(number, np.array(3))
    out = io.BytesIO(content)
    with zipfile.ZipFile(out, "a") as archive:
        archive.writestr("number.npy", number.getvalue())
    with pytest.raises(InvalidInput, match="a tree of nodes and values that are not rows"):
        load_estimator(out.getvalue(), "e.skops")


@pytest.mark.parametrize("what", ["type", "__class__"])
def test_a_tree_whose_classes_are_made_another_way(what):
    """skops reads an array's file only where its type says so: what was looked at is made."""

    def edit(schema):
        node = tree_node(schema)["__reduce__"]["args"]["content"][1]
        one = {"__class__": "int", "__module__": "builtins", "__loader__": "JsonNode"}
        items = {"__loader__": "TupleNode", "__module__": "builtins", "__class__": "tuple"}
        shape = items | {"content": [one | {"content": "9"}]}
        node |= {"type": "json", "content": [one | {"content": "1"}] * 9, "shape": shape}
        if what != "type":
            node |= {"type": "numpy", what: "float64"}

    content = edited(skops.io.dumps(DecisionTreeRegressor().fit(X, X[:, 1])), edit)
    with pytest.raises(InvalidInput, match="makes a tree of what is none"):
        load_estimator(content, "e.skops")


def test_two_parts_of_one_number():
    """skops takes the first for both: what was looked at must be what is made."""

    def edit(schema):
        node = tree_node(schema)
        count = node["__reduce__"]["args"]["content"][2]
        schema["content"] = {"first": count | {"content": "9"}, **schema["content"]}

    content = edited(skops.io.dumps(DecisionTreeRegressor().fit(X, X[:, 1])), edit)
    with pytest.raises(InvalidInput, match="two parts of one number"):
        load_estimator(content, "e.skops")


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
