"""The forms of an ensemble in the graph: every row where the canonical trees send it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import onnx
import onnxruntime
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import helper
from sklearn.ensemble import (
    RandomForestRegressor,
)

from toolkit.exporter.conversion import Conversion
from toolkit.exporter.dispatch import convert
from toolkit.exporter.opsets import ML_OPSETS
from toolkit.exporter.trees import forms
from toolkit.exporter.trees.ensemble import (
    LEQ,
    MEMBER,
    NO_CATEGORIES,
    Ensemble,
    concatenate,
    lowered,
    tree,
)
from toolkit.exporter.trees.forms import (
    comparisons,
    frequent_first,
    placements,
)
from toolkit.exporter.trees.pending import pending_trees
from toolkit.exporter.tuning import LATENCY, THROUGHPUT
from toolkit.exporter.values import ELEMENT, Matrix
from toolkit.onnx_graph.domains import ML

FEATURES = 3
# Few values, so that rows lie on thresholds; subnormals, zeros of both signs, both ends.
VALUES = np.array(
    [-np.inf, -3.4028235e38, -2.5, -1.0, -1e-45, -0.0, 0.0, 1e-45, 1.2e-38, 1.0, 2.5, np.inf],
    dtype=np.float32,
)


pytestmark = pytest.mark.usefixtures("forms_of_small_forests")


def random_tree(rng, target, categories, finite):
    """A random tree, depth first, with counts that do not tell where rows go."""
    rows = []

    def grow(depth):
        at = len(rows)
        rows.append(None)
        if depth == 0 or rng.random() < 0.25:
            rows[at] = (0, 0.0, 0, 0, True, float(rng.integers(-8, 9)), False, LEQ, ())
            return at
        left, right = grow(depth - 1), grow(depth - 1)
        member = categories and rng.random() < 0.3
        kinds = rng.choice(4, size=rng.integers(1, 4), replace=False).astype(float)
        threshold = rng.choice(VALUES[1:-1] if finite else VALUES)
        rows[at] = (
            rng.integers(FEATURES),
            0.0 if member else threshold,
            left,
            right,
            False,
            0.0,
            bool(rng.integers(2)) and not member,
            MEMBER if member else LEQ,
            np.sort(kinds) if member else (),
        )
        return at

    grow(4)
    columns = [np.array(c) for c in list(zip(*rows, strict=True))[:8]]
    members = [(k, c) for k, r in enumerate(rows) for c in r[8]]
    nodes, kinds = np.array([k for k, _ in members]), np.array([c for _, c in members])
    return tree(
        *columns[:6],
        missing_left=columns[6],
        target=target,
        mode=columns[7].astype(np.uint8),
        categories=(nodes, kinds) if members else NO_CATEGORIES,
        count=rng.integers(1, 50, size=len(rows)),
    )


def random_ensemble(rng, targets=1, categories=False, finite=False):
    trees = [
        random_tree(rng, int(k % targets), categories, finite) for k in range(rng.integers(1, 6))
    ]
    return concatenate(trees, rng.integers(-3, 4, size=targets))


def random_rows(rng, count):
    rows = np.where(
        rng.random((count, FEATURES)) < 0.7,
        rng.choice(VALUES, size=(count, FEATURES)),
        rng.normal(size=(count, FEATURES)).astype(np.float32),
    )
    rows[rng.random(rows.shape) < 0.15] = np.nan
    return rows


def expected(e: Ensemble, rows: np.ndarray) -> np.ndarray:
    """The sums by walking the canonical trees node by node."""
    total = np.repeat(e.base[None], len(rows), axis=0)
    for i, row in enumerate(rows):
        for root in e.roots:
            node = root
            while not e.leaf[node]:
                x = row[e.feature[node]]
                if e.mode[node] == MEMBER:
                    mine = e.categories[1][e.categories[0] == node]
                    left = bool((mine == x).any())
                else:
                    left = bool(x <= e.threshold[node])
                if np.isnan(x):
                    left = bool(e.missing_left[node])
                node = e.left[node] if left else e.right[node]
            total[i, e.target[node]] += e.values[node]
    return total


def answered(e: Ensemble, rows: np.ndarray, tune: str, opset: int, dtype: str = "float32"):
    """onnxruntime's sums, and the graph's operators."""
    g = Conversion(dispatch=convert, opset=opset, tune=tune)
    g.name("X"), g.name("Y")
    x = Matrix("X", dtype, FEATURES)
    placed = placements(g, e, x, "Y", ML_OPSETS[opset])
    nodes = [onnx.NodeProto.FromString(n.SerializeToString() + more) for n, more in placed]
    kind = ELEMENT[dtype]
    graph = helper.make_graph(
        nodes,
        "forms",
        [helper.make_tensor_value_info("X", kind, [None, FEATURES])],
        [helper.make_tensor_value_info("Y", kind, [None, e.targets])],
    )
    opsets = [helper.make_opsetid("", opset), helper.make_opsetid(ML, ML_OPSETS[opset])]
    model = helper.make_model(graph, opset_imports=opsets, ir_version=8)
    onnx.checker.check_model(model, full_check=True)
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), providers=["CPUExecutionProvider"]
    )
    return session.run(None, {"X": rows.astype(dtype)})[0], [n.op_type for n in nodes]


@settings(max_examples=60)
@given(
    st.integers(0, 2**32 - 1),
    st.sampled_from([LATENCY, THROUGHPUT]),
    st.sampled_from([15, 21]),
    st.sampled_from(["float32", "float64"]),
    st.sampled_from([1, 3]),
    st.booleans(),
    st.sampled_from([0, 1, 40]),
)
def test_every_row_goes_where_the_canonical_trees_send_it(
    seed, tune, opset, dtype, targets, categories, count
):
    """Whole-number leaves, whose sums are exact: the answers are equal to the bit."""
    rng = np.random.default_rng(seed)
    ensemble = lowered(random_ensemble(rng, targets, categories))
    rows = random_rows(rng, count)
    got, _ = answered(ensemble, rows, tune, opset, dtype)
    assert np.array_equal(got, expected(ensemble, rows))


def test_the_forms_are_really_taken():
    rng = np.random.default_rng(3)
    ensemble = concatenate([random_tree(rng, 0, False, True) for _ in range(6)], np.zeros(1))
    rows = random_rows(rng, 30)
    first = ["Neg", "Concat", "TreeEnsemble"]
    assert answered(ensemble, rows, LATENCY, 21)[1] == first
    ordered = ["TreeEnsemble", "Shape", "TopK", "GatherND", *first, "ScatterND"]
    assert answered(ensemble, rows, THROUGHPUT, 21)[1] == ordered


@pytest.mark.parametrize("opset", [15, 21])
@pytest.mark.parametrize("nodes", [1, 20, 60])
def test_parts(monkeypatch, nodes, opset):
    """Also where a part would hold less than a tree; the base is added once."""
    monkeypatch.setattr(forms, "PART", nodes)
    rng = np.random.default_rng(nodes)
    trees = [random_tree(rng, 0, True, True) for _ in range(7)]
    ensemble = concatenate(trees, np.array([5.0]))
    rows = random_rows(rng, 50)
    got, operators = answered(ensemble, rows, THROUGHPUT, opset)
    assert np.array_equal(got, expected(ensemble, rows))
    several = operators.count("TreeEnsemble") + operators.count("TreeEnsembleRegressor") - 1
    assert "Sum" in operators
    assert 1 < several <= len(ensemble.roots)


def test_what_is_summed_in_order_is_not_cut(monkeypatch):
    monkeypatch.setattr(forms, "PART", 1)
    rng = np.random.default_rng(1)
    ensemble = random_ensemble(rng)
    assert "Sum" not in answered(ensemble, random_rows(rng, 5), LATENCY, 21, "float64")[1]
    assert "Sum" not in answered(random_ensemble(rng, 3), random_rows(rng, 5), LATENCY, 21)[1]


def test_nothing_is_changed_where_the_counts_are_not_known(monkeypatch):
    monkeypatch.setattr(forms, "SORTED", 1)
    rng = np.random.default_rng(3)
    ensemble = concatenate([random_tree(rng, 0, False, True) for _ in range(6)], np.zeros(1))
    without = replace(ensemble, count=np.zeros(len(ensemble.leaf), dtype=np.float32))
    assert answered(without, random_rows(rng, 30), THROUGHPUT, 21)[1] == ["TreeEnsemble"]


def test_a_forgotten_missing_value_direction_is_found():
    """The test of the test: swapped children with NaN's old direction give other sums."""
    rng = np.random.default_rng(5)
    ensemble = concatenate([random_tree(rng, 0, False, True) for _ in range(6)], np.zeros(1))
    rows = random_rows(rng, 60)
    swapped = frequent_first(ensemble, "float32", FEATURES)
    wrong = replace(swapped, missing_left=ensemble.missing_left)
    doubled = np.concatenate([rows, -rows], axis=1)
    assert np.array_equal(expected(swapped, doubled), expected(ensemble, rows))
    assert not np.array_equal(expected(wrong, doubled), expected(ensemble, rows))


