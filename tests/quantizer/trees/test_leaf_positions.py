"""Trees that give the positions of leaves in a table keep those exactly in a coded pack."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.ensemble import IsolationForest, RandomForestClassifier

from toolkit.exporter.flow import convert_and_prove
from toolkit.exporter.split import split_rows
from toolkit.quantizer.calibration import Calibration
from toolkit.quantizer.methods import uint8_pack
from toolkit.runtime.predictor import Predictor, to_onnx

RNG = np.random.default_rng(0)
X = RNG.normal(size=(900, 4))
Y = np.digitize(X[:, 0] + RNG.normal(size=900), [-0.5, 0.5])
MODELS = {
    "few-leaves": RandomForestClassifier(6, max_depth=3, random_state=0),
    "many-leaves": RandomForestClassifier(6, min_samples_leaf=2, random_state=0),
    "votes": RandomForestClassifier(6, random_state=0),
    "depths": IsolationForest(n_estimators=8, random_state=0),
}


@pytest.mark.parametrize("name", MODELS)
def test_a_coded_pack_gives_the_same_leaves(name: str) -> None:
    fitted = MODELS[name].fit(X, Y)
    proven = convert_and_prove(fitted, X, Y)
    model = proven.chosen.exported.model
    rows = split_rows(X, Y, None, None, proven.chosen.schema).calibration
    content = uint8_pack.apply(model, Calibration(_narrow(rows), None))
    packed = Predictor(to_onnx(content, "the pack"), "the pack").run(X)
    for output, values in Predictor(proven.chosen.content, name).run(X).items():
        # Shares of the classes are codes of 8 bits; another leaf would be off by a tenth.
        exact = name in ("votes", "depths") or output == "label"
        np.testing.assert_allclose(packed[output], values, rtol=0, atol=0 if exact else 1 / 255)


def _narrow(rows: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    return {n: a.astype(np.float32) for n, a in rows.items()}
