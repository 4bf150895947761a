"""`quantize --thresholds`: fewer thresholds where asked for, said in the manifest, or refused."""

from __future__ import annotations

import re
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
from toolkit.runtime.describe import describe

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


def all_thresholds(path: Path) -> int:
    (found,) = describe(path)["forests"]
    return int(found["thresholds"])


def test_a_number_is_kept_and_written_down(forest: Bundle) -> None:
    full, exact = quantize(forest, ["float32-pack", "uint8-pack"])
    assert exact.file
    assert full.notes == exact.notes == ""
    many, size = most_thresholds(forest.path / exact.file), exact.bytes
    (fewer,) = quantize(forest, ["uint8-pack"], thresholds=96)
    assert fewer.file
    assert most_thresholds(forest.path / fewer.file) <= 96 < many
    assert (fewer.bytes or 0) < (size or 0)
    kept, every = (all_thresholds(forest.path / str(v.file)) for v in (fewer, full))
    assert fewer.notes == f"keeps {kept:,} of {every:,} thresholds"
    assert fewer.notes in (forest.path / "manifest.json").read_text(encoding="utf-8")


def test_what_keeps_few_by_its_nature_says_so_and_is_asked_for_nothing(forest: Bundle) -> None:
    plain = quantize(forest, ["uint4-pack", "uint16-pack"])
    few, every = plain
    assert few.file
    assert re.fullmatch(r"keeps \d+ of \d+ thresholds", few.notes)
    assert most_thresholds(forest.path / few.file) == 256
    assert every.notes == ""
    names = ["uint8-pack", "uint4-pack", "uint16-pack"]
    assert quantize(forest, names, thresholds=20)[1:] == plain


def test_a_budget_that_drops_thresholds_says_so(forest: Bundle) -> None:
    (made,) = quantize(forest, budget="nmse<=0.05")
    assert made.file
    assert most_thresholds(forest.path / made.file) <= 256
    assert re.fullmatch(r"keeps \d+ of [\d,]+ thresholds", made.notes)


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
