"""What a fresh process imports to its first prediction: each module is a part of the cold start.

The names are held, not times; scripts/benchmark-runtime measures those.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy
import pytest

import toolkit

LIBRARIES = """
import os, sys
os.environ["ORT_DISABLE_TELEMETRY"] = "1"
import numpy, onnxruntime
"""
PREDICT = """
import sys
from toolkit.runtime import load
load(sys.argv[1]).predict([[0.0] * 8])
"""
COMMAND = """
import sys
from toolkit.runtime.__main__ import main
assert main(["predict", *sys.argv[1:]]) == 0
"""
TELL = """
print(*sys.modules)
"""
OURS = {
    "toolkit",
    "toolkit.errors",
    "toolkit.runtime",
    *(
        f"toolkit.runtime.{name}"
        for name in (
            "bound",
            "external",
            "files",
            "guard",
            "inputs",
            "listed",
            "loading",
            "manifest",
            "ort",
            "predictor",
            "regular",
            "schema",
            "session",
            "split",
        )
    ),
}
CHECKED = {"json", "json.decoder", "json.encoder", "json.scanner"}  # a bundle's
COMMANDS = {
    f"toolkit.runtime.{name}"
    for name in (
        *("__main__", "commands", "fields", "stopping", "rows", "rows.answers", "rows.block"),
        *("rows.csv_rows", "rows.written"),
    )
}
# What nothing on the way to a prediction needs.
NEVER = {
    "dataclasses",
    "hashlib",
    "importlib.metadata",
    "lzma",
    "pathlib",
    "shutil",
    "tempfile",
    "threading",
    "typing_extensions",
}


def imported(program: str, *arguments: str) -> set[str]:
    # Without site, since what an environment starts by itself may import some of these.
    command = [sys.executable, "-S", "-c", program + TELL, *arguments]
    homes = [str(Path(module.__file__).parent.parent) for module in (toolkit, numpy)]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(homes)}
    done = subprocess.run(
        command, capture_output=True, encoding="utf-8", check=True, env=environment
    )
    return set(done.stdout.splitlines()[-1].split())  # what else was said comes before


@pytest.fixture(scope="module")
def libraries():
    """What numpy and onnxruntime import by themselves, in this version of Python."""
    return imported(LIBRARIES)


@pytest.fixture(scope="module")
def alone(california_bundle, tmp_path_factory):
    """The graph outside its bundle."""
    folder = tmp_path_factory.mktemp("alone")
    return shutil.copy(california_bundle / "model.onnx", folder / "model.onnx")


def test_a_graph_alone_imports_nothing_but_the_runtime(alone, libraries):
    assert imported(PREDICT, str(alone)) - libraries == OURS


def test_a_graph_in_a_bundle_is_read_with_json(california_bundle, libraries):
    found = imported(PREDICT, str(california_bundle)) - libraries
    assert {n for n in found if n.startswith("toolkit")} == OURS
    assert {n for n in found - OURS if not n.startswith("_")} <= CHECKED


def test_the_command_imports_what_reading_csv_takes(alone, libraries, tmp_path):
    rows = tmp_path / "rows.csv"
    rows.write_text("\n".join([",".join("12345678")] * 2) + "\n", encoding="utf-8")
    found = imported(COMMAND, str(alone), "--input", str(rows)) - libraries
    assert {n for n in found if n.startswith("toolkit")} == OURS | COMMANDS
    assert "argparse" in found
    assert not found & (NEVER | CHECKED)


def test_a_pack_alone_needs_the_decoders_too(california_bundle, libraries, tmp_path):
    pack = shutil.copy(california_bundle / "model.uint8-pack.pack", tmp_path / "m.pack")
    found = imported(PREDICT, str(pack)) - libraries
    wanted = {"toolkit.runtime.pack", "toolkit.runtime.pack.encodings", "toolkit.runtime.wire"}
    assert wanted <= found
    assert not found & (NEVER | CHECKED | {"toolkit.runtime.verify", "toolkit.runtime.golden"})
    assert not [name for name in found if name.startswith("toolkit.runtime.pack.forest")]


def test_a_command_ends_with_all_that_it_said(california_bundle):
    """It ends without the interpreter's own end, which would write out what is left."""
    command = [sys.executable, "-m", "toolkit.runtime"]
    done = subprocess.run(
        [*command, "replay", str(california_bundle)],
        capture_output=True,
        encoding="utf-8",
        check=True,
    )
    assert done.stdout.count(" golden rows\n") == done.stdout.count("predicted") > 1
    failed = subprocess.run([*command, "replay", "/nowhere"], capture_output=True, encoding="utf-8")
    assert (failed.returncode, failed.stdout) == (2, "")
    assert failed.stderr.startswith("error: /nowhere: ")
    assert subprocess.run(command, capture_output=True).returncode == 2


def test_a_process_that_leaves_writes_what_it_holds_back():
    program = "from toolkit.runtime import __main__ as m; print('said'); m._leave(3)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, encoding="utf-8")
    assert (done.returncode, done.stdout, done.stderr) == (3, "said\n", "")
