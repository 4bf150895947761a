"""Labels that were chosen among numbers that overflowed are errors, in every way of asking."""

from __future__ import annotations

import numpy as np
import pytest
from onnx import TensorProto, helper

from tests.runtime.graphs import model_of
from toolkit.errors import InvalidInput
from toolkit.runtime.inputs import FAR, is_near, surely_near
from toolkit.runtime.predictor import Predictor

WEIGHTS = np.array([[1.0, -2.0, 0.5], [3.0, 1.0, -4.0]], dtype=np.float32)


def classifier(non_finite="finite", numbers="probabilities"):
    """The largest of three sums, and their softmax."""
    nodes = [
        helper.make_node("MatMul", ["X", "W"], ["z"]),
        helper.make_node("Softmax", ["z"], ["probabilities"]),
        helper.make_node("ArgMax", ["z"], ["label"], axis=1, keepdims=0),
        helper.make_node("Identity", ["z"], ["scores"]),
    ]
    outputs = [("label", TensorProto.INT64, [None])]
    outputs += [(numbers, TensorProto.FLOAT, [None, 3])] if numbers else []
    kept = [n for n in nodes if n.output[0] in ("z", "label", numbers)]
    inputs = [("X", TensorProto.FLOAT, [None, 2])]
    metadata = {"toolkit.task": "classifier", "toolkit.takes": non_finite}
    model = model_of(kept, {"W": WEIGHTS}, inputs, outputs, metadata)
    return Predictor(model.SerializeToString(), "here")


def rows(*values):
    return np.array(values, dtype=np.float32)


USUAL = [1.0, 2.0]
OVERFLOWS = [1e38, 2e38]  # all three sums are infinite


@pytest.mark.parametrize("numbers", ["probabilities", "scores"])
@pytest.mark.parametrize("count", [1, 2, 600])
def test_a_label_of_numbers_that_overflowed_is_refused(numbers, count):
    model = classifier(numbers=numbers)
    X = rows(*[USUAL] * (count - 1), OVERFLOWS)
    ways = [
        model.predict,
        lambda x: model.predict(x.tolist()),
        lambda x: model.predict(x.astype(np.float64)),
        model.run,
        model.bind(count),
        lambda x: model.bind(count)(x.tolist()),
    ]
    for call in ways:
        with pytest.raises(InvalidInput) as caught:
            call(X)
        assert f"here: {numbers} is " in str(caught.value)
        assert f"in row {count - 1}, so that its label means nothing" in str(caught.value)
        assert "reach 2e+38" in str(caught.value)
    usual = rows(*[USUAL] * count)
    for call in ways[:3]:  # and the same model still answers
        np.testing.assert_array_equal(call(usual), [0] * count)


def test_numbers_say_themselves_what_they_are():
    model = classifier()
    assert np.isnan(model.predict_proba(rows(OVERFLOWS))).all()


def test_one_infinity_leaves_no_doubt_and_a_far_row_that_does_not_overflow_neither():
    model = classifier(numbers="scores")
    assert model.predict(rows([2e38, 0.0])).tolist() == [0]  # 2e38, −inf, 1e38
    assert model.predict(rows([1e30, 2e30])).tolist() == [0]
    assert model.run(rows([1e30, 2e30]))["label"].tolist() == [0]


def test_a_model_that_takes_missing_values_may_answer_nan_to_them():
    model = classifier(non_finite="nan")
    assert model.predict(rows([np.nan, 1.0])).shape == (1,)
    assert model.predict(rows(USUAL, [np.nan, 1e38])).shape == (2,)
    for X in (rows(OVERFLOWS), rows([np.nan, 1.0], OVERFLOWS)):
        with pytest.raises(InvalidInput, match=f"in row {len(X) - 1}, so that"):
            model.predict(X)


def test_what_takes_infinities_and_what_has_labels_alone_is_left_alone():
    for model in (classifier(non_finite="any"), classifier(numbers=None)):
        assert model.predict(rows(OVERFLOWS)).shape == (1,)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("count", [1, 1000])
def test_what_is_far(dtype, count):
    below = np.nextafter(dtype(FAR), dtype(0))
    for value, near in (
        (below, True),
        (-below, True),
        (FAR, False),
        (-FAR, False),
        (np.inf, False),
    ):
        X = np.zeros((count, 3), dtype)
        X[-1, 1] = value
        assert is_near(X) == near
        assert not surely_near(X, "finite") or near
        X[0, 0] = np.nan
        assert is_near(X) == near
        assert surely_near(X, "nan") == near
        assert not surely_near(X, "finite")
    assert is_near(np.array([["a"]], dtype=object))
    assert is_near(np.array([[2**40]]))
