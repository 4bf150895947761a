"""A reader written from the document alone sees in every pack what the runtime sees."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from onnx import TensorProto, helper, load_model_from_string
from sklearn.datasets import load_diabetes, load_digits, load_wine
from sklearn.ensemble import (
    ExtraTreesRegressor,
    GradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
)
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import PolynomialFeatures, StandardScaler
from sklearn.svm import SVR

from tests import second_reader
from toolkit.exporter import export
from toolkit.quantizer import method_names, quantize
from toolkit.runtime import pack
from toolkit.runtime.pack.forest.nodes import to_node
from toolkit.runtime.session import open_session

ROOT = Path(__file__).resolve().parents[1]
SAMPLES = sorted((ROOT / "tests" / "data").glob("*.pack"))
# Reduced sets need a sum of smooth kernels; their files are like those of uint8-pack.
PACKS = [m for m in method_names() if m.endswith("pack") and m != "reduced-set-pack"]
COMPANDED = 3
ROWS = 20


def with_missing(X):
    return np.where(np.random.default_rng(0).random(X.shape) < 0.1, np.nan, X)


def ridge(X, y):
    return make_pipeline(StandardScaler(), PolynomialFeatures(2), Ridge()).fit(X, y), X


def missing(X, y):
    X = with_missing(X)
    return HistGradientBoostingRegressor(max_iter=20).fit(X, y), X


def several_targets(X, y):
    return ExtraTreesRegressor(5, random_state=0).fit(X, np.column_stack([y, X[:, 0]])), X


MODELS = {
    "logistic": (load_digits, lambda X, y: (LogisticRegression(max_iter=50).fit(X, y), X)),
    "polynomial": (load_diabetes, ridge),
    "mlp": (
        load_diabetes,
        lambda X, y: (MLPRegressor(hidden_layer_sizes=(80, 80), max_iter=5).fit(X, y), X),
    ),
    "svr": (load_diabetes, lambda X, y: (SVR(C=100.0).fit(X, y), X)),
    "neighbours": (load_wine, lambda X, y: (KNeighborsClassifier().fit(X, y), X)),
    "forest": (load_wine, lambda X, y: (RandomForestClassifier(10, random_state=0).fit(X, y), X)),
    "boosting": (load_wine, lambda X, y: (GradientBoostingClassifier(n_estimators=5).fit(X, y), X)),
    "missing": (load_diabetes, missing),
    "several": (load_diabetes, several_targets),
    "turned": (
        load_diabetes,
        lambda X, y: (HistGradientBoostingRegressor(max_iter=150).fit(X, y), X),
    ),
}


@pytest.fixture(scope="session")
def packs(tmp_path_factory):
    """Name -> (content, rows) of the committed samples and of every model with every method."""
    found = {path.stem: (path.read_bytes(), None) for path in SAMPLES}
    for name, (load, fit) in MODELS.items():
        X, y = load(return_X_y=True)
        estimator, X = fit(X, y)
        out = tmp_path_factory.mktemp("second") / name
        bundle = export(estimator, X, y, name=name, out=out)
        for variant in quantize(bundle, PACKS):
            if variant.file:
                found[f"{name} {variant.method}"] = ((out / variant.file).read_bytes(), X[:ROWS])
    return found


@pytest.fixture(scope="session")
def dictionary():
    """The preset dictionary, from the document's own hexadecimal digits."""
    text = (ROOT / "docs" / "pack-format.md").read_text(encoding="utf-8")
    (digits,) = re.findall(r"```hex\n([0-9a-f\s]+)```", text)
    return bytes.fromhex(digits)


def test_there_are_packs_of_every_method_and_every_encoding(packs, dictionary):
    methods = {name.split()[-1] for name in packs if " " in name}
    assert methods == set(PACKS)
    read = [second_reader.read(content, dictionary) for content, _ in packs.values()]
    assert {p.version for p in read} == set(pack.READERS)
    assert any(p.ensembles for p in read)
    forests = [f for c, _ in packs.values() for f in pack.read(c, "a pack").forests]
    assert any(f.turned.any() for f in forests)


def test_both_readers_see_the_same(packs, dictionary):
    for name, (content, rows) in packs.items():
        ours, theirs = pack.read(content, name), second_reader.read(content, dictionary)
        assert theirs.skeleton == ours.skeleton
        load_model_from_string(theirs.skeleton)
        assert [t.name for t in theirs.tensors] == [t.name for t in ours.tensors]
        for a, b in zip(theirs.tensors, ours.tensors, strict=True):
            assert tuple(a.shape) == b.values.shape
            values = np.array(a.numbers, dtype=b.values.dtype).reshape(a.shape)
            # Libraries differ in the last bit of sinh.
            ulp = 2 if a.encoding == COMPANDED else 0
            np.testing.assert_array_max_ulp(values, b.values, ulp) if ulp else (
                np.testing.assert_array_equal(values, b.values, err_msg=f"{name} {a.name}")
            )
        for a, b in zip(theirs.ensembles, ours.forests, strict=True):
            assert_same_answers(a, b, rows)


def assert_same_answers(ensemble, forest, rows):
    """The ensemble walked here against onnxruntime on the node that the runtime writes."""
    features = 1 + int(forest.feature.max(initial=0))
    if rows is None or rows.shape[1] < features:
        rows = np.random.default_rng(0).normal(size=(ROWS, features))
    if forest.turned.any():
        rows = np.concatenate([rows[:, : forest.width], -rows[:, : forest.width]], axis=1)
    rows = rows.astype(forest.values.dtype)
    kind = TensorProto.DOUBLE if forest.values.dtype.itemsize == 8 else TensorProto.FLOAT
    got = run_node(to_node(forest), forest, kind, rows)
    expected = np.array([ensemble.answer(row.tolist()) for row in rows])
    assert ensemble.source == forest.source
    np.testing.assert_allclose(got, expected, rtol=1e-5, atol=1e-5 * np.abs(expected).max())


def run_node(node, forest, kind, rows):
    from onnx import NodeProto

    graph = helper.make_graph(
        [NodeProto.FromString(node)],
        "one",
        [helper.make_tensor_value_info(forest.source, kind, [None, rows.shape[1]])],
        [helper.make_tensor_value_info(forest.output, kind, [None, forest.targets])],
    )
    version = 5 if forest.form == 5 else 3
    if version == 3:
        graph.output[0].type.tensor_type.elem_type = TensorProto.FLOAT
    opsets = [helper.make_opsetid("", 21), helper.make_opsetid("ai.onnx.ml", version)]
    model = helper.make_model(graph, opset_imports=opsets, ir_version=10)
    session = open_session(model.SerializeToString(), "one node")
    return session.run(None, {forest.source: rows})[0]


def test_the_second_reader_refuses_what_is_damaged(packs, dictionary):
    content, _ = next(iter(packs.values()))
    for broken in (content[:-1], b"X" + content[1:], content[:-1] + bytes([content[-1] ^ 1])):
        with pytest.raises(ValueError, match=r"checksum|no pack|length"):
            second_reader.read(broken, dictionary)
