from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from onnx import TensorProto, helper

from tests.runtime.graphs import ROWS, identity, linear, model_of
from toolkit.errors import InvalidInput
from toolkit.runtime import load
from toolkit.runtime.bound import FEW_VALUES, _fill
from toolkit.runtime.inputs import FAR, is_near, prepare
from toolkit.runtime.predictor import Predictor
from toolkit.runtime.schema import Input

RANDOM = np.random.default_rng(3)


def rows_of(count, width=8):
    return RANDOM.normal(size=(count, width)).astype(np.float32)


@pytest.mark.parametrize("count", [1, 2, 7, 300])
def test_a_bound_model_answers_as_predict_does(model, count):
    bound = model.bind(count)
    for _ in range(3):
        X = rows_of(count)
        expected = model.predict(X.tolist())
        assert expected.shape == (count,)
        assert bound(X) is bound.answer
        np.testing.assert_array_equal(bound.answer, expected)
        bound.rows[...] = 0
        bound.rows[...] = X
        assert bound.run() is bound.answer
        np.testing.assert_array_equal(bound.answer, expected)


def test_one_row_alone_is_answered_as_in_a_list(model):
    for _ in range(20):
        X = rows_of(1)
        np.testing.assert_array_equal(model.predict(X), model.predict(X.tolist()))


def test_rows_to_begin_with(model):
    X = rows_of(3)
    bound = model.bind(X)
    np.testing.assert_array_equal(bound.rows, X)
    np.testing.assert_array_equal(bound.run(), model.predict(X))
    X[...] = np.nan  # its own rows are another array
    assert np.isfinite(bound.run()).all()


@pytest.mark.parametrize(
    "given",
    [
        lambda X: X.astype(np.float64),
        lambda X: X.tolist(),
        lambda X: {"X": X},
        lambda X: np.asfortranarray(X),
        lambda X: np.repeat(X, 2, axis=0)[::2],
        lambda X: np.ma.masked_array(X),
    ],
    ids=["float64", "list", "mapping", "fortran", "strided", "subclass"],
)
@pytest.mark.parametrize("count", [1, 4])
def test_rows_in_other_forms(model, given, count):
    X = rows_of(count)
    expected = model.predict(X)
    np.testing.assert_array_equal(model.bind(count)(given(X)), expected)
    np.testing.assert_array_equal(model.predict(given(X)), expected)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("count", [1, 4, FEW_VALUES])  # by bytes, and by numpy
def test_values_that_are_not_taken(model, value, count):
    bound = model.bind(count)
    X = rows_of(count)
    X[-1, 5] = value
    for call in (model.predict, bound):
        with pytest.raises(InvalidInput, match=rf"in row {count - 1}, column .*finite numbers"):
            call(X)
    np.testing.assert_array_equal(bound(np.zeros_like(X)), model.predict(np.zeros_like(X)))


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize("width", [1, 3, FEW_VALUES, FEW_VALUES + 1])
@pytest.mark.parametrize("non_finite", ["finite", "nan", "any", "nan*1|finite*2"])
@settings(max_examples=30)
@given(data=st.data())
def test_what_is_surely_taken_is_taken(dtype, width, non_finite, data):
    """Any bits, as `prepare` judges them; what it takes may be denied where values are odd."""
    bits = np.dtype(f"u{np.dtype(dtype).itemsize}")
    few = data.draw(arrays(bits, min(width, 3))).view(dtype)
    X = np.resize(few, (1, width))
    rows = np.zeros_like(X)
    spec = Input("X", np.dtype(dtype).name, width, non_finite)
    sure = _fill(rows, non_finite)(X)
    assert rows.tobytes() == X.tobytes()
    try:
        prepare(X, (spec,))
        taken = True
    except InvalidInput:
        taken = False
    assert taken or not sure
    assert sure or not np.isfinite(X).all()
    near = _fill(rows, non_finite, near=True)(X)
    assert rows.tobytes() == X.tobytes()
    assert taken or not near
    assert (is_near(X) or non_finite == "any") or not near
    assert near or not (np.abs(X.astype(np.float64)) < FAR / X.size).all()


def test_opposite_infinities_and_the_largest_numbers(model):
    X = np.zeros((1, 8), dtype=np.float32)
    X[0, :2] = np.inf, -np.inf
    with pytest.raises(InvalidInput, match="inf in row 0"):
        model.predict(X)
    X[0, :2] = 0, np.finfo(np.float32).max
    X[0, 2:4] = X[0, 1]
    np.testing.assert_array_equal(model.predict(X), model.predict(X.tolist()))


