from __future__ import annotations

import json
import math
import re

import numpy as np
import pytest

from toolkit.errors import CorruptArtifact, InvalidInput, ParityError
from toolkit.runtime import Predictor, load
from toolkit.runtime.describe import describe
from toolkit.runtime.proof import read_proof
from toolkit.runtime.verify import verify

ROW = [[8.3252, 41, 6.984127, 1.02381, 322, 2.555556, 37.88, -122.23]]


def comparison(**changes):
    return {"rows": 8, "max_relative": 1e-6, "label_agreement": None, "passed": True} | changes


def proof(passed=True, dtype="float32", single_row=True, **sets):
    """A manifest; sets: float32 or float64 -> {set of rows: figures}."""
    recorded = {
        "passed": passed,
        "tolerance": 1e-4,
        "input_dtype": dtype,
        "single_row": single_row,
        "comparisons": sets,
    }
    return read_proof({"proof": recorded}, "m")


@pytest.mark.parametrize("file", ["", "model.onnx", "model.uint8-pack.pack"])
def test_load_refuses_what_was_not_proved(unproved, file):
    with pytest.raises(ParityError, match=re.escape(f"{unproved}: its proof failed: ")) as error:
        load(unproved / file)
    assert error.value.exit_code == 1
    assert "\n" not in str(error.value)
    assert np.isfinite(load(unproved / file, unproved=True).predict(ROW)).all()


@pytest.mark.parametrize("name", ["model.onnx", "model.uint8-pack.pack"])
def test_a_file_that_is_not_listed_is_not_known(california, name):
    other = california / f"my-{name}"
    other.write_bytes((california / name).read_bytes())
    with pytest.raises(InvalidInput, match=rf"my-{name}: manifest.json beside it does not list it"):
        load(other)
    assert describe(other)["proof"] == "none (manifest.json beside it does not list it)"


def test_a_file_that_is_not_there_is_called_so(california):
    with pytest.raises(InvalidInput, match=r"modle\.onnx: no such file"):
        load(california / "modle.onnx")


def test_nor_does_another_name_prove_a_file(unproved):
    other = unproved / "my.onnx"
    other.write_bytes((unproved / "model.onnx").read_bytes())
    with pytest.raises(ParityError):
        load(other)


def test_a_file_named_from_within_its_folder(unproved, monkeypatch):
    monkeypatch.chdir(unproved)
    with pytest.raises(ParityError, match=r"^\.: its proof failed"):
        load("model.onnx")


def test_bytes_are_the_callers_own_business(unproved):
    assert Predictor((unproved / "model.onnx").read_bytes(), "bytes").task == "regressor"


def test_verify_refuses_too(unproved):
    with pytest.raises(ParityError):
        verify(unproved)
    assert all(c.passed for c in verify(unproved, unproved=True))


def test_the_worst_is_that_of_what_is_owed():
    sets = {
        "float32": {"held_out": comparison(max_relative=3e-5)},
        "float64": {"held_out": comparison(max_relative=0.5, passed=False)},
    }
    narrow, wide = proof(**sets), proof(dtype="float64", **sets)
    assert (narrow.worst, wide.worst) == (3e-5, 0.5)
    assert narrow.outcome() == (
        "passed (on 8 held-out rows, worst deviation 3e-05 (allowed 0.0001))"
    )


def test_not_a_number_is_worse_than_any_number():
    sets = {"held_out": comparison(max_relative=math.nan), "adversarial": comparison()}
    assert math.isnan(proof(float32=sets).worst)


def test_what_failed_is_named():
    bad = comparison(rows=35, max_relative=0.5, label_agreement=0.9, passed=False)
    found = proof(False, float32={"held_out": comparison(), "adversarial": bad})
    assert found.text() == (
        "on 35 adversarial rows against scikit-learn on values rounded to float32: deviation 0.5 "
        "(allowed 0.0001), labels equal 90.0000%"
    )
    alone = proof(False, single_row=False, float32={"held_out": comparison()})
    assert alone.text() == "a row alone gives other numbers than in its batch"


def test_a_proof_without_figures_has_none():
    bare = read_proof({"proof": {"passed": False}}, "m")
    assert (bare.worst, bare.outcome()) == (None, "FAILED (the manifest records no figures)")


@pytest.mark.parametrize("passed", [None, 1, "true", []])
def test_an_outcome_that_is_no_truth_value_is_damage(california, passed):
    path = california / "manifest.json"
    manifest = json.loads(path.read_text(encoding="utf-8"))
    manifest["proof"]["passed"] = passed
    path.write_text(json.dumps(manifest), encoding="utf-8")
    with pytest.raises(CorruptArtifact, match="neither true nor false"):
        load(california)


@pytest.mark.parametrize(
    "comparisons", [[], {"float32": 3}, {"float32": {"held_out": {}}}, {"float32": {"x": None}}]
)
def test_damaged_figures(comparisons):
    with pytest.raises(CorruptArtifact, match="m: the figures of its proof are damaged"):
        read_proof({"proof": {"passed": False, "comparisons": comparisons}}, "m")
