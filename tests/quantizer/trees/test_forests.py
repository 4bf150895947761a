"""Tree ensembles in packs: the same routing and, where nothing is coded, the same numbers."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.ensemble import (
    ExtraTreesRegressor,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.tree import DecisionTreeRegressor

from toolkit.errors import CorruptArtifact
from toolkit.exporter.flow import convert_and_prove
from toolkit.exporter.model import build
from toolkit.exporter.schema import infer
from toolkit.exporter.tasks import task_of
from toolkit.quantizer.packs.packing import write_pack
from toolkit.quantizer.trees.forests import find_forests
from toolkit.quantizer.trees.leaves import encode_leaves
from toolkit.quantizer.trees.thresholds import with_short_thresholds
from toolkit.runtime import pack
from toolkit.runtime.pack.forest import MEMBER
from toolkit.runtime.predictor import Predictor

ROWS = 150
RNG = np.random.default_rng(3)
X = RNG.normal(size=(ROWS, 4))
Y = X[:, 0] ** 2 + X[:, 1]
HOLED = np.where(RNG.random(X.shape) < 0.15, np.nan, X)

MODELS: dict[str, tuple[Any, np.ndarray, np.ndarray]] = {
    "forest": (RandomForestRegressor(5, random_state=0), X, Y),
    "forest-missing": (RandomForestRegressor(4, random_state=0), HOLED, Y),
    "forest-outputs": (RandomForestRegressor(3, random_state=0), X, np.column_stack([Y, -2 * Y])),
    "extra": (ExtraTreesRegressor(3, random_state=0), X, Y),
    "binary": (RandomForestClassifier(5, random_state=0), X, (Y > 1).astype(int)),
    "classes": (RandomForestClassifier(5, random_state=0), X, np.digitize(Y, [0, 1, 2])),
    "boosting": (HistGradientBoostingRegressor(max_iter=6), HOLED, Y),
    "boosting-classes": (HistGradientBoostingClassifier(max_iter=4), X, np.digitize(Y, [0, 1.5])),
    "leaf": (DecisionTreeRegressor(max_depth=1, min_samples_leaf=100), X, Y),
    "mixed-sizes": (RandomForestRegressor(6, max_leaf_nodes=2, random_state=0), X, Y),
}


def exported(name: str, opset: int = 21) -> tuple[Any, Any, np.ndarray]:
    estimator, rows, target = MODELS[name]
    estimator.fit(rows, target)
    return estimator, convert_and_prove(estimator, rows, target, opset=opset).chosen, rows


@pytest.mark.parametrize("opset", [15, 20, 21])
@pytest.mark.parametrize("name", MODELS)
def test_an_exact_pack_gives_the_same_numbers(name: str, opset: int) -> None:
    _, chosen, rows = exported(name, opset)
    content = write_pack(chosen.exported.model, {})
    got = Predictor(pack.read(content, "a pack").to_onnx(), "a pack").run(rows)
    for output, expected in Predictor(chosen.content, "the graph").run(rows).items():
        np.testing.assert_array_equal(got[output], expected)


@pytest.mark.parametrize("name", MODELS)
def test_leaf_codes_are_within_half_a_step_and_unbiased(name: str) -> None:
    _, chosen, rows = exported(name)
    for forest in find_forests(chosen.exported.model):
        leaves = encode_leaves(forest, np.asarray(rows, dtype=forest.threshold.dtype))
        error = np.abs(leaves.decode(forest) - forest.values)
        # Half a step for the rounding, another half at most for the bias correction.
        step = leaves.step[forest.target][:, None] if error.shape[1] == 1 else leaves.step
        assert (error <= step * 1.001 + 1e-6).all()


def test_the_bias_of_coded_leaves_is_taken_up() -> None:
    _, chosen, rows = exported("forest")
    model = chosen.exported.model
    forest = find_forests(model)[0]
    x = np.asarray(rows, dtype=np.float32)
    content = write_pack(model, {}, [(forest, encode_leaves(forest, x))])
    got = Predictor(pack.read(content, "a pack").to_onnx(), "a pack").predict(rows)
    exact = Predictor(chosen.content, "the graph").predict(rows)
    assert np.abs(got - exact).max() > 0
    assert abs((got - exact).mean()) < 1e-6


def test_short_thresholds_keep_data_values_on_their_side() -> None:
    _, chosen, rows = exported("boosting")
    forest = find_forests(chosen.exported.model)[0]
    short = with_short_thresholds(forest)
    assert (short.threshold >= forest.threshold).all()
    assert (short.threshold.astype(np.float32) == short.threshold).all()
    for f in range(rows.shape[1]):
        column = rows[:, f][~np.isnan(rows[:, f])]
        mine = forest.feature == f
        before = column[:, None] <= forest.threshold[mine]
        after = column[:, None] <= short.threshold[mine]
        np.testing.assert_array_equal(before, after)


def test_a_wrong_threshold_is_noticed_when_packing(monkeypatch: pytest.MonkeyPatch) -> None:
    _, chosen, _ = exported("forest")
    model = chosen.exported.model
    forest = find_forests(model)[0]
    stored = pack.read(write_pack(model, {}), "a pack")
    threshold = forest.threshold.copy()
    threshold[0] += 1
    wrong = stored._replace(forests=(replace(forest, threshold=threshold),))
    monkeypatch.setattr(pack, "read", lambda content, origin: wrong)
    with pytest.raises(AssertionError, match="threshold"):
        write_pack(model, {})


@pytest.fixture(scope="module")
def sample() -> bytes:
    _, chosen, _ = exported("classes")
    return write_pack(chosen.exported.model, {})


@settings(max_examples=150)
@given(data=st.data())
def test_a_hostile_forest_is_refused_or_well_formed(sample: bytes, data: st.DataObject) -> None:
    content = stored(sample)
    at = data.draw(st.integers(pack.HEADER, len(content) - 1))
    content[at] ^= data.draw(st.integers(1, 255))
    content[6:10] = pack.checksum(bytes(content)).to_bytes(4, "little")
    try:
        read = pack.read(bytes(content), "a pack")
    except CorruptArtifact:
        return
    assert read.to_onnx()
    for forest in read.forests:
        left, right = forest.children()
        assert max(left.max(initial=0), right.max(initial=0)) < len(forest.split)


def stored(content: bytes) -> bytearray:
    """Return the same pack with its body stored, so that a flipped byte is a flipped field."""
    from toolkit.runtime.pack.cursor import Cursor

    outer = Cursor(content, "a pack")
    outer.at = pack.HEADER
    length = outer.uvarint()
    start = outer.at
    body = pack._decompress(content[5], outer.take(len(content) - outer.at), length, outer)
    head = bytearray(content[:start])
    head[5] = pack.STORED
    return head + body


def test_opset_15_uses_the_operators_of_version_3() -> None:
    estimator, rows, _ = MODELS["forest"]
    estimator.fit(rows, Y)
    model = build(estimator, infer(rows), 15, task_of(estimator), "finite").model
    assert {f.form for f in find_forests(model)} == {3}


@pytest.mark.slow
@pytest.mark.parametrize("tune", ["latency", "throughput"])
def test_trees_that_compare_negated_features_are_plain_in_packs(tune: str) -> None:
    estimator = HistGradientBoostingRegressor(max_iter=400).fit(HOLED, Y)
    model = build(estimator, infer(HOLED), 21, task_of(estimator), "nan", tune).model
    forest = find_forests(model)[-1]
    assert forest.turned.any()
    assert forest.feature.max() < X.shape[1]
    content = write_pack(model, {}, [(with_short_thresholds(f), None) for f in find_forests(model)])
    got = Predictor(pack.read(content, "a pack").to_onnx(), "a pack").predict(HOLED)
    np.testing.assert_array_equal(got, Predictor(model.SerializeToString(), "it").predict(HOLED))


def test_splits_by_categories_are_kept() -> None:
    rows = np.column_stack([np.arange(ROWS) % 7, X[:, 0]]).astype(float)
    target = np.isin(rows[:, 0], [1, 4, 6]) * 2.0 + rows[:, 1]
    estimator = HistGradientBoostingRegressor(max_iter=10, categorical_features=[0])
    model = build(estimator.fit(rows, target), infer(rows), 21, "regressor", "nan").model
    assert any((f.mode == MEMBER).any() for f in find_forests(model))
    exact = Predictor(model.SerializeToString(), "the graph").predict(rows)
    got = Predictor(pack.read(write_pack(model, {}), "a pack").to_onnx(), "a pack").predict(rows)
    np.testing.assert_array_equal(got, exact)
