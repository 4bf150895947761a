"""Each path of the protocol, as a client of another make would ask it."""

from __future__ import annotations

import json

import numpy as np
import pytest

from tests.serve.conftest import JSON, tensor
from toolkit import __version__
from toolkit.runtime import load

ROW = [8.3252, 41, 6.984127, 1.023810, 322, 2.555556, 37.88, -122.23]


def test_the_server_is_live_ready_and_says_what_it_is(server):
    for path in ("/v2/health/live", "/v2/health/ready", "/v2/models/homes/ready"):
        answer = server.get(path)
        assert (answer.status, answer.body) == (200, b"")
    assert server.get("/v2").json == {
        "name": "toolkit",
        "version": __version__,
        "extensions": ["binary_tensor_data"],
    }


def test_a_model_says_what_it_takes_and_gives(server):
    assert server.get("/v2/models/california-linear").json == {
        "name": "california-linear",
        "versions": ["float32", "uint8-pack"],
        "platform": "onnxruntime_onnx",
        "inputs": [{"name": "X", "datatype": "FP32", "shape": [-1, 8]}],
        "outputs": [{"name": "variable", "datatype": "FP32", "shape": [-1, 1]}],
    }
    of_version = server.get("/v2/models/california-linear/versions/uint8-pack")
    assert of_version.json["versions"] == ["float32", "uint8-pack"]


def test_a_model_of_a_table_has_an_input_a_column(server, classifier_bundle):
    found = server.get("/v2/models/homes").json
    model = load(classifier_bundle)
    assert [i["name"] for i in found["inputs"]] == [i.name for i in model.inputs]
    assert {i["name"]: i["datatype"] for i in found["inputs"]}["city"] == "BYTES"
    assert {o["name"]: o["datatype"] for o in found["outputs"]} == {
        "label": "BYTES",
        "probabilities": "FP32",
    }
    assert {o["name"]: o["shape"] for o in found["outputs"]}["probabilities"] == [-1, 2]


def test_a_request_is_answered_as_predict_answers(server, california_bundle):
    answer = server.infer("california-linear", tensor("X", [ROW], "FP32"), id="a1").json
    expected = load(california_bundle).run([ROW])["variable"]
    assert answer == {
        "model_name": "california-linear",
        "model_version": "float32",
        "id": "a1",
        "outputs": [
            {
                "name": "variable",
                "datatype": "FP32",
                "shape": [1, 1],
                "data": expected.ravel().tolist(),
            }
        ],
    }


def test_a_version_is_the_files_method(server, california_bundle):
    model = "california-linear/versions/uint8-pack"
    answer = server.infer(model, tensor("X", [ROW], "FP32")).json
    assert answer["model_version"] == "uint8-pack"
    assert "id" not in answer
    expected = load(california_bundle / "model.uint8-pack.pack").run([ROW])["variable"]
    assert answer["outputs"][0]["data"] == expected.ravel().tolist()


def test_nested_and_flat_data_are_one(server):
    rows = np.array([ROW, ROW])
    flat = server.infer("california-linear", tensor("X", rows, "FP32"))
    nested = server.infer("california-linear", tensor("X", rows, "FP32", flat=False))
    assert flat.json == nested.json
    assert flat.json["outputs"][0]["shape"] == [2, 1]


def homes(size, rooms, city):
    return (
        {"name": "size", "shape": [len(size), 1], "datatype": "FP64", "data": size},
        {"name": "rooms", "shape": [len(size), 1], "datatype": "INT64", "data": rooms},
        {"name": "city", "shape": [len(size), 1], "datatype": "BYTES", "data": city},
    )


def test_null_is_a_missing_number_or_text(server, classifier_bundle):
    answer = server.infer("homes", *homes([None, 80.5], [3, 4], ["Ulm", None])).json
    columns = {"size": [np.nan, 80.5], "rooms": [3, 4], "city": ["Ulm", None]}
    expected = load(classifier_bundle).run(columns)
    got = {o["name"]: o for o in answer["outputs"]}
    assert got["label"]["data"] == expected["label"].tolist()
    assert got["probabilities"]["data"] == expected["probabilities"].ravel().tolist()


