"""Trusted types with hostile contents: refused before scikit-learn follows an index of theirs."""

from __future__ import annotations

import io
import json
import zipfile
from types import SimpleNamespace

import numpy as np
import pytest
import skops.io
from sklearn.ensemble import (
    ExtraTreesRegressor,
    GradientBoostingRegressor,
    IsolationForest,
    RandomForestClassifier,
)
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeRegressor

from toolkit.errors import InvalidInput
from toolkit.estimators.restored import trees
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