def test_the_frequent_child_is_on_the_false_side():
    rng = np.random.default_rng(7)
    ensemble = concatenate([random_tree(rng, 0, True, True) for _ in range(6)], np.zeros(1))
    first = frequent_first(ensemble, "float32", FEATURES)
    split = ~first.leaf & (first.mode == LEQ)
    tiny = np.abs(np.nextafter(ensemble.threshold.astype(np.float32), np.float32(np.inf))) < 1.2e-38
    left, right = first.count[first.left], first.count[first.right]
    assert (left <= right)[split & ~tiny].all()
    for name in ("feature", "threshold", "left", "right", "missing_left"):
        member = first.mode == MEMBER
        assert np.array_equal(getattr(first, name)[member], getattr(ensemble, name)[member])
    assert np.array_equal(first.feature[tiny], ensemble.feature[tiny])


def test_the_canonical_split_can_be_found_again():
    """As the module says to a reader of the graph."""
    rng = np.random.default_rng(11)
    ensemble = concatenate([random_tree(rng, 0, False, True) for _ in range(9)], np.zeros(1))
    first = frequent_first(ensemble, "float32", FEATURES)
    negated = first.feature >= FEATURES
    assert negated.any()
    limit = np.nextafter(-first.threshold.astype(np.float32), np.float32(-np.inf))
    again = replace(
        first,
        feature=first.feature % FEATURES,
        threshold=np.where(negated, limit, first.threshold),
        left=np.where(negated, first.right, first.left),
        right=np.where(negated, first.left, first.right),
        missing_left=first.missing_left ^ negated,
    )
    for name in ("feature", "threshold", "left", "right", "missing_left"):
        assert np.array_equal(getattr(again, name), getattr(ensemble, name))


def test_comparisons_are_the_mean_depth():
    X = np.random.default_rng(0).normal(size=(400, FEATURES))
    forest = RandomForestRegressor(5, bootstrap=False, max_features=1, random_state=0)
    forest.fit(X, X[:, 0])
    g = Conversion(dispatch=convert)
    convert(forest, Matrix(g.name("X"), "float32", FEATURES), g)
    rows = X.astype(np.float32)
    depth = sum((t.decision_path(rows).sum() / len(X)) - 1 for t in forest.estimators_)
    assert comparisons(pending_trees(g)[0].ensemble) == pytest.approx(depth, rel=1e-6)


def test_no_split_sends_nan_to_the_true_child_where_fitting_saw_none():
    """Then the operator need not look for NaN; scikit-learn sends it with the majority."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(500, FEATURES)) + 10
    model = RandomForestRegressor(5, random_state=0).fit(X, X[:, 0])
    g = Conversion(dispatch=convert)
    convert(model, Matrix(g.name("X"), "float32", FEATURES), g)
    ensemble = pending_trees(g)[0].ensemble
    assert ensemble.missing_left.any()
    assert not frequent_first(ensemble, "float32", FEATURES).missing_left.any()
