"""What a file requires: told from its messages, and as scripts/requires found it by running."""

from __future__ import annotations

import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper

from toolkit.errors import CorruptArtifact, InvalidInput
from toolkit.exporter.opsets import ML_OPSETS, OPSETS, target_of
from toolkit.runtime.requires import minor, requires, too_old

rng = np.random.default_rng(0)
X = rng.normal(size=(120, 4))
Y = X.sum(axis=1) + X[:, 0] ** 2
FLOAT, DOUBLE = TensorProto.FLOAT, TensorProto.DOUBLE


def model_of(nodes, opset=19, ir=9, kind=FLOAT, constants=(), ml=None, output="Y"):
    graph = helper.make_graph(
        nodes,
        "g",
        [helper.make_tensor_value_info("X", kind, [None, 2])],
        [helper.make_tensor_value_info(output, kind, None)],
        [numpy_helper.from_array(a, n) for n, a in dict(constants).items()],
    )
    opsets = [helper.make_opsetid("", opset)]
    opsets += [helper.make_opsetid("ai.onnx.ml", ml)] if ml else []
    model = helper.make_model(graph, opset_imports=opsets, ir_version=ir)
    return model.SerializeToString()


def node(operator, inputs=("X",), outputs=("Y",), **more):
    return helper.make_node(operator, list(inputs), list(outputs), **more)


def two(first, second, **more):
    return [node(first, outputs=("a",)), node(second, ("a", *more.get("with_", ())))]


COLUMNS = {"c": np.array([0]), "d": np.array([1])}


def picked(name):
    """Two columns of each of two tensors, by nodes with names or without."""
    nodes = [node("Neg", outputs=("n",))]
    for tensor in ("X", "n"):
        for k in COLUMNS:
            at = f"{tensor}{k}"
            nodes.append(node("Gather", (tensor, k), (at,), axis=1, name=name and at))
    return [*nodes, node("Sum", ("Xc", "Xd", "nc", "nd"))]


def branch(*nodes, kind=FLOAT):
    return helper.make_graph(nodes, "b", [], [helper.make_tensor_value_info("y", kind, None)])


CASES = [
    ("plain", model_of([node("Relu")]), "1.16"),
    ("opset 20", model_of([node("Relu")], opset=20), "1.17"),
    ("opset 21", model_of([node("Relu")], opset=21), "1.18"),
    ("opset 22", model_of([node("Relu")], opset=22), "1.21"),
    ("an opset to come", model_of([node("Relu")], opset=99), None),
    ("IR 10", model_of([node("Relu")], ir=10), "1.18"),
    ("IR 11", model_of([node("Relu")], ir=11), "1.23"),
    ("ai.onnx.ml 4", model_of([node("Relu")], ml=4), "1.17"),
    ("TreeEnsemble", model_of([node("TreeEnsemble", domain="ai.onnx.ml")], ml=5), "1.21"),
    ("its name elsewhere", model_of([node("TreeEnsemble", domain="other")]), "1.16"),
    ("16 bits", model_of([node("QuantizeLinear", domain="com.microsoft")]), "1.17"),
    ("Cos", model_of([node("Cos")]), "1.16"),
    ("Cos in float64", model_of([node("Cos")], kind=DOUBLE), "1.24"),
    (
        "Cos after a Cast",
        model_of([node("Cast", outputs=("a",), to=DOUBLE), node("Cos", "a")]),
        "1.24",
    ),
    (
        "a Cast back",
        model_of(
            [node("Cast", outputs=("a",), to=FLOAT), node("Cos", "a")], kind=DOUBLE, output="Z"
        ),
        "1.16",
    ),
    ("a sum before it", model_of(two("Neg", "Cos"), kind=DOUBLE), "1.24"),
    (
        "chosen",
        model_of([node("Where", ("w", "X", "X"), "a"), node("Cos", "a")], kind=DOUBLE),
        "1.24",
    ),
    ("ReduceL1 of opset 17", model_of([node("ReduceL1")], opset=17, kind=DOUBLE), "1.20"),
    ("ReduceL1 of opset 18", model_of([node("ReduceL1")], opset=18, kind=DOUBLE), "1.16"),
    ("Gemm and Relu", model_of(two("Gemm", "Relu")), "1.16"),
    ("Gemm and Relu in float64", model_of(two("Gemm", "Relu"), kind=DOUBLE), "1.18"),
    ("read twice", model_of([*two("Gemm", "Relu"), node("Neg", "a", "Z")], kind=DOUBLE), "1.16"),
    ("Transpose and MatMul", model_of(two("Transpose", "MatMul", with_="X"), kind=DOUBLE), "1.21"),
    ("columns", model_of(picked(""), constants=COLUMNS), "1.22"),
    ("columns with names", model_of(picked("n"), constants=COLUMNS), "1.16"),
    (
        "inside",
        model_of(
            [
                node(
                    "If",
                    ("c",),
                    then_branch=branch(node("Cos", ("d",), ("y",)), kind=DOUBLE),
                    else_branch=branch(),
                )
            ],
            constants={"d": np.zeros(2)},
        ),
        "1.24",
    ),
]


