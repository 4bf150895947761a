"""`toolkit quantize --budget` as users run it."""

from __future__ import annotations

import json

import pytest


@pytest.fixture
def bundle(run, estimators, tmp_path):
    done = run("export", estimators / "own.skops", "--data", estimators / "rows.npz", "-o", "own")
    assert done.returncode == 0, done.stderr
    return "own"


def test_a_budget_is_made_listed_and_held_as_a_gate(run, bundle, tmp_path):
    done = run("quantize", bundle, "--budget", "nmse<=1e-4", "--budget", "bytes<=500", "--json")
    assert done.returncode == 0, done.stderr
    assert "\nbudget: " in done.stderr
    (variant,) = json.loads(done.stdout)["variants"]
    assert (variant["method"], variant["file"]) == ("budget", "model.budget.pack")
    done = run("bench", bundle, "--json")
    report = json.loads(done.stdout)
    assert report["budget"]["limits"] == {"nmse": 1e-4, "bytes": 500}
    gates = {g["expression"]: g for g in report["gates"] if g["method"] == "budget"}
    assert set(gates) == {"nmse<=0.0001", "bytes<=500"}
    page = (tmp_path / bundle / "report.html").read_text(encoding="utf-8")
    assert "<h2>Budget</h2>" in page
    assert 'id="front-' in page
    assert "## Budget" in (tmp_path / bundle / "report.md").read_text(encoding="utf-8")


def test_an_impossible_budget_ends_with_1_and_the_best_in_one_line(run, bundle, tmp_path):
    done = run("quantize", bundle, "--budget", "bytes<=20")
    assert done.returncode == 1
    assert done.stdout == ""
    last = done.stderr.splitlines()[-1]
    assert last.startswith("error: own: no pack keeps bytes<=20 on ")
    assert " rows; the smallest has " in last
    assert "Traceback" not in done.stderr
    assert not (tmp_path / bundle / "model.budget.pack").exists()
    assert run("verify", bundle).returncode == 0


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ("nmes<=1", "budget 'nmes<=1': there is no metric 'nmes', did you mean 'nmse'?"),
        ("mse<=1", "budget 'mse<=1': formats cannot be chosen by mse; a budget takes nmse<="),
        ("nmse<=1e-3,bytes", "budget 'bytes': is no limit; write METRIC<=NUMBER"),
        ("agreement>=0.9", "agreement needs labels, and this model gives none"),
    ],
)
def test_a_wrong_budget_ends_with_2(refused, bundle, wrong, words):
    assert words in refused("quantize", bundle, "--budget", wrong)
