"""The proof tested: it passes what is right and fails a graph with one number wrong."""

from __future__ import annotations

import numpy as np
import onnx
import pandas as pd
import pytest
from onnx import numpy_helper
from sklearn.compose import ColumnTransformer
from sklearn.discriminant_analysis import QuadraticDiscriminantAnalysis
from sklearn.ensemble import (
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, PolynomialFeatures, StandardScaler
from sklearn.svm import SVR

from toolkit.errors import CorruptArtifact, InvalidInput
from toolkit.exporter.flow import convert_and_prove
from toolkit.exporter.proof.evidence import answers_to, proof_rows
from toolkit.exporter.proof.prove import prove, prove_run
from toolkit.exporter.proof.ties import ties_of
from toolkit.exporter.schema import as_fitted, infer
from toolkit.exporter.split import split_rows
from toolkit.exporter.tasks import task_of

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
RNG = np.random.default_rng(0)
X = RNG.normal(size=(90, 3))
Y = X[:, 0] + np.sin(2 * X[:, 1]) + RNG.normal(size=90) / 10
LABELS = np.array(["low", "mid", "high"])[np.digitize(Y, [-0.5, 0.8])]
HOLES = np.where(RNG.random(X.shape) < 0.2, np.nan, X)
MIXED = pd.DataFrame({"n": X[:, 0], "t": pd.Series(RNG.choice(["a", "b", "c"], 90), dtype=object)})


def initializer(model, name):
    return next(t for t in model.graph.initializer if t.name == name)


def nudged(name, at=0, by=1.01):
    """Multiply one number of an initializer."""

    def corrupt(model):
        tensor = initializer(model, name)
        values = numpy_helper.to_array(tensor).copy()
        flat = values.reshape(-1)
        flat[at] = flat[at] * by + (0.01 if flat[at] == 0 else 0)
        tensor.CopyFrom(numpy_helper.from_array(values, name))

    return corrupt


def swapped_labels(model):
    tensor = initializer(model, "classes")
    tensor.string_data[:] = list(tensor.string_data)[::-1]


def attribute(model, operator, name):
    node = next(n for n in model.graph.node if n.op_type == operator)
    return next(a for a in node.attribute if a.name == name)


def tensor_attribute(name, at, change):
    """Change one number of a TreeEnsemble's tensor attribute."""

    def corrupt(model):
        found = attribute(model, "TreeEnsemble", name)
        values = numpy_helper.to_array(found.t).copy()
        values[at] = change(values[at])
        found.t.CopyFrom(numpy_helper.from_array(values))

    return corrupt


def list_attribute(operator, name, at, change):
    def corrupt(model):
        found = attribute(model, operator, name)
        field = found.floats if found.floats else found.ints
        field[at] = change(field[at])

    return corrupt


def renamed_category(model):
    attribute(model, "OneHotEncoder", "cats_strings").strings[0] = b"z"


def swapped_classes(model):
    names = attribute(model, "LinearClassifier", "classlabels_strings").strings
    names[0], names[1] = names[1], names[0]


def a_few_ulps_up(value):
    """Two float32 steps: the smallest wrong threshold that rows at ±1 ulp can show."""
    up = np.float32(np.inf)
    return np.nextafter(np.nextafter(np.float32(value), up), up)


FOREST = RandomForestRegressor(3, random_state=0, max_depth=4)
BOOSTING = HistGradientBoostingRegressor(max_iter=4, min_samples_leaf=5)
MLP = MLPRegressor(hidden_layer_sizes=(6,), max_iter=400, random_state=0)
TEXT = ColumnTransformer(
    [("c", OneHotEncoder(handle_unknown="ignore"), ["t"])], remainder="passthrough"
)
CASES = {
    "linear-weight": (LinearRegression(), X, Y, nudged("coefficient")),
    "linear-intercept": (LinearRegression(), X, Y + 5, nudged("intercept", by=1.001)),
    "logistic-weight": (
        LogisticRegression(),
        X,
        LABELS,
        list_attribute("LinearClassifier", "coefficients", 4, lambda v: v * 1.01),
    ),
    "logistic-labels": (LogisticRegression(), X, LABELS, swapped_classes),
    "scaler-centre": (StandardScaler(), X, None, nudged("shift", 1, 1.1)),
    "scaler-scale": (StandardScaler(), X, None, nudged("factor", 2, 1.001)),
    "polynomial-selection": (PolynomialFeatures(2), X, None, nudged("coefficient1", 1, 1.01)),
    "mlp-first-layer": (MLP, X, Y, nudged("coefficient", 3, 1.05)),
    "mlp-bias": (MLP, X, Y, nudged("intercept", 2, 1.05)),
    "imputer-statistic": (
        SimpleImputer(),
        HOLES,
        None,
        list_attribute("Imputer", "imputed_value_floats", 0, lambda v: 1.01 * v),
    ),
    "svr-vector": (SVR(), X, Y, nudged("points", 0, 1.3)),
    "svr-dual": (SVR(), X, Y, nudged("dual", 0, 1.05)),
    "category": (make_pipeline(TEXT, LinearRegression()), MIXED, Y, renamed_category),
    "forest-threshold": (FOREST, X, Y, tensor_attribute("nodes_splits", 3, a_few_ulps_up)),
    "forest-leaf": (FOREST, X, Y, tensor_attribute("leaf_weights", 2, lambda v: v * 1.01)),
    "forest-child": (
        FOREST,
        X,
        Y,
        list_attribute("TreeEnsemble", "nodes_trueleafs", 0, lambda v: 1 - v),
    ),
    "forest-missing": (
        RandomForestRegressor(3, random_state=0, max_depth=4),
        HOLES,
        Y,
        list_attribute("TreeEnsemble", "nodes_missing_value_tracks_true", 0, lambda v: 1 - v),
    ),
    "forest-labels": (RandomForestClassifier(5, random_state=0), X, LABELS, swapped_labels),
    "forest-shares": (
        RandomForestClassifier(5, random_state=0),
        X,
        LABELS,
        list_attribute("TreeEnsemble", "leaf_targetids", 0, lambda v: 1 - v),
    ),
    "forest-table": (
        RandomForestClassifier(5, max_depth=2, random_state=0),
        X,
        LABELS,
        nudged("leaves", 1, 1.1),
    ),
    "boosting-threshold": (BOOSTING, X, Y, tensor_attribute("nodes_splits", 0, a_few_ulps_up)),
    "boosting-leaf": (BOOSTING, X, Y, tensor_attribute("leaf_weights", 0, lambda v: v + 0.01)),
    "boosting-labels": (
        HistGradientBoostingClassifier(max_iter=4, min_samples_leaf=5),
        X,
        LABELS,
        swapped_labels,
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_one_wrong_number_fails_the_proof(case):
    estimator, data, y, corrupt = CASES[case]
    estimator = estimator.fit(data) if y is None else estimator.fit(data, y)
    proven = convert_and_prove(estimator, data, y)
    chosen = proven.chosen
    assert chosen.proof.passed
    model = onnx.load_model_from_string(chosen.content)
    corrupt(model)
    content = model.SerializeToString(deterministic=True)
    assert content != chosen.content
    try:
        again = prove(content, proven.evidence, chosen.schema)
    except CorruptArtifact:  # onnxruntime does not even open it: no proof either
        return
    assert not again.passed
    assert "allowed" in again.worst()


def test_a_row_that_depends_on_its_batch_fails():
    """The mean over the batch added and a constant taken off: right for the whole, not alone."""
    model = LinearRegression().fit(X, Y)
    proven = convert_and_prove(model, X, Y)
    graph = onnx.load_model_from_string(proven.chosen.content)
    graph.graph.node[0].output[0] = "inner"
    graph.graph.node.extend(
        [
            onnx.helper.make_node("ReduceMean", ["inner", "axis"], ["mean"], keepdims=1),
            onnx.helper.make_node("Mul", ["mean", "tiny"], ["part"]),
            onnx.helper.make_node("Add", ["inner", "part"], ["variable"]),
        ]
    )
    graph.graph.initializer.extend(
        [
            numpy_helper.from_array(np.array([0]), "axis"),
            numpy_helper.from_array(np.array([0.01], np.float32), "tiny"),
        ]
    )
    again = prove(graph.SerializeToString(), proven.evidence, proven.chosen.schema)
    assert not again.single_row
    assert not again.passed


def test_a_graph_that_is_no_graph():
    proven = convert_and_prove(LinearRegression().fit(X, Y), X, Y)
    with pytest.raises(CorruptArtifact):
        prove(b"\x08\x01rubbish", proven.evidence, proven.chosen.schema)


def test_a_proof_of_ties_alone_calls_them_ties():
    grid = np.tile([[0.0, 0.0], [5.0, 5.0]], (40, 1))
    model = KNeighborsClassifier(1).fit(grid, np.repeat([0, 1], 40))
    given = as_fitted(model, grid)
    schema, task = infer(given, None, model), task_of(model)
    evidence = proof_rows(model, schema, task, split_rows(grid, None, None, None, schema))

    def other(rows):
        if not len(rows["X"]):
            raise InvalidInput("no rows")
        found = answers_to(model, rows, schema, task)
        return {"label": 1 - found["label"], "probabilities": found["probabilities"][:, ::-1]}

    proof = prove_run(other, evidence, schema)
    assert not proof.passed
    assert "the nearest neighbours are a tie" in proof.worst()
    assert "weight neighbours" in proof.advice()


def test_classes_that_are_equally_likely_are_a_tie():
    grid = np.array([[a, b] for a in (-2.0, -1, 0, 1, 2) for b in (-2.0, -1, 0, 1, 2)])
    moved = np.array([1.0, 0.0])
    X = np.concatenate([grid + moved, grid - moved])
    model = QuadraticDiscriminantAnalysis().fit(X, np.repeat([0, 1], len(grid)))
    rows = np.array([[0.0, 1.0], [1e-3, 1.0]])
    expected = {"label": model.predict(rows), "probabilities": model.predict_proba(rows)}
    ties = ties_of(model, rows, expected)
    assert ties is not None
    assert ties.rows.tolist() == [True, False]
    assert "likeliest" in ties.what
    other = {"label": 1 - expected["label"], "probabilities": expected["probabilities"]}
    assert ties.allow(other).tolist() == [True, False]
    assert not ties.allow(other | {"probabilities": 1.1 * expected["probabilities"]}).any()
