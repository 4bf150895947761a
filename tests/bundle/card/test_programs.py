"""The programs of the cards: run where they can be, else compiled, else parsed.

Run are Python, JavaScript (node, onnxruntime-web) and, where onnxruntime's headers can be had, C++.
Java and Rust are compiled against stubs of the library's signatures, C# is parsed.
"""

from __future__ import annotations

import ast
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnxruntime
import pytest

from tests.bundle.card.cases import NAMES
from tests.bundle.card.conftest import card_of, programs
from toolkit.bundle import open_bundle
from toolkit.runtime import load

ROOT = Path(__file__).resolve().parents[3]
STUBS = Path(__file__).resolve().parent / "stubs"
TOOLS = ROOT / "scripts" / "ci" / "card-tools"
LINES = 40

# All that is no part of Python but onnxruntime and numpy.
BLOCKED = ("toolkit", "sklearn", "scipy", "pandas", "onnx", "skl2onnx", "skops", "joblib", "click")
BLOCK = f"""
import sys
class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {BLOCKED!r}:
            raise ModuleNotFoundError(name)
sys.meta_path.insert(0, Absent())
"""
# All are compiled and run in node in the slow tests, these in the fast ones too.
SOME = ("california", "table", "hostile")
ALL = [pytest.param(n, marks=[] if n in SOME else [pytest.mark.slow]) for n in NAMES]


