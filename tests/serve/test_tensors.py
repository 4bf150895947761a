"""Tensors of every datatype, in JSON and as bytes, there and back; and what is refused of them."""

from __future__ import annotations

import json
import struct

import numpy as np
import pytest

from tests.serve.conftest import tensor
from toolkit.serve.refusal import Refused
from toolkit.serve.tensors import TYPES, from_bytes, from_json, to_bytes, to_json

VALUES = {
    "BOOL": [True, False],
    "INT8": [-128, 127],
    "INT16": [-(2**15), 2**15 - 1],
    "INT32": [-(2**31), 2**31 - 1],
    "INT64": [-(2**63), 2**63 - 1],
    "UINT8": [0, 255],
    "UINT16": [0, 2**16 - 1],
    "UINT32": [0, 2**32 - 1],
    "UINT64": [0, 2**64 - 1],
    "FP16": [0.5, -65504.0],
    "FP32": [0.1, 3.4028234663852886e38],
    "FP64": [5e-324, -0.0],
    "BYTES": ["häuser\n", ""],
}


def feed():
    """An input of every type, of two rows."""
    inputs = []
    for datatype, values in VALUES.items():
        dtype = object if datatype == "BYTES" else TYPES[datatype]
        inputs.append(tensor(datatype, np.array(values, dtype).reshape(2, 1), datatype))
    return inputs


def test_every_datatype_goes_through_a_model_and_back(server):
    assert list(VALUES) == list(TYPES)
    answer = server.infer("echo", *feed())
    assert answer.status == 200, answer.body
    for output in answer.json["outputs"]:
        datatype = output["name"].removesuffix("_out")
        dtype = object if datatype == "BYTES" else TYPES[datatype]
        assert (output["datatype"], output["shape"]) == (datatype, [2, 1])
        assert output["data"] == np.array(VALUES[datatype], dtype).tolist()
    negative_zero = next(o for o in answer.json["outputs"] if o["name"] == "FP64_out")["data"][1]
    assert np.signbit(negative_zero)


def test_every_datatype_goes_through_as_bytes(server):
    inputs, tail = [], b""
    for entry in feed():
        dtype = object if entry["datatype"] == "BYTES" else TYPES[entry["datatype"]]
        content = to_bytes(np.array(entry.pop("data"), dtype))
        inputs.append({**entry, "parameters": {"binary_data_size": len(content)}})
        tail += content
    head = json.dumps({"inputs": inputs, "parameters": {"binary_data_output": True}}).encode()
    headers = {
        "content-type": "application/octet-stream",
        "inference-header-content-length": str(len(head)),
    }
    answer = server.ask("POST", "/v2/models/echo/infer", head + tail, headers)
    assert answer.status == 200, answer.body
    assert answer.headers["content-type"] == "application/octet-stream"
    length = int(answer.headers["inference-header-content-length"])
    outputs = json.loads(answer.body[:length])["outputs"]
    assert answer.body[length:] == tail
    assert [o["parameters"]["binary_data_size"] for o in outputs] == [
        i["parameters"]["binary_data_size"] for i in inputs
    ]


def test_one_output_as_bytes_and_another_as_json(server):
    wanted = [{"name": "INT8_out", "parameters": {"binary_data": True}}, {"name": "BYTES_out"}]
    answer = server.infer("echo", *feed(), outputs=wanted)
    length = int(answer.headers["inference-header-content-length"])
    outputs = json.loads(answer.body[:length])["outputs"]
    assert outputs[0]["parameters"] == {"binary_data_size": 2}
    assert outputs[1]["data"] == VALUES["BYTES"]
    assert answer.body[length:] == b"\x80\x7f"


def test_nan_is_null_both_ways_and_infinity_is_refused_in_json(server):
    inputs = feed()
    floats = next(i for i in inputs if i["name"] == "FP32")
    floats["data"] = [None, 1.5]
    answer = server.infer("echo", *inputs, outputs=[{"name": "FP32_out"}])
    assert answer.json["outputs"][0]["data"] == [None, 1.5]
    del floats["data"]
    floats["parameters"] = {"binary_data_size": 8}
    tail = struct.pack("<2f", 1.5, float("-inf"))
    for binary in (False, True):
        head = json.dumps(
            {
                "inputs": inputs,
                "outputs": [{"name": "FP32_out", "parameters": {"binary_data": binary}}],
            }
        ).encode()
        headers = {"inference-header-content-length": str(len(head))}
        answer = server.ask("POST", "/v2/models/echo/infer", head + tail, headers)
        if binary:
            assert answer.body.endswith(tail)
        else:
            assert answer.status == 422
            assert answer.error == (
                "FP32_out is -inf in row 1, which JSON cannot hold; ask for binary data"
            )


