"""Chains of linear steps become one product, and none that would cancel."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from sklearn.cross_decomposition import PLSRegression
from sklearn.decomposition import PCA, TruncatedSVD
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MaxAbsScaler, MinMaxScaler, RobustScaler, StandardScaler

from tests.exporter.parity import answers, assert_answers, check, graph_of, rounded

RNG = np.random.default_rng(3)
X = RNG.normal(size=(400, 6)) * [1.0, 20.0, 0.1, 3.0, 1.0, 5.0] + [0.0, 30.0, 1.0, -9.0, 2.0, 0.0]
Y = X @ [1.0, -0.1, 3.0, 0.2, 0.0, -0.5] + np.sin(X[:, 0])
CLASSES = np.digitize(Y, np.quantile(Y, [0.3, 0.6]))

SCALERS = [
    StandardScaler(),
    StandardScaler(with_mean=False),
    StandardScaler(with_std=False),
    MinMaxScaler((-1, 3)),
    MaxAbsScaler(),
    RobustScaler(),
]


def operators(content):
    return [n.op_type for n in onnx.load_from_string(content).graph.node]


@pytest.mark.parametrize("scaler", SCALERS, ids=str)
def test_a_scaler_before_a_linear_model_is_folded(scaler):
    model = make_pipeline(scaler, Ridge()).fit(X, Y)
    folded = ["Gemm"] if str(scaler) != "StandardScaler(with_std=False)" else ["Sub", "Gemm"]
    assert operators(check(model, X, Y)) == folded


@pytest.mark.parametrize(
    ("model", "expected"),
    [
        (make_pipeline(StandardScaler(), PCA(3), Ridge()), ["Gemm"]),
        (make_pipeline(StandardScaler(), MaxAbsScaler(), StandardScaler(), Ridge()), ["Gemm"]),
        (make_pipeline(TruncatedSVD(3), StandardScaler(), Ridge()), ["Gemm"]),
        (make_pipeline(StandardScaler(), PLSRegression(2)), ["Gemm"]),
        (
            make_pipeline(StandardScaler(), MLPRegressor(hidden_layer_sizes=(8,))),
            ["Gemm", "Relu", "Gemm"],
        ),
        (make_pipeline(MinMaxScaler(clip=True), Ridge()), ["Sub", "Mul", "Clip", "Gemm"]),
    ],
    ids=str,
)
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_a_chain_is_one_product(model, expected):
    assert operators(check(model.fit(X, Y), X, Y)) == expected


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("last", [LogisticRegression(), MLPClassifier((8,))], ids=str)
def test_classifiers_fold_too(last):
    model = make_pipeline(RobustScaler(), PCA(5), last).fit(X, CLASSES)
    found = operators(check(model, X, CLASSES))
    assert found.count("Gemm") == isinstance(last, MLPClassifier)
    assert found.count("LinearClassifier") == 1
    assert not {"Sub", "Mul"} & set(found)


def test_a_product_that_would_cost_more_is_not_folded():
    wide = RNG.normal(size=(200, 60))
    model = make_pipeline(PCA(2), MLPRegressor(hidden_layer_sizes=(50,), max_iter=5)).fit(
        wide, wide[:, 0]
    )
    shapes = [list(t.dims) for t in onnx.load_from_string(graph_of(model, wide)).graph.initializer]
    assert [60, 2] in shapes
    assert [60, 50] not in shapes


@pytest.mark.parametrize("mean", [1e1, 1e4, 1e6])
@pytest.mark.parametrize("scaler", [StandardScaler(), MinMaxScaler(), RobustScaler()], ids=str)
def test_large_means_stay_exact(scaler, mean):
    """As near to scikit-learn as float32 inputs allow: 1e-5 of the answers' spread."""
    far = RNG.normal(size=(500, 5)) + mean * np.array([1.0, -1.0, 1.0, 0.5, -0.3])
    target = (far - far.mean(axis=0)) @ [1.0, 2.0, -1.0, 0.5, 3.0]
    model = make_pipeline(scaler, LinearRegression()).fit(far, target)
    content = graph_of(model, far)
    got = answers(content, far)["variable"].ravel()
    expected = model.predict(rounded(far))
    assert np.abs(got - expected).max() <= 1e-5 * target.std()
    assert operators(content) == (["Sub", "Gemm"] if mean > 1e1 else ["Gemm"])


def test_columns_that_do_not_vary():
    still = np.column_stack([X, np.full(len(X), 7.0), np.zeros(len(X))])
    check(make_pipeline(StandardScaler(), Ridge()).fit(still, Y), still, Y)


def test_a_scaler_that_is_read_twice_is_folded_for_each():
    from sklearn.ensemble import VotingRegressor

    voters = VotingRegressor(
        [("a", Ridge()), ("b", MLPRegressor(hidden_layer_sizes=(4,), max_iter=5))]
    )
    model = make_pipeline(StandardScaler(), voters).fit(X, Y)
    content = check(model, X, Y)
    assert "Sub" not in operators(content)
    assert_answers(content, model, X)


def test_float64_keeps_scikit_learns_own_steps():
    model = make_pipeline(StandardScaler(), Ridge()).fit(X, Y)
    assert operators(graph_of(model, X, "float64")) == ["Sub", "Div", "Gemm"]


def test_scaled_columns_beside_others():
    """Two scalers and a passed-through column: joined as they are, scaled by the weights."""
    from sklearn.compose import make_column_transformer

    columns = make_column_transformer(
        (StandardScaler(), [0, 1]), (MinMaxScaler(), [4, 3]), ("passthrough", [2, 5])
    )
    model = make_pipeline(columns, Ridge()).fit(X, Y)
    found = operators(check(model, X, Y))
    assert set(found) == {"Gather", "Concat", "Gemm"}


def test_scaled_columns_with_large_means_beside_others():
    from sklearn.compose import make_column_transformer

    far = X + np.array([1e6, 0, 0, 0, 0, 0])
    columns = make_column_transformer((StandardScaler(), [0, 1]), ("passthrough", [2, 5]))
    model = make_pipeline(columns, Ridge()).fit(far, Y)
    content = graph_of(model, far)
    assert operators(content).count("Sub") == 1
    got = answers(content, far)["variable"].ravel()
    assert np.abs(got - model.predict(rounded(far))).max() <= 1e-5 * Y.std()