def ran(*command, cwd: Path) -> str:
    done = subprocess.run(
        list(map(str, command)), cwd=cwd, capture_output=True, encoding="utf-8", check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def tool(kind: str) -> Path:
    """Return the folder of what scripts/ci/card-tools fetches; the test is skipped without it."""
    if os.name == "nt":
        pytest.skip("scripts/ci/card-tools is a script for bash")
    done = subprocess.run([TOOLS, kind], capture_output=True, encoding="utf-8", check=False)
    if done.returncode and kind == "web" and os.environ.get("CI"):
        pytest.fail(f"CI runs the programs of JavaScript: {done.stderr}")
    if done.returncode:
        pytest.skip(f"scripts/ci/card-tools {kind} fails here: {done.stderr.strip()[-200:]}")
    return Path(done.stdout.strip())


def needs(*names: str):
    lacking = [n for n in names if not shutil.which(n)]
    return pytest.mark.skipif(bool(lacking), reason=f"no {' and '.join(lacking)} on this machine")


def flat(value) -> list[str]:
    """Return values as texts in their order, truths as 1 and 0."""
    if isinstance(value, list):
        return [text for inner in value for text in flat(inner)]
    return [str(int(value)) if isinstance(value, bool) else str(value)]


def rows_of(folder: Path) -> list[dict[str, list[str]]]:
    """Return what the graph answers for each golden row that is not adversarial, by output."""
    bundle = open_bundle(folder)
    rows = bundle.golden()
    answers = load(folder / "model.onnx").run(rows.inputs)
    plain = np.flatnonzero(~rows.adversarial)
    return [{n: flat(np.ravel(a[at]).tolist()) for n, a in answers.items()} for at in plain]


def alike(found: list[str], wanted: list[str]) -> bool:
    def same(one: str, other: str) -> bool:
        try:
            return bool(np.isclose(float(one), float(other), rtol=1e-4, atol=1e-6, equal_nan=True))
        except ValueError:
            return one == other

    return len(found) == len(wanted) and all(map(same, found, wanted))


def require_answers(found: dict[str, list[str]], folder: Path) -> None:
    """Hold what a program printed against the graph's answers for one of the golden rows."""
    rows = rows_of(folder)
    assert found.keys() == rows[0].keys()
    if open_bundle(folder).manifest["inputs"][0]["shape"] == [None, 200]:  # a row of zeros
        zeros = np.zeros((1, 200), np.float32)
        rows = [{n: flat(np.ravel(a).tolist()) for n, a in load(folder).run({"X": zeros}).items()}]
    assert any(all(alike(found[n], row[n]) for n in found) for row in rows), (found, rows[:3])


def from_python(out: str) -> dict[str, list[str]]:
    lines = (line.partition(" ") for line in out.splitlines())
    return {name: flat(ast.literal_eval(values)) for name, _, values in lines}


@pytest.mark.parametrize("name", NAMES)
def test_python(made, name, tmp_path):
    folder = shutil.copytree(made(name), tmp_path / "model")
    (folder / "run.py").write_text(BLOCK + programs(card_of(folder))["python"], encoding="utf-8")
    found = from_python(ran(sys.executable, "-I", "-X", "utf8", "run.py", cwd=folder))
    require_answers(found, folder)


def test_the_block_blocks(tmp_path):
    for name in ("sklearn", "toolkit"):
        (tmp_path / "run.py").write_text(BLOCK + f"import {name}", encoding="utf-8")
        with pytest.raises(AssertionError, match="ModuleNotFoundError"):
            ran(sys.executable, "-I", "run.py", cwd=tmp_path)


@pytest.mark.parametrize("name", ALL)
@pytest.mark.skipif(
    not shutil.which("node") and not os.environ.get("CI"), reason="no node on this machine"
)
def test_javascript(made, name, tmp_path):
    home, folder = tool("web"), made(name)
    program = home / f"{tmp_path.name}-{os.getpid()}.mjs"  # modules are sought from where it lies
    try:
        program.write_text(programs(card_of(folder))["js"], encoding="utf-8")
        out = ran("node", program, cwd=folder)
    finally:
        program.unlink(missing_ok=True)
    lines = (line.partition(" ") for line in out.splitlines())
    require_answers({n: json.loads(values) for n, _, values in lines}, folder)


@pytest.fixture(scope="session")
def library(tmp_path_factory) -> Path:
    """The library of the wheel under the name that it is loaded by."""
    capi = Path(onnxruntime.__file__).parent / "capi"
    libraries = sorted(capi.glob("libonnxruntime.so.1.*"))
    if not libraries:
        pytest.skip("the wheel of onnxruntime has no libonnxruntime.so on this system")
    link = tmp_path_factory.mktemp("library") / "libonnxruntime.so.1"
    link.symlink_to(libraries[0])
    return link


@pytest.mark.slow
@needs("g++")
@pytest.mark.parametrize("name", NAMES)
def test_cpp(made, name, tmp_path, library):
    headers, folder = tool("headers"), made(name)
    (tmp_path / "p.cpp").write_text(programs(card_of(folder))["cpp"], encoding="utf-8")
    strict = ("-std=c++17", "-O0", "-Wall", "-Wextra", "-Werror", "-isystem", headers)
    ran("g++", *strict, "p.cpp", library, f"-Wl,-rpath,{library.parent}", "-o", "p", cwd=tmp_path)
    out = ran(tmp_path / "p", cwd=folder)
    found = {}
    for line in out.splitlines():
        title, *values = line.split(" ")
        found[title] = values
    if name == "hostile":  # labels with blanks in them
        found["label"] = [" ".join(found["label"])]
    require_answers(found, folder)


@needs("g++")
@pytest.mark.parametrize("name", ALL)
def test_cpp_parses(made, name, tmp_path):
    (tmp_path / "p.cpp").write_text(programs(card_of(made(name)))["cpp"], encoding="utf-8")
    strict = ("-std=c++17", "-fsyntax-only", "-Wall", "-Wextra", "-Werror")
    ran("g++", *strict, "-I", STUBS / "cpp", "p.cpp", cwd=tmp_path)


@needs("javac")
@pytest.mark.parametrize("name", ALL)
def test_java_compiles(made, name, tmp_path):
    program = programs(card_of(made(name)))["java"]
    (tmp_path / "Predict.java").write_text(program, encoding="ascii")
    stubs = ("-sourcepath", STUBS / "java", "-d", tmp_path / "classes", "-Xlint:all,-serial")
    ran("javac", "-Werror", *stubs, "Predict.java", cwd=tmp_path)


@pytest.fixture(scope="session")
def crate(tmp_path_factory) -> Path:
    """The stub of the crate ort, compiled."""
    folder = tmp_path_factory.mktemp("crate")
    made = ("--edition", "2021", "--crate-type", "lib", "--crate-name", "ort")
    ran("rustc", *made, STUBS / "ort.rs", "-o", folder / "libort.rlib", cwd=folder)
    return folder / "libort.rlib"


@needs("rustc")
@pytest.mark.parametrize("name", ALL)
def test_rust_compiles(made, name, tmp_path, crate):
    (tmp_path / "p.rs").write_text(programs(card_of(made(name)))["rust"], encoding="utf-8")
    strict = ("--edition", "2021", "-D", "warnings", "--extern", f"ort={crate}")
    ran("rustc", *strict, "--emit", "metadata", "p.rs", cwd=tmp_path)


@pytest.mark.parametrize("name", NAMES)
def test_csharp_parses(made, name):
    """The grammar finds no error; what it makes of literals is what was meant."""
    import tree_sitter
    import tree_sitter_c_sharp

    parser = tree_sitter.Parser(tree_sitter.Language(tree_sitter_c_sharp.language()))
    folder = made(name)
    tree = parser.parse(programs(card_of(folder))["csharp"].encode())
    assert not tree.root_node.has_error
    literals, waiting = [], [tree.root_node]
    while waiting:
        node = waiting.pop()
        waiting += node.children
        if node.type == "string_literal":
            literals.append(ast.literal_eval(node.text.decode()))
    names = {i["name"] for i in open_bundle(folder).manifest["inputs"]}
    assert names <= set(literals)
    assert parser.parse(b"var x = new[] { 1, ;").root_node.has_error


@pytest.mark.parametrize("name", NAMES)
def test_programs_are_short(made, name):
    found = programs(card_of(made(name)))
    assert set(found) == {"python", "js", "cpp", "csharp", "java", "rust"}
    lengths = {language: len(p.splitlines()) for language, p in found.items()}
    # Two kinds of columns and long names: C++ has a function for each kind.
    assert lengths.pop("cpp") <= LINES + 15 * (name in ("table", "hostile", "many"))
    assert max(lengths.values()) <= LINES - 10
