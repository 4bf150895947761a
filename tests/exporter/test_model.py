"""The finished graph: its opsets, names and types, and that it runs under every opset."""

from __future__ import annotations

import numpy as np
import onnx
import pandas as pd
import pytest
from sklearn.cluster import KMeans
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import (
    HistGradientBoostingClassifier,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.linear_model import LogisticRegression, Ridge, SGDOneClassSVM
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, PolynomialFeatures, StandardScaler
from sklearn.svm import SVR, OneClassSVM

from tests.exporter.parity import answers, check, export_proven
from toolkit.errors import UnsupportedEstimator
from toolkit.exporter import flow, model
from toolkit.exporter.conversion import Conversion
from toolkit.exporter.opsets import ML_OPSETS, OPSETS

RNG = np.random.default_rng(0)
X = RNG.normal(size=(80, 3))
Y = X[:, 0] + X[:, 1] ** 2
LABELS = np.array(["low", "mid", "high"])[np.digitize(Y, [0.5, 1.5])]

MODELS = {
    "poly-ridge": (make_pipeline(StandardScaler(), PolynomialFeatures(2), Ridge()), Y),
    "logistic": (LogisticRegression(), LABELS),
    "mlp": (MLPClassifier((5,), max_iter=300, random_state=0), LABELS),
    "forest": (RandomForestRegressor(5, random_state=0), Y),
    "forest-labels": (RandomForestClassifier(5, random_state=0), LABELS),
    "boosting-labels": (HistGradientBoostingClassifier(max_iter=5), LABELS),
    "svr": (make_pipeline(StandardScaler(), SVR()), Y),
    "neighbours": (KNeighborsClassifier(3), LABELS),  # by way of skl2onnx
}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("opset", OPSETS)
@pytest.mark.parametrize("name", MODELS)
def test_opset(name, opset):
    estimator, y = MODELS[name]
    content = check(estimator.fit(X, y), X, y, opset=opset)
    model = onnx.load_model_from_string(content)
    onnx.checker.check_model(model, full_check=True)
    domains = {o.domain: o.version for o in model.opset_import}
    assert len(domains) == len(model.opset_import)
    assert domains[""] == opset
    assert domains.get("ai.onnx.ml", 0) <= ML_OPSETS[opset]
    assert {n.domain for n in model.graph.node} <= set(domains)
    assert "ZipMap" not in {n.op_type for n in model.graph.node}
    for output in model.graph.output:
        assert output.type.HasField("tensor_type")


def test_mixed_frame_under_every_opset():
    frame = pd.DataFrame({"n": X[:, 0], "t": RNG.choice(["ö", "p"], 80).astype(object)})
    parts = ColumnTransformer([("c", OneHotEncoder(), ["t"])], remainder="passthrough")
    model = make_pipeline(parts, Ridge()).fit(frame, Y)
    for opset in OPSETS:
        graph = onnx.load_model_from_string(check(model, frame, Y, opset=opset)).graph
        assert [i.name for i in graph.input] == ["n", "t"]


@pytest.mark.parametrize(
    ("estimator", "y", "names"),
    [
        (Ridge(), Y, ["variable"]),
        (LogisticRegression(), LABELS, ["label", "probabilities"]),
        (StandardScaler(), None, ["variable"]),
        (OneClassSVM(), None, ["label", "scores"]),
        (SGDOneClassSVM(random_state=0), None, ["label", "scores"]),
        (KMeans(3, random_state=0, n_init=1), None, ["label", "scores"]),
    ],
    ids=[
        "regressor",
        "classifier",
        "transformer",
        "outliers-svm",
        "outliers-linear",
        "clusterer",
    ],
)
def test_names_and_shapes_are_the_contracts(estimator, y, names):
    content = check(estimator.fit(X) if y is None else estimator.fit(X, y), X, y)
    graph = onnx.load_model_from_string(content).graph
    assert [i.name for i in graph.input] == ["X"]
    assert [o.name for o in graph.output] == names
    for name, values in answers(content, X).items():
        assert values.ndim == (1 if name == "label" else 2)


def test_trees_of_one_value_take_the_compact_operator():
    forest = RandomForestRegressor(5, random_state=0).fit(X, Y)
    for opset, operator in ((21, "TreeEnsemble"), (20, "TreeEnsembleRegressor")):
        graph = onnx.load_model_from_string(check(forest, X, Y, opset=opset)).graph
        assert [n.op_type for n in graph.node] == [operator]


def test_trees_of_several_values_take_the_compact_operator_too():
    """It finds the leaves, whose values are looked up."""
    model = RandomForestClassifier(5, max_depth=2, random_state=0).fit(X, LABELS)
    graph = onnx.load_model_from_string(check(model, X, LABELS)).graph
    assert [n.op_type for n in graph.node if n.domain] == ["TreeEnsemble"]


class Silent(Ridge):
    """An estimator whose converter, made below, gives no output."""


def test_a_converter_without_the_wanted_output_is_named(monkeypatch):
    from toolkit.exporter.converters import key_of, table

    monkeypatch.setitem(table(), key_of(Silent()), lambda est, x, g: {})
    with pytest.raises(UnsupportedEstimator, match="Silent: its converter gives no predict"):
        flow.convert_and_prove(Silent().fit(X, Y), X, Y)


def test_an_invalid_graph_is_refused_before_it_is_run(monkeypatch):
    from toolkit.exporter.converters import key_of, table

    def wrong(est, x, g):
        return {"predict": type(x)(g.add("NoSuchOperator", [x.name], "out"), "float32", 1)}

    monkeypatch.setitem(table(), key_of(Silent()), wrong)
    with pytest.raises(UnsupportedEstimator, match="Silent: its graph is not valid ONNX"):
        flow.convert_and_prove(Silent().fit(X, Y), X, Y)


@pytest.mark.parametrize("estimator", [RandomForestRegressor(5), KNeighborsRegressor()])
def test_what_a_file_cannot_hold_is_refused_before_it_is_written(monkeypatch, estimator):
    """Trees are attributes, stored points are constants: either may be what is too large."""
    monkeypatch.setattr(model, "LARGEST", 1000)
    rows = np.random.default_rng(0).normal(size=(200, 3))
    with pytest.raises(UnsupportedEstimator, match="bytes, and an ONNX file holds 1,000; fit"):
        export_proven(estimator.fit(rows, rows[:, 0]), rows, rows[:, 0])


def test_names_in_a_graph_are_unique():
    g = Conversion(dispatch=lambda *_: {})
    names = [g.name(h) for h in ["a", "a", "a1", "a", "a1", "a11", "b"]]
    assert len(set(names)) == len(names)
