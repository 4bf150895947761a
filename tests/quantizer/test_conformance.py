"""Every method's file has the shape of one, and every method and recipe states its tolerances."""

from __future__ import annotations

import ast
import inspect
from pathlib import Path

import pytest

from tests.tolerances import MATRIX
from toolkit.errors import InvalidInput
from toolkit.quantizer import methods
from toolkit.quantizer.methods import load_method, method_names, method_summaries
from toolkit.runtime.session import checked_options
from toolkit.trainer import recipe_names

FILES = sorted(p for p in Path(methods.__file__).parent.glob("*.py") if p.stem != "__init__")


@pytest.mark.parametrize("name", method_names())
def test_the_shape_of_a_method(name):
    module = load_method(name)
    assert module.SUFFIX in (".onnx", ".pack")
    assert set(module.LIMITS) == {"nmse", "agreement"}
    assert 0 < module.LIMITS["nmse"] < 1
    assert 0.9 < module.LIMITS["agreement"] <= 1
    signature = inspect.signature(module.apply)
    asked = ["thresholds"] if hasattr(module, "THRESHOLDS") else []
    assert list(signature.parameters) == ["model", "calibration", *asked]
    assert all(signature.parameters[name].default is None for name in asked)
    assert signature.return_annotation == "bytes"
    assert module.apply.__doc__
    checked_options(getattr(module, "SESSION", {}), name)


@pytest.mark.parametrize("name", method_names())
def test_a_methods_docstring_is_one_sentence(name):
    sentence = inspect.getdoc(load_method(name))
    assert sentence == method_summaries()[name]
    assert "\n" not in sentence
    assert sentence.endswith(".")
    assert len(sentence) <= 100


def test_the_names_are_the_files():
    assert method_names() == tuple(sorted(p.stem.replace("_", "-") for p in FILES))


@pytest.mark.parametrize("path", FILES, ids=lambda p: p.stem)
def test_a_method_knows_no_model(path):
    """No method tests for a recipe or another method by name."""
    texts = {
        n.value
        for n in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(n, ast.Constant) and isinstance(n.value, str)
    }
    assert not texts & (set(recipe_names()) | set(method_names()))


@pytest.mark.parametrize(("wrong", "near"), [("uint8_pack", "uint8-pack"), ("flot16", "float16")])
def test_an_unknown_method_suggests_the_nearest(wrong, near):
    with pytest.raises(InvalidInput, match=f"unknown method '{wrong}'; did you mean '{near}'"):
        load_method(wrong)


def test_an_unknown_method_lists_all():
    with pytest.raises(InvalidInput) as caught:
        load_method("zzz")
    assert all(name in str(caught.value) for name in method_names())
    assert "did you mean" not in str(caught.value)


@pytest.mark.parametrize("recipe", recipe_names())
def test_every_recipe_states_what_every_method_makes_of_it(recipe):
    assert recipe in MATRIX, f"{recipe}: write its line into tests/tolerances.py"
    missing = set(method_names()) - set(MATRIX[recipe])
    assert not missing, f"{recipe}: tests/tolerances.py says nothing about {sorted(missing)}"


def test_the_tolerances_name_nothing_that_is_gone():
    assert set(MATRIX) == set(recipe_names())
    for cells in MATRIX.values():
        assert set(cells) == set(method_names())