@pytest.mark.parametrize(
    ("non_finite", "good", "bad"),
    [
        ("finite", [[1.0]], [[np.nan]]),
        ("nan", [[np.nan]], [[np.inf]]),
        ("any", [[np.inf]], None),
        ("nan*1|finite*1", [[np.nan]], [[np.inf]]),
    ],
)
def test_what_an_input_takes(non_finite, good, bad, calls):
    metadata = {"toolkit.task": "transformer", "toolkit.takes": non_finite}
    model = Predictor(identity(TensorProto.FLOAT, **metadata), "m")
    for _ in range(2):
        np.testing.assert_array_equal(model.predict(np.array(good, np.float32)), good)
        np.testing.assert_array_equal(model.bind(1)(np.array(good, np.float32)), good)
        if bad:
            for call in (model.predict, model.bind(1)):
                with pytest.raises(InvalidInput, match=r"X has .* in row 0, column 0"):
                    call(np.array(bad, np.float32))


@pytest.mark.parametrize("elem_type", [TensorProto.DOUBLE, TensorProto.INT64, TensorProto.FLOAT16])
def test_inputs_of_other_types(elem_type, calls):
    model = Predictor(identity(elem_type), "m")
    X = np.array([[3]], dtype=model.inputs[0].numpy_dtype)
    for call in (model.predict, model.bind(1)):
        assert call(X).tolist() == [3]
        assert call(X + 1).tolist() == [4]


def test_labels_and_probabilities(calls, labels_model):
    model, X = labels_model
    bound = model.bind(5, "probabilities")
    np.testing.assert_array_equal(bound(X[:5]), model.predict_proba(X[:5].tolist()))
    for row in X[:5]:
        np.testing.assert_array_equal(
            model.predict_proba(row[None]), model.predict_proba([row.tolist()])
        )
        assert model.predict(row[None]).tolist() == model.predict([row.tolist()]).tolist()


@pytest.fixture
def labels_model(tmp_path):
    """A classifier of integers, opened, and rows for it."""
    from sklearn.datasets import load_iris
    from sklearn.linear_model import LogisticRegression

    from toolkit.exporter import export

    X, y = load_iris(return_X_y=True)
    bundle = export(LogisticRegression(max_iter=1000).fit(X, y), X, y, name="m", out=tmp_path / "m")
    return load(bundle.path), X.astype(np.float32)


def test_labels_of_text_are_not_bound(classifier_bundle):
    model = load(classifier_bundle)
    with pytest.raises(InvalidInput, match="only a model with one input of numbers"):
        model.bind(1)


def test_answers_of_text_are_not_bound(calls):
    node = helper.make_node("Cast", ["X"], ["Y"], to=TensorProto.STRING)
    graph = model_of([node], {}, outputs=[("Y", TensorProto.STRING, [None, 3])])
    model = Predictor(graph.SerializeToString(), "m")
    with pytest.raises(InvalidInput, match="Y is text, which cannot be bound"):
        model.bind(1)
    for _ in range(2):
        assert model.predict(ROWS[:1]).tolist() == [["1", "2", "3"]]


def constant() -> bytes:
    """A graph whose output is one of its initializers."""
    node = helper.make_node("Identity", ["c"], ["Y"])
    return model_of([node], {"c": np.array([[5.0, 6.0, 7.0]], np.float32)}).SerializeToString()


def of_its_input() -> bytes:
    """A graph whose number of output rows depends on the values."""
    node = helper.make_node("NonZero", ["X"], ["Y"])
    return model_of([node], {}, outputs=[("Y", TensorProto.INT64, None)]).SerializeToString()


HANDED_ON = [identity(1, **{"toolkit.task": "transformer"}), constant(), of_its_input()]


@pytest.mark.parametrize("content", HANDED_ON, ids=range(3))
def test_graphs_that_hand_things_on(content, calls):
    model = Predictor(content, "m")
    width = model.inputs[0].width
    for X in (np.ones((1, width), np.float32), np.zeros((1, width), np.float32)):
        expected = model.session.run(None, {"X": X})[0]
        np.testing.assert_array_equal(model.predict(X), expected)


@pytest.mark.parametrize("content", [identity(1), constant(), linear().SerializeToString()])
@pytest.mark.parametrize("count", [1, 3])
def test_answers_share_no_memory(content, count, calls):
    """Neither with each other, nor with the rows, nor with the model."""
    model = Predictor(content, "m")
    X = np.ones((count, model.inputs[0].width), np.float32)
    first = model.predict(X)
    kept = first.copy()
    second = model.predict(X)
    assert not np.shares_memory(first, second)
    assert not np.shares_memory(first, X)
    first[...] = 99
    np.testing.assert_array_equal(second, kept)
    np.testing.assert_array_equal(model.predict(X), kept)
    model.predict(np.zeros_like(X))
    np.testing.assert_array_equal(second, kept)
