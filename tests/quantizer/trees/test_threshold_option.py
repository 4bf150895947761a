"""`quantize --thresholds`: fewer thresholds where asked for, said in the manifest, or refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from sklearn.ensemble import RandomForestRegressor
from sklearn.linear_model import Ridge

from toolkit.bundle import Bundle
from toolkit.errors import InvalidInput
from toolkit.exporter import export
from toolkit.quantizer import quantize
from toolkit.runtime import pack

RNG = np.random.default_rng(0)
X = RNG.normal(size=(800, 3))
Y = X[:, 0] ** 2 + X[:, 1]


@pytest.fixture(scope="module")
def forest(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    estimator = RandomForestRegressor(10, min_samples_leaf=4, random_state=0).fit(X, Y)
    return export(estimator, X, Y, name="forest", out=tmp_path_factory.mktemp("t") / "forest")


def most_thresholds(path: Path) -> int:
    (stored,) = pack.read(path.read_bytes(), "a pack").forests
    return max(len(np.unique(stored.threshold[stored.feature == f])) for f in range(3))


def test_a_number_is_kept_and_written_down(forest: Bundle) -> None:
    (exact,) = quantize(forest, ["uint8-pack"])
    assert exact.file
    assert exact.notes == ""
    many, size = most_thresholds(forest.path / exact.file), exact.bytes
    (fewer,) = quantize(forest, ["uint8-pack"], thresholds=96)
    assert fewer.file
    assert most_thresholds(forest.path / fewer.file) <= 96 < many
    assert (fewer.bytes or 0) < (size or 0)
    assert "96 thresholds" in (forest.path / "manifest.json").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("methods", "most", "said"),
    [(["uint8-pack"], 0, "at least one"), (["float32-pack"], 9, "name uint8-pack")],
)
def test_what_cannot_be_meant_is_refused(
    forest: Bundle, methods: list[str], most: int, said: str
) -> None:
    with pytest.raises(InvalidInput, match=said):
        quantize(forest, methods, thresholds=most)


def test_a_model_without_trees_has_none(tmp_path: Path) -> None:
    bundle = export(Ridge().fit(X, Y), X, Y, name="ridge", out=tmp_path / "ridge")
    with pytest.raises(InvalidInput, match="no trees"):
        quantize(bundle, ["uint8-pack"], thresholds=9)
