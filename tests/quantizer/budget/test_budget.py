"""quantize(budget=…): the limits are kept on rows not used, and what cannot be is said."""

from __future__ import annotations

import itertools
import json

import numpy as np
import pytest
from sklearn.ensemble import RandomForestRegressor

import toolkit
from toolkit.bundle import open_bundle
from toolkit.errors import InvalidInput, ParityError
from toolkit.exporter import export
from toolkit.quantizer import quantize
from toolkit.runner.accuracy import difference
from toolkit.runtime import load
from toolkit.runtime.verify import verify


def on_evaluation(bundle, file="model.budget.pack"):
    """The difference from scikit-learn on rows that neither fitted nor chose."""
    rows = open_bundle(bundle.path).evaluation()
    got = load(bundle.path / file).run(rows.inputs)
    return difference(rows.outputs, got, bundle.golden().scales)


def manifest_of(bundle):
    return json.loads((bundle.path / "manifest.json").read_text(encoding="utf-8"))


@pytest.fixture
def many_rows_bundle(network_source, tmp_path):
    """The network with 1024 calibration rows: 683 fit, 341 choose, 3072 are held out."""
    X = np.random.default_rng(2).normal(size=(4096, 6))
    return export(network_source[0], X, name="network", out=tmp_path / "network")


@pytest.fixture
def forest_bundle(tmp_path):
    rng = np.random.default_rng(3)
    X = rng.normal(size=(4096, 4))
    y = X[:, 0] * X[:, 1]
    forest = RandomForestRegressor(20, max_depth=8, random_state=0).fit(X[:2048], y[:2048])
    return export(forest, X, y, name="forest", out=tmp_path / "forest")


@pytest.mark.parametrize("limit", [1e-2, 1e-4, 1e-6])
def test_an_error_budget_is_kept_on_rows_not_used(many_rows_bundle, limit):
    (made,) = quantize(many_rows_bundle, budget=f"nmse<={limit}")
    assert (made.method, made.status, made.file) == ("budget", "ok", "model.budget.pack")
    assert (many_rows_bundle.path / made.file).stat().st_size == made.bytes
    assert on_evaluation(many_rows_bundle)["nmse"] <= limit
    assert all(c.passed for c in verify(many_rows_bundle.path))


def test_it_is_smaller_than_a_uniform_width_of_the_same_error(network_bundle):
    quantize(network_bundle, ["uint8-pack"])
    uniform = on_evaluation(network_bundle, "model.uint8-pack.pack")["nmse"]
    (made,) = quantize(network_bundle, budget=f"nmse<={uniform}")
    size = (network_bundle.path / "model.uint8-pack.pack").stat().st_size
    assert made.bytes < size


def test_a_tighter_budget_takes_more_bytes(network_bundle):
    sizes = [quantize(network_bundle, budget=f"nmse<={b}")[0].bytes for b in (1e-2, 1e-4, 1e-6)]
    assert sizes[0] < sizes[1] < sizes[2]


def test_a_bytes_budget_is_kept_and_used(network_bundle):
    (made,) = quantize(network_bundle, budget="bytes<=1000")
    assert made.bytes <= 1000
    front = open_bundle(network_bundle.path).front()
    chosen = front["points"][front["chosen"]]
    assert chosen["bytes"] == made.bytes
    assert not [p for p in front["points"] if p["bytes"] <= 1000 and p["nmse"] < chosen["nmse"]], (
        "another point that fits is more accurate"
    )


def test_labels_are_kept_on_rows_not_used(labels_bundle):
    (made,) = quantize(labels_bundle, budget="agreement>=0.99")
    assert made.status == "ok"
    assert on_evaluation(labels_bundle)["label_agreement"] >= 0.98  # 4 of 225 rows may differ


def test_trees_are_coded_within_a_budget(forest_bundle):
    """Products of two normal features have long tails: a quarter above is within chance."""
    (coarse,) = quantize(forest_bundle, budget="nmse<=1e-2")
    assert on_evaluation(forest_bundle)["nmse"] <= 1.25e-2
    front = open_bundle(forest_bundle.path).front()
    formats = front["points"][front["chosen"]]["formats"]
    assert formats["leaves of variable"].endswith(" levels")
    assert formats["thresholds of variable"].endswith(" a feature")
    (fine,) = quantize(forest_bundle, budget="nmse<=1e-6")
    assert on_evaluation(forest_bundle)["nmse"] <= 1.25e-6
    assert coarse.bytes < fine.bytes


