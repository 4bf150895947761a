"""The lowest versions: what scripts/floors installs is what pyproject.toml declares."""

from __future__ import annotations

import pytest

from tests.script_modules import script_modules

DECLARED = """
[project]
dependencies = ["one>=1.2"]
[project.optional-dependencies]
export = ["two>=3,<9", "none>=1; python_version < '3'"]
report = []
parquet = ["three>=4.5; python_version >= '3'"]
serve = []
sign = ["four>=1"]
boosters = []
dev = ["other>=6"]
"""


@pytest.fixture
def floors(monkeypatch, tmp_path):
    with script_modules("", ("floors",)) as modules:
        monkeypatch.setattr(modules["floors"], "PROJECT", tmp_path / "pyproject.toml")
        yield modules["floors"]


def test_each_requirement_is_taken_at_its_floor(floors):
    floors.PROJECT.write_text(DECLARED, encoding="utf-8")
    assert list(floors.pins()) == ["one==1.2", "two==3", "three==4.5", "four==1"]


@pytest.mark.parametrize("requirement", ["one", "one<3", "one==1.2", "one>=1,>=2"])
def test_a_requirement_without_a_floor_is_refused(floors, requirement):
    floors.PROJECT.write_text(DECLARED.replace("one>=1.2", requirement), encoding="utf-8")
    with pytest.raises(SystemExit, match=r"one.* has no floor"):
        list(floors.pins())


def test_a_folder_without_bundles_is_no_success(floors, tmp_path):
    with pytest.raises(SystemExit, match="no bundles"):
        floors.check(tmp_path)


def test_a_bundle_whose_answers_are_others_is_refused(floors, california, tmp_path, monkeypatch):
    floors.check(tmp_path)
    monkeypatch.setattr(floors, "TOLERANCE", 1e-9)
    with pytest.raises(SystemExit, match=r"california-linear: model\.onnx: deviation .* held-out"):
        floors.check(tmp_path)
