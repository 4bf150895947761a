"""A real service in a process of its own, and models that answer what they are given."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import socket
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

JSON = {"content-type": "application/json"}


@dataclass
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self):
        return json.loads(self.body, parse_constant=pytest.fail)

    @property
    def error(self) -> str:
        """The one line of a refusal."""
        assert set(self.json) == {"error"}
        assert "\n" not in self.json["error"]
        assert "Traceback" not in self.json["error"]
        return self.json["error"]


@dataclass
class Server:
    process: subprocess.Popen
    port: int
    models: list

    def ask(self, method, path, body=None, headers=None) -> Answer:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        with contextlib.closing(connection):
            connection.request(method, path, body, headers or {})
            response = connection.getresponse()
            names = {k.lower(): v for k, v in response.getheaders()}
            return Answer(response.status, names, response.read())

    def get(self, path) -> Answer:
        return self.ask("GET", path)

    def infer(self, model, *inputs, **more) -> Answer:
        document = json.dumps({"inputs": list(inputs), **more})
        return self.ask("POST", f"/v2/models/{model}/infer", document, JSON)

    def connect(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), timeout=30)

    def stop(self, seconds=30) -> int:
        self.process.terminate()
        return self.process.wait(seconds)


def start(*arguments, module="toolkit", environment=None) -> Server:
    """Start a service on a free port; its standard error goes where the tests' goes."""
    words = ["serve"] if module == "toolkit" else []
    command = [sys.executable, "-m", module, *words, "--port", "0", "--json", *map(str, arguments)]
    process = subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
        env={**os.environ, **(environment or {})},
    )
    line = process.stdout.readline()
    if not line:
        process.wait(30)
        pytest.fail(process.stderr.read())
    told = json.loads(line)
    return Server(process, int(told["url"].rpartition(":")[2]), told["models"])


@contextlib.contextmanager
def running(*arguments, **more):
    """Yield a service, and end it."""
    server = start(*arguments, **more)
    try:
        yield server
    finally:
        if server.process.poll() is None:
            server.process.kill()
        server.process.wait(30)
        server.process.stdout.close()
        server.process.stderr.close()


def refused(*arguments, module="toolkit", environment=None) -> tuple[int, str]:
    """Return the exit code and the last line of a service that does not start."""
    words = ["serve"] if module == "toolkit" else []
    done = subprocess.run(
        [sys.executable, "-m", module, *words, *map(str, arguments)],
        capture_output=True,
        encoding="utf-8",
        timeout=120,
        env={**os.environ, **(environment or {})},
    )
    assert done.stdout == ""
    return done.returncode, done.stderr.strip().splitlines()[-1]


def tensor(name, array, datatype, flat=True):
    values = np.asarray(array)
    data = (values.ravel() if flat else values).tolist()
    return {"name": name, "shape": list(values.shape), "datatype": datatype, "data": data}


def receive_all(connection) -> bytes:
    """Read until the other side closes."""
    parts = []
    with contextlib.suppress(ConnectionResetError):
        while part := connection.recv(1 << 16):
            parts.append(part)
    return b"".join(parts)


def waited(condition, seconds=20.0) -> bool:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(0.02)
    return False


@pytest.fixture(scope="session")
def echo(tmp_path_factory) -> Path:
    """A graph with an input of every type, named for it, each given back as `NAME_out`."""
    from onnx import TensorProto, helper, save

    from toolkit.serve.tensors import TYPES

    folder = tmp_path_factory.mktemp("graphs")
    kinds = {"string": TensorProto.STRING, "float32": TensorProto.FLOAT}
    kinds |= {"float64": TensorProto.DOUBLE}
    nodes, inputs, outputs = [], [], []
    for datatype, name in TYPES.items():
        kind = kinds.get(name) or getattr(TensorProto, name.upper())
        nodes.append(helper.make_node("Identity", [datatype], [f"{datatype}_out"]))
        inputs.append(helper.make_tensor_value_info(datatype, kind, ["N", None]))
        outputs.append(helper.make_tensor_value_info(f"{datatype}_out", kind, ["N", None]))
    graph = helper.make_graph(nodes, "echo", inputs, outputs)
    save(_model(graph), folder / "echo.onnx")
    return folder / "echo.onnx"


@pytest.fixture(scope="session")
def counting(tmp_path_factory) -> Path:
    """A graph that takes as long as its row says: it counts up to that number, one by one."""
    from onnx import TensorProto, helper, save

    number = helper.make_tensor_value_info
    body = helper.make_graph(
        [
            helper.make_node("Identity", ["going"], ["goes"]),
            helper.make_node("Add", ["x", "one"], ["y"]),
        ],
        "one",
        [
            number("k", TensorProto.INT64, []),
            number("going", TensorProto.BOOL, []),
            number("x", TensorProto.FLOAT, []),
        ],
        [number("goes", TensorProto.BOOL, []), number("y", TensorProto.FLOAT, [])],
        [helper.make_tensor("one", TensorProto.FLOAT, [], [1.0])],
    )
    nodes = [
        helper.make_node("ReduceMax", ["X"], ["most"], keepdims=0),
        helper.make_node("Cast", ["most"], ["turns"], to=TensorProto.INT64),
        helper.make_node("Loop", ["turns", "", "zero"], ["counted"], body=body),
        helper.make_node("Mul", ["X", "zero"], ["nothing"]),
        helper.make_node("Add", ["nothing", "counted"], ["variable"]),
    ]
    graph = helper.make_graph(
        nodes,
        "counting",
        [number("X", TensorProto.FLOAT, ["N", 1])],
        [number("variable", TensorProto.FLOAT, ["N", 1])],
        [helper.make_tensor("zero", TensorProto.FLOAT, [], [0.0])],
    )
    folder = tmp_path_factory.mktemp("graphs")
    save(_model(graph), folder / "counting.onnx")
    return folder / "counting.onnx"


def _model(graph):
    from onnx import helper

    opsets = [helper.make_opsetid("", 17)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=8)


@pytest.fixture(scope="session")
def server(california_bundle, classifier_bundle, echo):
    """A service with two versions of a regressor, a classifier of a table, and the echo."""
    pack = california_bundle / "model.uint8-pack.pack"
    with running(california_bundle, pack, classifier_bundle, echo) as found:
        yield found
