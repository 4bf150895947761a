"""Trees that give the positions of leaves in a table keep those exactly in a coded pack."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.ensemble import IsolationForest, RandomForestClassifier

from toolkit.exporter.flow import convert_and_prove
from toolkit.exporter.split import split_rows
from toolkit.quantizer.calibration import Calibration
from toolkit.quantizer.methods import uint8_pack
from toolkit.quantizer.trees.coded import positions
from toolkit.quantizer.trees.forests import find_forests
from toolkit.runtime import pack
from toolkit.runtime.loading import to_onnx
from toolkit.runtime.predictor import Predictor

RNG = np.random.default_rng(0)
X = RNG.normal(size=(900, 4))
Y = np.digitize(X[:, 0] + RNG.normal(size=900), [-0.5, 0.5])
MODELS = {
    "few-leaves": RandomForestClassifier(6, max_depth=3, random_state=0),
    "many-leaves": RandomForestClassifier(6, min_samples_leaf=2, random_state=0),
    "votes": RandomForestClassifier(6, random_state=0),
    "depths": IsolationForest(n_estimators=60, random_state=0),
}


@pytest.mark.parametrize("tune", ["latency", "throughput"])
@pytest.mark.parametrize("name", MODELS)
def test_a_coded_pack_gives_the_same_leaves(name: str, tune: str) -> None:
    fitted = MODELS[name].fit(X, Y)
    proven = convert_and_prove(fitted, X, Y, tune=tune)
    model = proven.chosen.exported.model
    if tune == "throughput" and name == "depths":  # rows in order, and put back after the trees
        assert "ScatterND" in {n.op_type for n in model.graph.node}
    rows = split_rows(X, Y, None, None, proven.chosen.schema).calibration
    content = uint8_pack.apply(model, Calibration(_narrow(rows), None))
    given = [f for f in find_forests(model) if f.output in positions(model)]
    stored = {f.output: f for f in pack.read(content, "the pack").forests}
    for forest in given:
        same = stored[forest.output].leaf_values()
        np.testing.assert_array_equal(same, forest.values[forest.leaf])
    # Shares of the classes and sums of depths are codes of 8 bits, votes whole numbers.
    packed = Predictor(to_onnx(content, "the pack"), "the pack").run(X)
    for output, values in Predictor(proven.chosen.content, name).run(X).items():
        exact = name == "votes" or output == "label"
        np.testing.assert_allclose(packed[output], values, rtol=0, atol=0 if exact else 1 / 255)
    assert given or name == "votes"


def _narrow(rows: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    return {n: a.astype(np.float32) for n, a in rows.items()}
