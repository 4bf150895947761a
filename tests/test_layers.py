"""What each layer may import, held in fresh processes."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

ABSENT_ON_THE_DEVICE = (
    "click", "filelock", "google.protobuf", "joblib", "matplotlib", "onnx", "pandas", "pyarrow",
    "rich", "scipy", "skl2onnx", "skops", "sklearn",
)  # fmt: skip
HEAVY = (
    "matplotlib",
    "numpy",
    "onnx",
    "onnxruntime",
    "pandas",
    "rich",
    "scipy",
    "sklearn",
    "skops",
)

BLOCK = f"""
import sys
class Absent:
    def find_spec(self, name, path=None, target=None):
        for absent in {ABSENT_ON_THE_DEVICE!r}:
            if name == absent or name.startswith(absent + "."):
                raise ModuleNotFoundError(f"{{name}} is absent on the device", name=name)
sys.meta_path.insert(0, Absent())
"""
RUN = (
    BLOCK + "import runpy; runpy.run_module('toolkit.runtime', run_name='__main__', alter_sys=True)"
)
LOAD = (
    BLOCK
    + """
import toolkit
from toolkit.runtime import load
for path in sys.argv[1:]:
    print(load(path).predict([[0.0] * 8]).tolist(), toolkit.load(path).inputs[0].width)
"""
)


def python(code, *args, stdin=""):
    return subprocess.run(
        [sys.executable, "-c", code, *map(str, args)],
        input=stdin,
        capture_output=True,
        encoding="utf-8",
        check=False,
    )


@pytest.mark.parametrize("name", ABSENT_ON_THE_DEVICE)
def test_the_block_blocks(name):
    done = python(BLOCK + f"import {name}")
    assert "is absent on the device" in done.stderr


def test_the_runtime_opens_a_graph_and_a_pack(california_bundle):
    files = [california_bundle / n for n in ("model.onnx", "model.uint8-pack.pack", "")]
    done = python(LOAD, *files)
    assert (done.returncode, done.stderr) == (0, "")
    assert [line.split()[1] for line in done.stdout.splitlines()] == ["8", "8", "8"]


COMMANDS = {
    "verify": (["verify"], "", '"passed": true'),
    "inspect": (["inspect"], "", '"kind": "bundle"'),
    "predict": (["predict", "--input", "-"], "1,2,3,4,5,6,7,8\n", '"variable"'),
    "replay": (["replay"], "", '"r2"'),
}


@pytest.mark.parametrize("command", COMMANDS)
def test_the_commands_of_the_edge(california_bundle, command):
    (name, *options), stdin, expected = COMMANDS[command]
    done = python(RUN, name, california_bundle, *options, "--json", stdin=stdin)
    assert (done.returncode, done.stderr) == (0, "")
    assert expected in done.stdout
    json.loads(done.stdout)


def imported(*args) -> set[str]:
    """The top-level modules that a command imports."""
    code = (
        "import sys\nfrom toolkit.cli import main\n"
        "code = main(sys.argv[1:])\n"
        "print(*{name.partition('.')[0] for name in sys.modules}, file=sys.stderr)\n"
        "sys.exit(code)"
    )
    done = python(code, *args)
    assert done.returncode == 0
    return set(done.stderr.split())


@pytest.mark.parametrize("args", [["--help"], ["export", "--help"], ["bench", "-h"], ["--version"]])
def test_help_imports_nothing_heavy(args):
    found = imported(*args)
    assert "click" in found
    assert found.isdisjoint(HEAVY)


def test_the_list_of_recipes_imports_nothing_heavy():
    assert imported("recipes").isdisjoint(HEAVY)


def test_prediction_imports_no_estimators(california_bundle):
    found = imported("inspect", str(california_bundle / "model.uint8-pack.pack"))
    assert "onnxruntime" in found
    assert found.isdisjoint(set(HEAVY) - {"numpy", "onnxruntime"})


def test_help_of_the_edge_imports_nothing_heavy():
    code = (
        "import atexit, runpy, sys\n"
        "atexit.register(lambda: print(*sys.modules, file=sys.stderr))\n"
        "runpy.run_module('toolkit.runtime', run_name='__main__')"
    )
    done = python(code, "--help")
    assert "predict" in done.stdout
    assert "argparse" in done.stderr.split()
    assert {name.partition(".")[0] for name in done.stderr.split()}.isdisjoint(HEAVY)
