"""Requests that are not what the protocol or the model takes: one line each, and the status."""

from __future__ import annotations

import json

import numpy as np
import pytest

from tests.serve.conftest import JSON, tensor
from toolkit.errors import InvalidInput
from toolkit.runtime import load

ROW = [8.3252, 41, 6.984127, 1.023810, 322, 2.555556, 37.88, -122.23]
INFER = "/v2/models/california-linear/infer"
X = tensor("X", [ROW], "FP32")

DOCUMENTS = {
    "nothing": (b"", "the body is no JSON"),
    "no json": (b"{", "the body is no JSON"),
    "two": (b"{} {}", "the body is no JSON"),
    "a list": (b"[1]", "no JSON object"),
    "NaN": (b'{"inputs": [NaN]}', "NaN, which is no JSON; null stands for a missing number"),
    "Infinity": (b'{"inputs": [-Infinity]}', "-Infinity, which is no JSON"),
    "latin-1": ('{"id": "ü"}'.encode("latin-1"), "no UTF-8"),
    "utf-16": ('{"id": "u"}'.encode("utf-16"), "no UTF-8"),
    "with a mark": ("\ufeff{}".encode(), "the body is no JSON"),
    "deep": (b"[" * 100_000, "nested too deeply"),
    "deep objects": (b'{"a":' * 100_000, "nested too deeply"),
    "many digits": (b'{"inputs": ' + b"1" * 5000 + b"}", "the body is no JSON"),
    "twice": (b'{"id": "a", "id": "b"}', "'id' twice in one object"),
    "no inputs": ({}, "inputs is None, no list of tensors"),
    "empty inputs": ({"inputs": []}, "inputs is [], no list"),
    "inputs of numbers": ({"inputs": [1]}, "inputs[0] is 1, no object"),
    "a mistyped key": ({"inputs": [X], "ouputs": []}, "the request has 'ouputs'"),
    "a mistyped key of an input": ({"inputs": [{**X, "dtype": "FP32"}]}, "inputs[0] has 'dtype'"),
    "id": ({"inputs": [X], "id": 7}, "id is 7, no text"),
    "parameters": ({"inputs": [X], "parameters": 7}, "parameters is 7, no object"),
    "another input": ({"inputs": [{**X, "name": "Y"}]}, "no input 'Y'; the model takes X"),
    "input twice": ({"inputs": [X, X]}, "the input 'X' is given twice"),
    "no data": ({"inputs": [{**X, "data": None}]}, "data is None"),
    "without data": (
        {"inputs": [{k: v for k, v in X.items() if k != "data"}]},
        "X: has no data",
    ),
    "no shape": ({"inputs": [{**X, "shape": None}]}, "shape None is no list of sizes"),
    "negative": ({"inputs": [{**X, "shape": [-1, 8]}]}, "shape [-1, 8] is no list of sizes"),
    "a shape of floats": ({"inputs": [{**X, "shape": [1.0, 8]}]}, "is no list of sizes"),
    "a shape of truths": ({"inputs": [{**X, "shape": [True, 8]}]}, "is no list of sizes"),
    "no dimension": ({"inputs": [{**X, "shape": []}]}, "is no list of sizes"),
    "nine dimensions": ({"inputs": [{**X, "shape": [1] * 9}]}, "is no list of sizes"),
    "far too wide": ({"inputs": [{**X, "shape": [1, 2**62]}]}, "X: data has 8 elements"),
    "another output": ({"inputs": [X], "outputs": [{"name": "label"}]}, "no output 'label'"),
    "output twice": (
        {"inputs": [X], "outputs": [{"name": "variable"}] * 2},
        "'variable' is asked for twice",
    ),
    "a parameter of an output": (
        {"inputs": [X], "outputs": [{"name": "variable", "parameters": {"classification": 3}}]},
        "no parameter 'classification' of an output",
    ),
    "no flag": (
        {"inputs": [X], "parameters": {"binary_data_output": 1}},
        "binary_data_output is 1, neither true nor false",
    ),
    "bytes that are not there": (
        {"inputs": [{"name": "X", "shape": [1, 8], "datatype": "FP32",
                     "parameters": {"binary_data_size": 32}}]},
        "binary_data_size is 32, and 0 bytes follow the JSON",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", DOCUMENTS)
def test_wrong_documents(server, case):
    document, words = DOCUMENTS[case]
    body = document if isinstance(document, bytes) else json.dumps(document)
    answer = server.ask("POST", INFER, body, JSON)
    assert answer.status == 400
    assert words in answer.error


ROWS = {
    "width": np.zeros((1, 7)),
    "three dimensions": np.zeros((1, 1, 8)),
    "one dimension": np.zeros(8),
    "missing": np.array([[*ROW[:7], np.nan]]),
}


@pytest.mark.parametrize("case", ROWS)
def test_rows_are_refused_in_the_words_of_predict(server, california_bundle, case):
    rows = ROWS[case].astype(np.float32)
    entry = tensor("X", rows, "FP32")
    entry["data"] = [None if v != v else v for v in entry["data"]]
    answer = server.infer("california-linear", entry)
    with pytest.raises(InvalidInput) as refused:
        load(california_bundle).run({"X": rows})
    assert (answer.status, answer.error) == (400, str(refused.value))


def test_inputs_of_a_table_are_refused_by_name(server):
    size = tensor("size", [[1.0], [2.0]], "FP64")
    rooms = tensor("rooms", [[1]], "INT64")
    city = tensor("city", [["Ulm"], ["Bonn"]], "BYTES")
    answer = server.infer("homes", size, city)
    assert (answer.status, answer.error) == (
        400,
        "the input 'rooms' is missing; the model takes size, rooms, city",
    )
    answer = server.infer("homes", size, rooms, city)
    assert answer.status == 400
    assert "differ in their number of rows" in answer.error
    words = tensor("size", [["a"], ["b"]], "BYTES")
    answer = server.infer("homes", words, tensor("rooms", [[1], [2]], "INT64"), city)
    assert answer.status == 400
    assert answer.error.startswith("size takes numbers")


def test_no_refusal_names_a_path_of_the_machine(server, california_bundle, echo):
    """Not even onnxruntime's, of rows that it cannot run."""
    refusals = [
        server.infer("echo", *[tensor(n, np.zeros((2, 1)), "FP32") for n in ("FP32", "FP64")]),
        server.infer("homes", tensor("size", [["x"]], "BYTES")),
        server.get("/v2/models/x"),
    ]
    for answer in refusals:
        assert answer.status in (400, 404)
        assert str(california_bundle.parent) not in answer.error
        assert str(echo.parent) not in answer.error


TYPES = {
    "a form": ({"content-type": "application/x-www-form-urlencoded"}, 415, "is not taken"),
    "text": ({"content-type": "text/plain; charset=utf-8"}, 415, "'text/plain' is not taken"),
    "compressed": ({**JSON, "content-encoding": "gzip"}, 415, "compressed"),
    "bytes without a length": (
        {"content-type": "application/octet-stream"},
        400,
        "Inference-Header-Content-Length is missing",
    ),
    "no length": ({"inference-header-content-length": "-1"}, 400, "'-1', no number of bytes"),
    "long length": ({"inference-header-content-length": "9" * 50}, 400, "no number of bytes"),
    "more than all": ({"inference-header-content-length": "9999"}, 400, "is 9999, the body has"),
}


@pytest.mark.parametrize("case", TYPES)
def test_wrong_types_and_lengths(server, case):
    headers, status, words = TYPES[case]
    answer = server.ask("POST", INFER, json.dumps({"inputs": [X]}), headers)
    assert answer.status == status
    assert words in answer.error


def test_json_with_a_charset_or_without_a_type_is_taken(server):
    body = json.dumps({"inputs": [X]}).encode()
    for kind in ("application/json; charset=utf-8", "Application/JSON"):
        assert server.ask("POST", INFER, body, {"content-type": kind}).status == 200
    assert server.ask("POST", INFER, body).status == 200


def test_bytes_that_belong_to_no_input_are_refused(server):
    head = json.dumps({"inputs": [X]}).encode()
    headers = {"inference-header-content-length": str(len(head))}
    answer = server.ask("POST", INFER, head + b"\0\0", headers)
    assert (answer.status, answer.error) == (400, "2 bytes follow that belong to no input")
    both = {**X, "parameters": {"binary_data_size": 2}}
    head = json.dumps({"inputs": [both]}).encode()
    headers = {"inference-header-content-length": str(len(head))}
    answer = server.ask("POST", INFER, head + b"\0\0", headers)
    assert answer.error == "X: has data and binary_data_size; leave one out"