def test_only_the_outputs_that_are_asked_for_come(server):
    inputs = homes([50.0], [3], ["Kiel"])
    answer = server.infer("homes", *inputs, outputs=[{"name": "probabilities"}]).json
    assert [o["name"] for o in answer["outputs"]] == ["probabilities"]
    answer = server.infer("homes", *inputs, outputs=[]).json
    assert [o["name"] for o in answer["outputs"]] == ["label", "probabilities"]


def test_no_rows_are_an_answer(server):
    empty = {"name": "X", "shape": [0, 8], "datatype": "FP32", "data": []}
    output = server.infer("california-linear", empty).json["outputs"][0]
    assert (output["shape"], output["data"]) == ([0, 1], [])


def test_parameters_that_are_others_are_passed_over(server):
    inputs = {**tensor("X", [ROW], "FP32"), "parameters": {"content_type": "np"}}
    answer = server.infer("california-linear", inputs, parameters={"priority": 1})
    assert answer.status == 200


def test_head_is_get_without_the_body(server):
    got, headed = server.get("/v2"), server.ask("HEAD", "/v2")
    assert (headed.status, headed.body) == (200, b"")
    assert headed.headers["content-length"] == str(len(got.body))


def test_a_connection_is_kept_for_many_requests(server):
    import http.client

    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
    body = json.dumps({"inputs": [tensor("X", [ROW], "FP32")]})
    answers = set()
    for _ in range(20):
        connection.request("POST", "/v2/models/california-linear/infer", body, JSON)
        answers.add(connection.getresponse().read())
    own = connection.sock.getsockname()
    connection.request("GET", "/v2/health/live")
    connection.getresponse().read()
    assert connection.sock.getsockname() == own
    connection.close()
    assert len(answers) == 1


PATHS = {
    "no such path": ("GET", "/v1/models", 404, "GET / shows"),
    "no such model": ("GET", "/v2/models/none", 404, "there is california-linear, homes, echo"),
    "no such version": (
        "GET",
        "/v2/models/homes/versions/7",
        404,
        "homes has no version '7'; it has float32",
    ),
    "no such model to infer": ("POST", "/v2/models/none/infer", 404, "no model 'none'"),
    "more behind it": ("GET", "/v2/models/homes/ready/now", 404, "no such path"),
    "half a version": ("GET", "/v2/models/homes/versions", 404, "no such path"),
    "get to infer": ("GET", "/v2/models/homes/infer", 405, "use POST"),
    "post to health": ("POST", "/v2/health/live", 405, "use GET"),
    "delete": ("DELETE", "/v2/models/homes", 405, "DELETE is not taken here; use GET"),
    "above the root": ("GET", "/../etc/passwd", 404, "no such path"),
    "a steering name": ("GET", "/v2/models/%0d%0aX", 404, "no model"),
}


@pytest.mark.parametrize("case", PATHS)
def test_wrong_paths_and_methods(server, case):
    method, path, status, words = PATHS[case]
    answer = server.ask(method, path)
    assert answer.status == status
    assert words in answer.error
    if status == 405:
        assert answer.headers["allow"] in ("POST", "GET, HEAD")


def test_a_name_may_have_any_letters(california, tmp_path):
    from tests.serve.conftest import running

    path = california / "manifest.json"
    manifest = json.loads(path.read_text(encoding="utf-8"))
    manifest["name"] = "häuser/süd 1"
    path.write_text(json.dumps(manifest), encoding="utf-8")
    with running(california) as server:
        name = "h%C3%A4user%2Fs%C3%BCd%201"
        assert server.get(f"/v2/models/{name}").json["name"] == "häuser/süd 1"
        assert server.infer(name, tensor("X", [ROW], "FP32")).json["model_name"] == "häuser/süd 1"
