"""Graphs that onnxruntime would take without a bound, and the limits of a process."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from tests.runtime.graphs import model_of
from toolkit.errors import CorruptArtifact
from toolkit.runtime import wire
from toolkit.runtime.session import open_session


def node(*arguments, **attributes):
    return helper.make_node(*arguments, **attributes)


def adding(*nodes, **initializers):
    """Y = X + what the nodes make of `c`."""
    last = [node("ReduceSum", ["c"], ["r"], keepdims=0), node("Add", ["X", "r"], ["Y"])]
    return model_of([*nodes, *last], initializers)


SIZE = np.array([100_000, 100_000], dtype=np.int64)
ONE = np.array([1.0], dtype=np.float32)


def in_a_branch():
    inner = helper.make_graph(
        [node("ConstantOfShape", ["s"], ["o"])],
        "b",
        [],
        [helper.make_tensor_value_info("o", TensorProto.FLOAT, None)],
    )
    made = node("If", ["yes"], ["c"], then_branch=inner, else_branch=inner)
    return adding(made, s=SIZE, yes=np.array(True))


SIZES = {
    "shape": lambda: adding(node("ConstantOfShape", ["s"], ["c"]), s=SIZE),
    "expand": lambda: adding(node("Expand", ["o", "s"], ["c"]), o=ONE, s=SIZE),
    "tile": lambda: adding(node("Tile", ["o", "s"], ["c"]), o=ONE, s=SIZE[:1] ** 2),
    "range": lambda: adding(
        node("Range", ["a", "b", "d"], ["i"]),
        node("Cast", ["i"], ["c"], to=1),
        a=np.array(0),
        b=np.array(10**10),
        d=np.array(1),
    ),
    "random": lambda: adding(node("RandomNormal", [], ["c"], shape=[100_000, 100_000])),
    "constant": lambda: adding(
        node("Constant", [], ["s"], value_ints=SIZE.tolist()), node("ConstantOfShape", ["s"], ["c"])
    ),
    "constant-tensor": lambda: adding(
        node("ConstantOfShape", ["s"], ["c"]),
        node("Constant", [], ["s"], value=onnx.numpy_helper.from_array(SIZE)),
    ),
    "branch": in_a_branch,
}


@pytest.mark.parametrize("kind", SIZES)
def test_constant_sizes(kind):
    with pytest.raises(
        CorruptArtifact, match=r"m\.onnx: its operator \w+ makes a tensor of 1e\+10"
    ):
        open_session(SIZES[kind]().SerializeToString(), "m.onnx")


@pytest.mark.parametrize("kind", SIZES)
def test_constant_sizes_in_a_large_model(kind):
    model = SIZES[kind]()
    model.graph.initializer.append(
        onnx.numpy_helper.from_array(np.zeros(100_000, np.float32), "large")
    )
    with pytest.raises(CorruptArtifact, match="makes a tensor"):
        open_session(model.SerializeToString(), "m.onnx")


def test_a_large_node():
    """Its own attribute is large, or that of a node in a branch."""
    large = helper.make_tensor("v", TensorProto.FLOAT, [1], [1.0])
    large.doc_string = "long" * 20_000
    model = adding(node("ConstantOfShape", ["s"], ["c"], value=large), s=SIZE)
    with pytest.raises(CorruptArtifact, match="makes a tensor"):
        open_session(model.SerializeToString(), "m.onnx")
    model = in_a_branch()
    model.graph.node[0].attribute[0].g.doc_string = "long" * 20_000
    with pytest.raises(CorruptArtifact, match="makes a tensor"):
        open_session(model.SerializeToString(), "m.onnx")


def test_a_graph_in_two_parts():
    """Protobuf merges them: the size stands in another one than the operator."""
    model = SIZES["shape"]()
    size = model.graph.initializer.pop()
    rest = wire.bytes_field(7, wire.bytes_field(5, size.SerializeToString()))
    with pytest.raises(CorruptArtifact, match="makes a tensor"):
        open_session(model.SerializeToString() + rest, "m.onnx")


def test_numbers_of_int32_and_integers_one_by_one():
    model = SIZES["shape"]()
    model.graph.initializer[0].CopyFrom(
        helper.make_tensor("s", TensorProto.INT64, [2], SIZE.tolist())  # int64_data, not raw
    )
    with pytest.raises(CorruptArtifact, match="makes a tensor"):
        open_session(model.SerializeToString(), "m.onnx")
    pair = np.array([7, 7], dtype=np.int32)  # the bytes of one large int64
    model = adding(node("Cast", ["p"], ["s"], to=7), node("ConstantOfShape", ["s"], ["c"]), p=pair)
    open_session(model.SerializeToString(), "m.onnx")


def test_sizes_within_the_limit():
    model = adding(node("ConstantOfShape", ["s"], ["c"]), s=np.array([100, 100], dtype=np.int64))
    open_session(model.SerializeToString(), "m.onnx")


def test_functions():
    opsets = [helper.make_opsetid("", 18), helper.make_opsetid("own", 1)]
    model = model_of([node("F30", ["X"], ["Y"], domain="own")], {})
    model.functions.append(
        helper.make_function("own", "F0", ["a"], ["b"], [node("Neg", ["a"], ["b"])], opsets)
    )
    for k in range(1, 31):
        twice = [
            node(f"F{k - 1}", ["a"], ["t"], domain="own"),
            node(f"F{k - 1}", ["t"], ["b"], domain="own"),
        ]
        model.functions.append(helper.make_function("own", f"F{k}", ["a"], ["b"], twice, opsets))
    model.opset_import.append(helper.make_opsetid("own", 1))
    with pytest.raises(CorruptArtifact, match="has functions of its own"):
        open_session(model.SerializeToString(), "m.onnx")


def endless():
    body = helper.make_graph(
        [node("Identity", ["go"], ["on"]), node("Identity", ["x"], ["y"])],
        "b",
        [
            helper.make_tensor_value_info("i", TensorProto.INT64, []),
            helper.make_tensor_value_info("go", TensorProto.BOOL, []),
            helper.make_tensor_value_info("x", TensorProto.FLOAT, [None, 3]),
        ],
        [
            helper.make_tensor_value_info("on", TensorProto.BOOL, []),
            helper.make_tensor_value_info("y", TensorProto.FLOAT, [None, 3]),
        ],
    )
    return model_of([node("Loop", ["", "yes", "X"], ["Y"], body=body)], {"yes": np.array(True)})


def of_rows():
    """A tensor as large as the first number of the rows says."""
    nodes = [
        node("ReduceMax", ["X"], ["m"], keepdims=0),
        node("Cast", ["m"], ["n"], to=7),
        node("Unsqueeze", ["n", "axis"], ["s"]),
        node("ConstantOfShape", ["s"], ["c"]),
    ]
    return adding(*nodes, axis=np.array([0], dtype=np.int64))


def run(module, path, *options):
    rows = path.parent / "rows.csv"
    rows.write_text("30000000000,2,3\n", encoding="utf-8")
    return subprocess.run(
        [sys.executable, "-m", module, "predict", str(path), "--input", str(rows), *options],
        capture_output=True,
        encoding="utf-8",
        timeout=120,
        check=False,
    )


@pytest.fixture
def artifact(tmp_path):
    path = tmp_path / "m.onnx"

    def write(model):
        path.write_bytes(model.SerializeToString())
        return path

    return write


BOTH = pytest.mark.parametrize("module", ["toolkit", "toolkit.runtime"])


@BOTH
def test_a_limit_of_time_ends_an_endless_loop(module, artifact):
    done = run(module, artifact(endless()), "--limit-seconds", "3")
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert "not done after 3 seconds" in done.stderr


@BOTH
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="there is no such limit")
def test_a_limit_of_memory(module, artifact):
    done = run(module, artifact(of_rows()), "--limit-memory", "1G")
    assert done.returncode == 2
    assert done.stderr.startswith("error: ")
    assert done.stderr.count("\n") == 1


@BOTH
@pytest.mark.parametrize(
    "option",
    [
        *(["--limit-memory", size] for size in ("x", "0", "1.5X", "1M", "9" * 30)),
        *(["--limit-seconds", time] for time in ("x", "0", "nan", "-1", "1e9")),
    ],
    ids=" ".join,
)
def test_limits_that_are_none(module, artifact, option):
    done = run(module, artifact(of_rows()), *option)
    assert done.returncode == 2
    assert f"{option[0]} " in done.stderr
    assert done.stderr.count("\n") == 1, done.stderr
