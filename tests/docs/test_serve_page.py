"""docs/serve.md: its requests are sent, its answers are those that come, its tables are true."""

from __future__ import annotations

import importlib
import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.script_modules import script_modules
from tests.serve.conftest import running
from toolkit.cli import cli
from toolkit.serve.tensors import TYPES

ROOT = Path(__file__).resolve().parents[2]
TEXT = (ROOT / "docs/serve.md").read_text(encoding="utf-8")
# A request, and the answer below it.
EXAMPLES = re.findall(r"```sh\n(curl .*?)```\n\n```json\n(.*?)```", TEXT, re.DOTALL)


@pytest.fixture(scope="module")
def server():
    with running(ROOT / "models/california-linear") as found:
        yield found


@pytest.mark.skipif(not shutil.which("curl") or not shutil.which("sh"), reason="has no curl")
@pytest.mark.parametrize("number", range(3))
def test_the_requests_get_the_answers_that_are_shown(server, number):
    command, answer = EXAMPLES[number]
    assert "http://127.0.0.1:8080/" in command
    done = subprocess.run(
        ["sh", "-c", command.replace("8080", str(server.port))],
        capture_output=True,
        encoding="utf-8",
        check=True,
    )
    got, expected = json.loads(done.stdout), json.loads(answer)
    for one in (got, expected):  # another processor may sum in another order
        for output in one.get("outputs", ()):
            output["data"] = [round(value, 4) for value in output.get("data", ())]
    assert got == expected


def test_all_examples_are_known():
    assert len(EXAMPLES) == TEXT.count("```sh\ncurl") == 3


def test_each_datatype_and_each_limit_is_there():
    assert {f"`{t}`" in TEXT for t in TYPES} == {True}
    options = {o for p in cli.commands["serve"].params for o in p.opts if o.startswith("--")}
    told = set(re.findall(r"`(--[\w-]+)", TEXT))
    assert told <= options | {"--memory"}
    assert {o for o in options if o.startswith("--max")} | {"--timeout", "--threads"} <= told


def test_the_defaults_are_those_of_both_command_lines():
    defaults = dict(re.findall(r"^\| `(--[\w-]+) \w+` \| ([\w ]+) \|", TEXT, re.M))
    parameters = {p.opts[0]: p.default for p in cli.commands["serve"].params}
    parser = importlib.import_module("toolkit.serve.__main__")._parser()
    edge = vars(parser.parse_args([]))
    assert defaults.keys() == {"--max-body", "--max-rows", "--max-requests", "--timeout"}
    for option, told in defaults.items():
        for value in (parameters[option], edge[option[2:].replace("-", "_")]):
            assert str(value).removesuffix(".0") == told


def test_the_figures_are_those_of_the_last_run():
    report = json.loads((ROOT / "scripts/results/serve.json").read_text(encoding="utf-8"))
    with script_modules("serving", ("load", "main")) as modules:
        assert modules["main"].render(report) == (ROOT / "docs/serve-figures.md").read_text(
            encoding="utf-8"
        )
