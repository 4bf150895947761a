"""Graph passes: each tells whether it changed the graph, and never what the graph computes."""

from __future__ import annotations

import importlib
import pkgutil

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper

from tests.exporter.classifier_graphs import random_classifier
from toolkit.exporter import passes
from toolkit.onnx_graph.subgraphs import inside

MODULES = {
    m.name: importlib.import_module(f"{passes.__name__}.{m.name}")
    for m in pkgutil.iter_modules(passes.__path__)
}
ROWS = np.random.default_rng(0).normal(size=(5, 3)).astype(np.float32)
OPERATORS = ["Identity", "Relu", "Neg", "Add", "Mul", "Identity", "MatMul"]


def model_of(nodes, constants, outputs):
    graph = helper.make_graph(
        nodes,
        "g",
        [helper.make_tensor_value_info("X", TensorProto.FLOAT, [None, 3])],
        [helper.make_tensor_value_info(o, TensorProto.FLOAT, [None, 3]) for o in outputs],
        [numpy_helper.from_array(a, n) for n, a in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10)
    onnx.checker.check_model(model, full_check=True)
    return model


def random_model(seed):
    """A random graph with chains of Identity, dead ends, unused constants, outputs anywhere."""
    rng = np.random.default_rng(seed)
    tensors, constants, nodes = ["X"], {}, []
    for k in range(int(rng.integers(1, 12))):
        operator = str(rng.choice(OPERATORS))
        inputs = [str(rng.choice(tensors))]
        if operator in ("Add", "Mul"):
            constants[f"c{k}"] = rng.normal(size=(1, 3)).astype(np.float32)
            inputs.append(f"c{k}" if rng.random() < 0.5 else str(rng.choice(tensors)))
        if operator == "MatMul":
            constants[f"c{k}"] = rng.choice([0.0, 1.0, 1e-37], (3, 3)).astype(np.float32)
            inputs.append(f"c{k}")
        nodes.append(helper.make_node(operator, inputs, [f"t{k}"]))
        tensors.append(f"t{k}")
    count = int(rng.integers(1, min(3, len(tensors) - 1) + 1))
    outputs = rng.choice(tensors[1:], count, replace=False).tolist()
    return model_of(nodes, constants, outputs)


def random_branches(seed):
    """A graph, by halves without and with an If, in whose branches nodes have names or none."""
    rng = np.random.default_rng(seed)
    if seed % 2:
        return random_model(seed)
    given = (f"n{k}" for k in range(1, 99))

    def branch(name, depth):
        names = [next(given) if rng.random() < 0.5 else "" for _ in range(2)]
        nodes = [helper.make_node("Relu", ["X"], [f"{name}r"], name=names[0])]
        if depth:
            nodes.append(chosen(f"{name}r", f"{name}c", f"{name}y", depth - 1, names[1]))
        else:
            nodes.append(helper.make_node("Neg", [f"{name}r"], [f"{name}y"], name=names[1]))
        value = helper.make_tensor_value_info(f"{name}y", TensorProto.FLOAT, [None, 3])
        return helper.make_graph(nodes, name, [], [value])

    def chosen(x, prefix, output, depth, name=""):
        branches = {f"{b}_branch": branch(f"{prefix}{b}", depth) for b in ("then", "else")}
        return helper.make_node("If", ["yes"], [output], name=name, **branches)

    nodes = [helper.make_node("Abs", ["X"], ["a"], name="n0"), chosen("a", "o", "Y", seed % 3)]
    return model_of(nodes, {"yes": np.array(bool(rng.random() < 0.5))}, ["Y"])


def random_copies(seed):
    """Products with wide matrices, some of them equal, one after the other."""
    rng = np.random.default_rng(seed)
    tables = [rng.normal(size=(3, 12)).astype(np.float32) for _ in range(2)]
    constants, nodes, x = {}, [], "X"
    for k in range(int(rng.integers(1, 4))):
        wide = tables[int(rng.integers(2))] if rng.random() < 0.7 else np.full((3, 12), k, "f4")
        constants |= {f"w{k}": wide, f"v{k}": np.linalg.pinv(wide).astype(np.float32)}
        nodes += [
            helper.make_node("MatMul", [x, f"w{k}"], [f"wide{k}"]),
            helper.make_node("MatMul", [f"wide{k}", f"v{k}"], [f"t{k}"]),
        ]
        x = f"t{k}"
    return model_of(nodes, constants, [x])


# What a pass works on, where chains of products are not it.
GRAPHS = {
    "deduplicate_initializers": random_copies,
    "fuse_classifier": random_classifier,
    "name_nodes": random_branches,
}


# What a pass may round in another way, on numbers of about 1.
ROUNDING = {"fuse_scaling": 1e-5}


def run(model):
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), providers=["CPUExecutionProvider"]
    )
    return session.run(None, {"X": ROWS})


def assert_same(expected, found, allowed=1e-30):
    """To the last bit of any number that is not next to nothing."""
    if found.dtype.kind != "f":
        np.testing.assert_array_equal(found, expected)
        return
    np.testing.assert_allclose(found, expected, rtol=0, atol=allowed)


