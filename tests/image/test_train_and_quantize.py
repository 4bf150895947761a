"""The workflow's script: every recipe runs, the worst exit code stays, the table says why."""

import importlib.util
import json
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(
    sys.platform == "win32", reason="the command that stands for toolkit is a script with a #! line"
)
SCRIPT = Path(__file__).parents[2] / "scripts/ci/train_and_quantize.py"

# Stands for the command line: recipe `bad` breaks a gate, `odd` cannot be exported.
TOOLKIT = """#!/usr/bin/env python3
import json, pathlib, sys
command, *rest = sys.argv[1:]
name = pathlib.Path(rest[0]).name
if command == "recipes":
    print(json.dumps({"recipes": [{"name": n} for n in ("bad", "good", "odd")]}))
if command == "export" and name == "odd":
    sys.exit(3)
if command == "bench":
    variant = {
        "method": "uint8-pack", "status": "ok", "bytes": 1234, "size_ratio": 3.5,
        "metrics": {"r2": 0.5}, "difference": None,
        "latency_us": {"1": {"p50": 9}, "10": {"p50": 20}},
    }
    gate = {"method": "uint8-pack", "expression": "nmse<=0.01", "passed": name != "bad"}
    report = {"model": name, "variants": [variant], "gates": [gate]}
    folder = pathlib.Path(rest[0])
    folder.mkdir(exist_ok=True)
    (folder / "report.json").write_text(json.dumps(report))
    sys.exit(name == "bad")
"""


@pytest.fixture
def script(tmp_path, monkeypatch):
    spec = importlib.util.spec_from_file_location("train_and_quantize", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    toolkit = tmp_path / "toolkit"
    toolkit.write_text(TOOLKIT, encoding="utf-8")
    toolkit.chmod(0o755)
    monkeypatch.setattr(module, "TOOLKIT", str(toolkit))
    monkeypatch.setattr(module, "FOLDER", tmp_path / "models")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path / "summary"))
    return module


def test_a_recipe_that_passes_gives_zero_and_its_line(script, capfd):
    assert script.main(["good"]) == 0
    line = "| good | uint8-pack | 1,234 | 3.50 | 0.5000 | 0.0e+00 | – | 2.00 | ok |"
    assert line in capfd.readouterr().out


def test_a_failed_gate_gives_one_after_the_other_recipes_have_run(script, tmp_path):
    assert script.main(["bad", "good"]) == 1
    summary = (tmp_path / "summary").read_text(encoding="utf-8")
    assert "**fails nmse&lt;=0.01**" in summary
    assert "| good |" in summary
    assert (tmp_path / "models/summary.md").read_text(encoding="utf-8") == summary


def test_all_recipes_run_where_none_is_named_and_the_worst_code_stays(script, tmp_path):
    assert script.main([]) == 3
    assert "| odd | **export failed with exit code 3** |" in (tmp_path / "summary").read_text(
        encoding="utf-8"
    )


def test_every_line_has_as_many_cells_as_the_head(script, tmp_path):
    script.main([])
    lines = [
        x
        for x in (tmp_path / "summary").read_text(encoding="utf-8").splitlines()
        if x.startswith("|")
    ]
    assert {line.count("|") for line in lines} == {len(script.HEADERS) + 1}
    assert (
        json.loads((tmp_path / "models/good/report.json").read_text(encoding="utf-8"))["model"]
        == "good"
    )
