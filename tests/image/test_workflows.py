"""The workflows call what the repository has, with pinned actions and no rights to spare."""

import os
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
WORKFLOWS = sorted((ROOT / ".github/workflows").glob("*.yml"))
PINNED = re.compile(r"^[\w-]+/[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$")


def values(workflow: Path, key: str) -> list[str]:
    return re.findall(
        rf"^\s*(?:- )?{key}:\s*(.+?)\s*$", workflow.read_text(encoding="utf-8"), re.MULTILINE
    )


def test_the_four_workflows_are_there():
    assert [w.stem for w in WORKFLOWS] == [
        "build-and-test-container",
        "release",
        "test-suite",
        "train-and-quantize",
    ]


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda w: w.stem)
def test_every_run_line_calls_one_script_of_the_repository(workflow):
    runs = values(workflow, "run")
    assert runs
    for run in runs:
        # One line, so that nothing in it can only be tried on GitHub.
        script = ROOT / run.split()[0]
        assert run.startswith("./scripts/"), run
        assert script.is_file(), run
        assert os.access(script, os.X_OK), run


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda w: w.stem)
def test_every_action_is_pinned_by_commit_with_its_version(workflow):
    uses = values(workflow, "uses")
    assert uses
    assert [use for use in uses if not PINNED.match(use)] == []


@pytest.mark.parametrize(
    "use",
    ["actions/checkout@v6", "actions/checkout@de0fac2", f"actions/checkout@{'a' * 40}"],
)
def test_the_pin_pattern_rejects_what_is_not_pinned(use):
    assert not PINNED.match(use)


def test_an_action_has_one_pin_everywhere():
    pins = {}
    for workflow in WORKFLOWS:
        for use in values(workflow, "uses"):
            pins.setdefault(use.partition("@")[0], set()).add(use)
    assert {name: found for name, found in pins.items() if len(found) > 1} == {}


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda w: w.stem)
def test_rights_are_read_only_but_for_the_attestation(workflow):
    text = workflow.read_text(encoding="utf-8")
    top = re.search(r"^permissions:(.*(?:\n  .+)*)", text, re.MULTILINE)
    assert top is not None
    assert top.group(1).strip() in ("contents: read", "{}")
    assert "persist-credentials: false" in text
    assert "pull_request_target" not in text
    writes = set(re.findall(r"^\s+([\w-]+): write$", text, re.MULTILINE))
    assert writes == ({"attestations", "id-token"} if workflow.stem == "release" else set())


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda w: w.stem)
def test_every_job_ends_in_time(workflow):
    jobs = len(values(workflow, "runs-on"))
    assert jobs == len(values(workflow, "timeout-minutes"))


def test_the_matrix_begins_with_the_oldest_python_of_pyproject():
    oldest = re.search(
        r'requires-python = ">=([\d.]+)"', (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    )
    matrix = values(ROOT / ".github/workflows/test-suite.yml", "python")[0]
    assert matrix.startswith(f'["{oldest.group(1)}"')