def test_the_front_is_monotone_and_the_prediction_near_the_truth(many_rows_bundle):
    bundle = many_rows_bundle
    quantize(bundle, budget="nmse<=1e-4")
    front = json.loads((bundle.path / "budget.json").read_text(encoding="utf-8"))
    assert front["schema_version"] == 1
    assert front["budget"] == "nmse<=0.0001"
    assert front["rows"] == {"fitting": 683, "choosing": 341}
    chosen, points = front["points"][front["chosen"]], front["points"]
    others = [p for p in points if p is not chosen]
    for a, b in itertools.pairwise(others):
        assert a["bytes"] < b["bytes"]
        assert a["nmse"] > b["nmse"]
    assert chosen["keeps"]
    assert set(chosen["formats"]) == {
        "coefficient", "intercept", "coefficient1", "intercept1"
    }  # fmt: skip
    # Errors of a tenth of the outputs' spread and less add up, but for a few that meet by chance.
    ratios = [p["nmse"] / p["predicted"] for p in points if 1e-9 < p["predicted"] < 1e-2]
    assert 0.5 <= np.median(ratios) <= 2


def test_again_replaces_and_the_same_again_is_the_same(network_bundle):
    def content():
        return {p.name: p.read_bytes() for p in network_bundle.path.iterdir()}

    (first,) = quantize(network_bundle, budget="nmse<=1e-2")
    before = content()
    quantize(network_bundle, budget="nmse<=1e-2")
    assert content() == before
    (second,) = quantize(network_bundle, budget="nmse<=1e-5")
    assert first.bytes < second.bytes
    assert [v.method for v in open_bundle(network_bundle.path).variants] == ["float32", "budget"]
    assert open_bundle(network_bundle.path).front()["budget"] == "nmse<=1e-05"
    assert all(c.passed for c in verify(network_bundle.path))


def test_with_methods_both_are_made(network_bundle):
    made = quantize(network_bundle, ["float16"], budget="nmse<=1e-3")
    assert [v.method for v in made] == ["float16", "budget"]
    front = network_bundle.path / "budget.json"
    before = front.read_bytes()
    quantize(network_bundle, ["uint8-pack"])
    assert front.read_bytes() == before
    assert (network_bundle.path / "model.budget.pack").exists()


def test_without_a_budget_nothing_of_it_is_there(network_bundle):
    quantize(network_bundle, ["float16"])
    assert open_bundle(network_bundle.path).front() is None
    assert not [p for p in network_bundle.path.iterdir() if "budget" in p.name]


def test_an_impossible_budget_says_the_best_that_was_found(network_bundle):
    quantize(network_bundle, budget="nmse<=1e-2")
    with pytest.raises(ParityError) as caught:
        toolkit.quantize(network_bundle, ["float16"], budget=["nmse<=1e-30", "bytes<=9000"])
    assert "no pack keeps nmse<=1e-30,bytes<=9000 on 25 rows; the best found has nmse " in str(
        caught.value
    )
    variants = {v.method: v for v in open_bundle(network_bundle.path).variants}
    assert variants["budget"].status == "failed"
    assert variants["budget"].reason in str(caught.value)
    assert variants["float16"].status == "ok"
    assert "model.budget.pack" not in manifest_of(network_bundle)["files"]
    assert not (network_bundle.path / "model.budget.pack").exists()
    assert open_bundle(network_bundle.path).front()["chosen"] is None
    assert all(c.passed for c in verify(network_bundle.path))


@pytest.mark.parametrize(
    ("budget", "words"),
    [
        ("agreement>=0.9", "agreement needs labels, and this model gives none"),
        ("nmse<=1e-3,mse<=1", "formats cannot be chosen by mse"),
        ([], "budget: holds no limit; a budget takes nmse<=NUMBER"),
    ],
    ids=str,
)
def test_a_budget_that_cannot_be_meant_is_refused_before_anything_is_made(
    network_bundle, budget, words
):
    before = {p.name: p.read_bytes() for p in network_bundle.path.iterdir()}
    with pytest.raises(InvalidInput, match=words):
        quantize(network_bundle, ["float16"], budget=budget)
    assert {p.name: p.read_bytes() for p in network_bundle.path.iterdir()} == before


def test_r2_drop_is_for_regressors(labels_bundle):
    with pytest.raises(InvalidInput, match="r2_drop needs a regressor"):
        quantize(labels_bundle, budget="r2_drop<=0.1")


def test_too_few_rows_to_set_some_apart_are_refused(tmp_path):
    from sklearn.linear_model import LinearRegression

    X = np.arange(4.0).reshape(2, 2)
    bundle = export(LinearRegression().fit(X, X[:, 0]), X, X[:, 0], name="few", out=tmp_path / "f")
    with pytest.raises(InvalidInput, match="has 2 calibration rows, too few to set some apart"):
        quantize(bundle, budget="nmse<=0.1")


def test_how_far_the_search_is_can_be_followed(network_bundle):
    said = []
    quantize(network_bundle, budget="nmse<=1e-2", say=said.append)
    measured = [s for s in said if "measured" in s]
    assert measured[0] == "budget: formats of 1 of 4 parameters measured …"
    assert measured[-1] == "budget: formats of 4 of 4 parameters measured …"
    candidates = said[len(measured) :]
    assert [s.split()[1] for s in candidates] == [str(k + 1) for k in range(len(candidates))]