@pytest.mark.parametrize("name", MODULES)
def test_random_graphs(name):
    changed = []
    for seed in range(150):
        model = GRAPHS.get(name, random_model)(seed)
        before, expected = model.SerializeToString(), run(model)
        said = MODULES[name].apply(model)
        assert said == (model.SerializeToString() != before), seed
        assert isinstance(said, bool)
        onnx.checker.check_model(model, full_check=True)
        for a, b in zip(expected, run(model), strict=True):
            assert_same(a, b, ROUNDING.get(name, 1e-30))
        assert not MODULES[name].apply(model), f"seed {seed}: a second time changes it again"
        changed.append(said)
    assert any(changed)
    assert not all(changed)


def test_all_passes_together():
    for seed in range(150):
        model = random_model(seed)
        before, expected = model.SerializeToString(), run(model)
        assert passes.run(model) == (model.SerializeToString() != before), seed
        for a, b in zip(expected, run(model), strict=True):
            assert_same(a, b, max(ROUNDING.values()))
        kept = {t.name for t in model.graph.initializer}
        assert kept <= {i for n in model.graph.node for i in n.input}


def test_every_pass_is_listed():
    assert {p.__module__.rpartition(".")[2] for p in passes.PASSES} == set(MODULES)


def test_an_identity_that_gives_an_output_stays():
    model = model_of([helper.make_node("Identity", ["X"], ["out"])], {}, ["out"])
    assert not MODULES["drop_identity"].apply(model)
    assert [n.op_type for n in model.graph.node] == ["Identity"]


def test_a_chain_of_identities_goes_at_once():
    nodes = [
        helper.make_node("Identity", ["X"], ["a"]),
        helper.make_node("Identity", ["a"], ["b"]),
        helper.make_node("Relu", ["b"], ["out"]),
    ]
    model = model_of(nodes, {}, ["out"])
    assert MODULES["drop_identity"].apply(model)
    assert [(n.op_type, list(n.input)) for n in model.graph.node] == [("Relu", ["X"])]


def test_dead_ends_and_their_constants_are_pruned():
    nodes = [
        helper.make_node("Add", ["X", "dead"], ["a"]),
        helper.make_node("Neg", ["a"], ["b"]),
        helper.make_node("Mul", ["X", "live"], ["out"]),
    ]
    three = np.ones((1, 3), np.float32)
    model = model_of(nodes, {"dead": three, "live": three}, ["out"])
    assert MODULES["prune"].apply(model)
    assert [n.op_type for n in model.graph.node] == ["Mul"]
    assert [t.name for t in model.graph.initializer] == ["live"]


def product(weights, node=None):
    if node is None:
        node = ("MatMul", ["X", "w"])
    return model_of([helper.make_node(node[0], node[1], ["y"])], {"w": weights}, ["y"])


@pytest.mark.parametrize("tiny", [1e-33, -1e-36, 1e-39, -1e-45])
def test_tiny_weights_become_zero(tiny):
    weights = np.array([[1.0, tiny, 0.5], [tiny, 1e-30, 0.0], [2.0, 3.0, -1e-31]], np.float32)
    model = product(weights)
    before = run(model)[0]
    assert MODULES["flush_tiny"].apply(model)
    expected = np.where(np.abs(weights) < 1e-32, 0, weights)
    np.testing.assert_array_equal(numpy_helper.to_array(model.graph.initializer[0]), expected)
    np.testing.assert_allclose(run(model)[0], before, atol=1e-32)
    assert not MODULES["flush_tiny"].apply(model)


def test_constants_that_are_meant_to_be_tiny_stay():
    guard = np.full((1, 3), 1e-38, np.float32)
    for operator in ("Add", "Max", "Div"):
        assert not MODULES["flush_tiny"].apply(product(guard, (operator, ["X", "w"])))


def test_weights_of_tiny_answers_are_kept():
    small = np.array([[3e-33, 1e-33, 0.0]] * 3, np.float32)
    assert not MODULES["flush_tiny"].apply(product(small))
    assert MODULES["flush_tiny"].apply(product(np.vstack([small[:2], np.ones((1, 3), np.float32)])))


@pytest.mark.parametrize("seed", range(0, 20, 2))
def test_no_two_nodes_of_a_model_with_branches_have_one_name(seed):
    model = random_branches(seed)
    MODULES["name_nodes"].apply(model)
    names = [n.name for n in nodes_within(model.graph)]
    assert all(names)
    assert len({*names, *(n.name for n in model.graph.node if n.name)}) == len(names) + 1


def nodes_within(graph):
    for node in graph.node:
        for body in inside(node):
            yield from body.node
            yield from nodes_within(body)


@pytest.mark.parametrize("tensors", [1, 2, 3])
def test_columns_of_several_tensors_are_taken_by_nodes_with_names(tensors):
    """onnxruntime 1.18 to 1.20 refuse two unnamed ones; one alone stays as it is."""
    sources = ["X", *(f"x{t}" for t in range(1, tensors))]
    nodes = [helper.make_node("Neg", ["X"], [t]) for t in sources[1:]]
    for t in sources:
        nodes += [helper.make_node("Gather", [t, f"c{k}"], [f"{t}{k}"], axis=1) for k in (0, 1)]
    picked = [f"{t}{k}" for t in sources for k in (0, 1)]
    nodes += [
        helper.make_node("Sum", picked, ["sum"]),
        helper.make_node("Add", ["X", "sum"], ["Y"]),
    ]
    model = model_of(nodes, {"c0": np.array([0]), "c1": np.array([1])}, ["Y"])
    assert MODULES["name_nodes"].apply(model) == (tensors > 1)
    names = [n.name for n in model.graph.node if n.op_type == "Gather"]
    assert len(set(names)) == (2 * tensors if tensors > 1 else 1)