JSON_REFUSED = {
    "too few": ("FP32", (2, 2), [1.0], "has 1 elements, shape [2, 2] says 4"),
    "too many": ("FP32", (1,), [1.0, 2.0], "has 2 elements, shape [1] says 1"),
    "no list": ("FP32", (1,), 1.0, "no list of elements"),
    "an object": ("FP32", (1,), {"0": 1}, "no list of elements"),
    "rows": ("FP32", (2, 1), [[1.0]], "has 1 rows, shape [2, 1] says 2"),
    "ragged": ("FP32", (2, 2), [[1.0, 2.0], [3.0]], "holds [3.0]"),
    "half nested": ("FP32", (2, 1), [[1.0], 2.0], "holds 2.0"),
    "too deep": ("FP32", (1, 1), [[[1.0]]], "element 0 is [1.0]"),
    "text": ("FP32", (1,), ["1.0"], "element 0 is '1.0'; FP32 takes numbers"),
    "truth": ("FP64", (1,), [True], "element 0 is True"),
    "far": ("FP32", (1,), [1e39], "element 0 is beyond the range of FP32"),
    "far half": ("FP16", (2,), [1.0, 65520.0], "element 1 is beyond the range of FP16"),
    "farther": ("FP64", (1,), [float("inf")], "beyond the range of FP64"),
    "whole and far": ("FP64", (1,), [10**400], "beyond the range of FP64"),
    "no whole number": ("INT64", (1,), [1.0], "element 0 is 1.0; INT64 takes whole numbers"),
    "beyond int8": ("INT8", (2,), [1, 128], "128 is beyond INT8"),
    "below zero": ("UINT8", (1,), [-1], "-1 is beyond UINT8"),
    "beyond uint64": ("UINT64", (1,), [2**64], "is beyond UINT64"),
    "null": ("INT64", (1,), [None], "element 0 is None; INT64 takes whole numbers"),
    "one for true": ("BOOL", (1,), [1], "element 0 is 1; BOOL takes true and false"),
    "number for text": ("BYTES", (1,), [1], "element 0 is 1; BYTES takes texts"),
    "none": ("FP128", (1,), [1.0], "'FP128' is none of BOOL, INT8"),
    "no text": (None, (1,), [1.0], "datatype None is none of"),
    "nothing, and large": ("FP32", (0, 2**62), [], "is too large"),
}


@pytest.mark.parametrize("case", JSON_REFUSED)
def test_what_does_not_fit_is_refused(case):
    datatype, shape, data, words = JSON_REFUSED[case]
    with pytest.raises(Refused) as refused:
        from_json("X", datatype, shape, data)
    assert refused.value.status == 400
    assert refused.value.message.startswith("X: ")
    assert words in refused.value.message


BYTES_REFUSED = {
    "too few": ("FP32", (2,), b"\0" * 7, "has 7 bytes, shape [2] of FP32 takes 8"),
    "too many": ("INT8", (2,), b"\0" * 3, "has 3 bytes"),
    "no truth": ("BOOL", (2,), b"\1\2", "has a byte 2"),
    "half a length": ("BYTES", (1,), b"\1\0", "end within the length of text 0"),
    "half a text": ("BYTES", (1,), b"\xff\xff\xff\xff1", "end within text 0"),
    "no utf-8": ("BYTES", (1,), b"\1\0\0\0\xff", "text 0 is no UTF-8"),
    "other count": ("BYTES", (2,), b"\0\0\0\0", "hold 1 texts, shape [2] says 2"),
}


@pytest.mark.parametrize("case", BYTES_REFUSED)
def test_bytes_that_do_not_fit_are_refused(case):
    datatype, shape, content, words = BYTES_REFUSED[case]
    with pytest.raises(Refused, match=r"^X: ") as refused:
        from_bytes("X", datatype, shape, memoryview(content))
    assert words in refused.value.message


def test_rows_of_several_columns_are_counted_in_refusals():
    with pytest.raises(Refused, match="inf in row 1"):
        to_json("variable", np.array([[1.0, 2.0], [3.0, np.inf]]))
