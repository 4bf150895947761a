"""The comparison with naive quantization: its figures, and that docs/naive.* hold them."""

from __future__ import annotations

import copy
import importlib.util
import json
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="module")
def naive():
    spec = importlib.util.spec_from_file_location("naive", ROOT / "scripts" / "naive.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def figures(naive):
    return naive.measure()


def row(figures, words):
    (found,) = [r for r in figures["schemes"] if words in r["scheme"]]
    return found


def test_the_float_model_has_the_published_figures(figures):
    assert figures["rows"] == 20640
    found = row(figures, "float64")
    assert found["r2"] == pytest.approx(0.6062326851998, abs=1e-9)
    assert found["mse"] == pytest.approx(0.5243209861846, abs=1e-9)


@pytest.mark.parametrize(
    ("words", "r2", "tolerance"),
    [
        ("min and max, truncated", -18.08, 0.01),
        ("same, rounded, with", 0.5996, 0.0005),
        ("intercept among", -20272, 1),
    ],
    ids=["naive", "zero-point", "with-the-intercept"],
)
def test_what_naive_schemes_lose(words, r2, tolerance, figures):
    assert row(figures, words)["r2"] == pytest.approx(r2, abs=tolerance)


def test_rounding_alone_does_not_help(figures):
    (found,) = [r for r in figures["schemes"] if r["scheme"] == "the same, rounded"]
    assert found["r2"] == pytest.approx(-5.41, abs=0.01)


def test_what_the_pack_keeps(figures):
    found, exact = row(figures, "uint8-pack"), row(figures, "float64")
    assert abs(found["r2"] - exact["r2"]) <= 0.001
    assert found["max_abs"] <= 0.15
    assert found["bytes"] <= 192


def test_the_pack_is_the_smallest_and_naive_uint8_is_larger_than_its_float64(figures):
    sizes = {r["scheme"]: r["bytes"] for r in figures["schemes"]}
    assert row(figures, "uint8-pack")["bytes"] == min(sizes.values())
    assert row(figures, "min and max, truncated")["bytes"] > row(figures, "float64")["bytes"]


def test_the_schemes_by_hand(naive):
    w = np.array([-1.0, 0.0, 0.5, 1.55])  # scale 0.01: exact codes 0, 100, 150, 255
    assert naive.rounded(w)[1]["codes"].tolist() == [0, 100, 150, 255]
    assert naive.zero_point(w)[1]["zero"] == 100
    assert naive.zero_point(w)[0][1] == 0.0
    assert naive.truncated(np.array([0.0, 1.999, 255.0]))[1]["codes"].tolist() == [0, 1, 255]


def test_the_committed_figures_are_these(figures):
    """To what another processor or library may change; --check is the strict one."""
    old = json.loads((ROOT / "scripts" / "results" / "naive.json").read_text(encoding="utf-8"))
    for before, after in zip(old["schemes"], figures["schemes"], strict=True):
        assert before["scheme"] == after["scheme"]
        for key in ("r2", "mse", "max_abs"):
            assert before[key] == pytest.approx(after[key], rel=1e-3, abs=1e-4)


def test_the_markdown_is_made_from_the_json(naive):
    old = json.loads((ROOT / "scripts" / "results" / "naive.json").read_text(encoding="utf-8"))
    assert (ROOT / "docs" / "naive.md").read_text(encoding="utf-8") == naive.as_markdown(old)


def test_differences_are_named(naive, figures):
    assert naive.differences(figures, figures) == []
    other = copy.deepcopy(figures)
    other["schemes"][1]["r2"] += 0.001
    (line,) = naive.differences(figures, other)
    assert "r2 is" in line
    assert "truncated" in line
    other["schemes"].pop()
    assert naive.differences(figures, other) == ["the schemes are others"]


def test_check_tells_whether_the_files_are_up_to_date(
    naive, figures, tmp_path, monkeypatch, capsys
):
    monkeypatch.setattr(naive, "measure", lambda: figures)
    monkeypatch.setattr(naive, "JSON", tmp_path / "naive.json")
    monkeypatch.setattr(naive, "MARKDOWN", tmp_path / "naive.md")
    assert naive.main([]) == 0
    assert naive.main(["--check"]) == 0
    stale = copy.deepcopy(figures)
    stale["schemes"][-1]["bytes"] += 1
    naive.JSON.write_text(json.dumps(stale), encoding="utf-8")
    capsys.readouterr()
    assert naive.main(["--check"]) == 1
    assert "uint8-pack" in capsys.readouterr().err
    assert naive.main(["--nonsense"]) == 2
