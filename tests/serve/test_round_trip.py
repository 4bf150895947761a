"""What a service answers is what `load(...).run(...)` gives, bit by bit, for any rows."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from toolkit.errors import InvalidInput
from toolkit.runtime import load
from toolkit.serve.inference import infer
from toolkit.serve.models import Options, open_models
from toolkit.serve.refusal import Refused
from toolkit.serve.tensors import from_json, to_json

FINITE32 = st.floats(width=32, allow_nan=False, allow_infinity=False)
NUMBERS32 = st.floats(width=32, allow_infinity=False)


@pytest.fixture(scope="module")
def models(california_bundle, classifier_bundle):
    return open_models([str(california_bundle), str(classifier_bundle)], Options())


def asked(model, inputs) -> dict[str, np.ndarray]:
    """Each output of an answer, through the text of a request and of an answer."""
    reply = infer(model, json.dumps({"inputs": inputs}).encode(), None, 1000)
    found = {}
    for output in json.loads(reply.body)["outputs"]:
        array = from_json(
            output["name"], output["datatype"], tuple(output["shape"]), output["data"]
        )
        found[output["name"]] = array
    return found


def outcome(function, *arguments):
    """What a call returns, or what its refusal says behind the model's name."""
    try:
        return function(*arguments)
    except (InvalidInput, Refused) as refused:
        return str(refused).partition(":")[2]


def same(got: dict[str, np.ndarray], expected: dict[str, np.ndarray]) -> bool:
    return got.keys() == expected.keys() and all(
        got[n].dtype == a.dtype
        and got[n].shape == a.shape
        and (
            a.tolist() == got[n].tolist() if a.dtype == object else a.tobytes() == got[n].tobytes()
        )
        for n, a in expected.items()
    )


@given(arrays(np.float32, st.tuples(st.integers(1, 20), st.just(8)), elements=FINITE32))
def test_numbers(models, california_bundle, rows):
    model = models["california-linear"]["float32"]
    rows = np.clip(rows, -1e30, 1e30)  # the answer to what overflows is no JSON
    data = {
        "name": "X",
        "shape": list(rows.shape),
        "datatype": "FP32",
        "data": rows.ravel().tolist(),
    }
    expected = load(california_bundle).run(rows)
    assert same(asked(model, [data]), expected)


@given(st.lists(st.tuples(NUMBERS32, st.integers(-(2**53), 2**53), st.text()), min_size=1))
def test_a_table_with_texts(models, classifier_bundle, rows):
    size, rooms, city = (list(column) for column in zip(*rows, strict=True))
    columns = {"size": size, "rooms": rooms, "city": city}
    datatypes = {"size": "FP64", "rooms": "INT64", "city": "BYTES"}
    inputs = [
        {
            "name": name,
            "shape": [len(rows), 1],
            "datatype": datatypes[name],
            "data": [None if v != v else v for v in values],
        }
        for name, values in columns.items()
    ]
    expected = outcome(load(classifier_bundle).run, columns)
    got = outcome(asked, models["homes"]["float32"], inputs)
    assert same(got, expected) if isinstance(expected, dict) else got == expected


@given(arrays(np.float32, st.integers(0, 50), elements=NUMBERS32))
def test_float32_is_whole_behind_json(values):
    """Written with as few digits as tell it from others, and with all, it is the same number."""
    for texts in (
        json.dumps(to_json("x", values)),
        "[" + ", ".join("null" if v != v else str(v) for v in values) + "]",
    ):
        back = from_json("x", "FP32", values.shape, json.loads(texts))
        assert np.array_equal(back, values, equal_nan=True)
        assert np.array_equal(np.signbit(back), np.signbit(values) & ~np.isnan(values))


def test_the_comparison_can_fail():
    one, other = np.array([1.0], np.float32), np.array([np.nextafter(np.float32(1), 2)])
    assert same({"a": one}, {"a": one.copy()})
    assert not same({"a": one}, {"a": other})
    assert not same({"a": one}, {"a": one.astype(np.float64)})
    assert not same({"a": np.array([0.0])}, {"a": np.array([-0.0])})