@pytest.mark.parametrize(("content", "lowest"), [c[1:] for c in CASES], ids=[c[0] for c in CASES])
def test_the_lowest_runtime(content, lowest):
    assert requires(content, "m")["onnxruntime"] == lowest


def test_all_that_is_told():
    nodes = [node("Relu", outputs=("a",)), node("Tokenizer", "a", domain="com.microsoft")]
    assert requires(model_of(nodes, opset=15, ir=8, ml=3), "m") == {
        "opset": 15,
        "ir_version": 8,
        "domains": {"ai.onnx": 15, "com.microsoft": None},
        "standard": False,
        "beyond": ["com.microsoft.Tokenizer"],
        "onnxruntime": "1.16",
    }


@pytest.mark.parametrize("content", [b"\xff", b"\x3a\x05", b"\x3a\x02\x0a\x05", b"\x08"])
def test_what_is_no_model(content):
    with pytest.raises(CorruptArtifact, match=r"^m: is no well-formed ONNX model"):
        requires(content, "m")


# --- versions -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("needed", "installed", "old"),
    [
        ("1.21", "1.19.2", True),
        ("1.9", "1.19.2", False),
        ("1.21", "1.21.0", False),
        ("1.21", "1.21.0.dev1", False),
        ("1.21", "2.0", False),
        ("1.21", "nightly", False),
        (None, "1.19.2", False),
    ],
)
def test_too_old(needed, installed, old):
    text = too_old(needed, installed)
    assert bool(text) == old
    if old:
        assert text == (
            "needs onnxruntime 1.21 or newer; this is 1.19.2; export with --runtime 1.19"
        )


@pytest.mark.parametrize("version", ["", "1", "x.y", "1.x", "1.-2", "one"])
def test_what_is_no_version(version):
    with pytest.raises(InvalidInput, match="is no version of onnxruntime"):
        minor(version)


@pytest.mark.parametrize(
    ("runtime", "opset", "ml"),
    [
        ("1.16", 19, 3),
        ("1.17.3", 20, 4),
        ("1.18", 21, 4),
        ("1.20", 21, 4),
        ("1.21", 21, 5),
        ("1.99", 21, 5),
        ("2.1", 21, 5),
        (None, 21, 5),
    ],
)
def test_what_is_written_for_a_runtime(runtime, opset, ml):
    found = target_of(runtime=runtime)
    assert (found.opset, found.ml_opset, found.runtime) == (opset, ml, runtime)


def test_an_opset_alone_is_as_it_was():
    assert [target_of(o).ml_opset for o in OPSETS] == list(ML_OPSETS.values())


@pytest.mark.parametrize(
    ("opset", "runtime", "words"),
    [
        (None, "1.15", "older than 1.16"),
        (21, "1.17", "opset 21 is newer than onnxruntime 1.17 has; choose up to 20"),
        (None, 1.18, "write it in quotes"),
        (14, None, "opset 14 is not one of 15 to 22"),
    ],
)
def test_targets_that_are_refused(opset, runtime, words):
    with pytest.raises(InvalidInput, match=words):
        target_of(opset, runtime)


# --- files ----------------------------------------------------------------------------------------


# --- scripts/requires -----------------------------------------------------------------------------
