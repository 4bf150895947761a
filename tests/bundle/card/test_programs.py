"""The programs of a card are run: they give the reference's answers to the row that they show."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnxruntime
import pytest

from tests.bundle.card.conftest import program
from toolkit.metrics import same_labels

ROOT = Path(__file__).resolve().parents[3]
STUBS = Path(__file__).parent / "stubs"
BLOCKED = ("toolkit", "sklearn", "onnx", "pandas", "scipy", "skl2onnx", "joblib")


def expected(bundle):
    """Return the reference's answers to the card's row by output name, flat."""
    rows = bundle.golden()
    first = int(np.flatnonzero(~rows.adversarial)[0])
    return {n: np.ravel(a[first]) for n, a in rows.outputs.items()}


def check(answers, bundle):
    for name, values in expected(bundle).items():
        if values.dtype.kind == "f" and name != "label":
            assert np.allclose(answers[name], values, rtol=1e-4, atol=1e-5)
        else:
            assert same_labels(values, np.array(answers[name]).astype(values.dtype)).all()


def test_python(carded):
    code = f"import sys\nfor name in {BLOCKED}: sys.modules[name] = None\n"
    done = subprocess.run(
        [sys.executable, "-c", code + program(carded, "python")],
        cwd=carded.path, capture_output=True, encoding="utf-8", check=True,
    )  # fmt: skip
    answers = {}
    for line in done.stdout.splitlines():
        name, _, values = line.partition(" ")
        answers[name] = np.ravel(eval(values))
    check(answers, carded)


def fetched(kind, *needs):
    """Return the folder of a tool that scripts/ci/card-tools fetches once; skips without it."""
    missing = [command for command in needs if shutil.which(command) is None]
    if missing:
        pytest.skip(f"no {', '.join(missing)} on this machine")
    command = [ROOT / "scripts" / "ci" / "card-tools", kind]
    done = subprocess.run(command, capture_output=True, encoding="utf-8", check=False)
    if done.returncode:
        pytest.skip(f"{kind}: {done.stderr[-200:]}")
    return Path(done.stdout.strip())


@pytest.fixture(scope="session")
def web():
    """The folder of node's modules with onnxruntime-web."""
    return fetched("web", "npm", "node")


@pytest.fixture(scope="session")
def headers():
    """The folder of onnxruntime's C++ headers."""
    return fetched("headers", "apt-get", "g++")


@pytest.mark.slow
def test_javascript(carded, web):
    source = program(carded, "js")
    assert "onnxruntime-web/wasm" in source
    source = source.replace("onnxruntime-web/wasm", "onnxruntime-web").replace(
        "console.log(name, Array.from(tensor.data))",
        "console.log(JSON.stringify([name, Array.from(tensor.data, v => "
        "typeof v === 'bigint' ? Number(v) : v)]))",
    )
    path = web / f"{carded.name}.mjs"
    path.write_text(source, encoding="utf-8")
    done = subprocess.run(
        ["node", str(path)], cwd=carded.path, capture_output=True, encoding="utf-8", check=False
    )
    assert done.returncode == 0, done.stderr[-500:]
    check(dict(json.loads(line) for line in done.stdout.splitlines()), carded)


@pytest.mark.slow
def test_cpp(compiled, tmp_path, headers):
    """Compiled with the headers of a release, linked with the library of the installed wheel."""
    (tmp_path / "predict.cpp").write_text(program(compiled, "cpp"), encoding="utf-8")
    (library,) = (Path(onnxruntime.__file__).parent / "capi").glob("libonnxruntime.so.*")
    (tmp_path / "libonnxruntime.so.1").symlink_to(library)
    command = [
        *("g++", "-std=c++17", "-Wall", "-Werror", "-isystem", headers, "predict.cpp"),
        *("./libonnxruntime.so.1", f"-Wl,-rpath,{tmp_path}", "-o", "predict"),
    ]
    built = subprocess.run(
        command, cwd=tmp_path, capture_output=True, encoding="utf-8", check=False
    )
    assert built.returncode == 0, built.stderr[:2000]
    done = subprocess.run(
        [tmp_path / "predict"], cwd=compiled.path, capture_output=True, encoding="utf-8", check=True
    )
    shown = dict(line.split(" ", 1) for line in done.stdout.splitlines())
    for name, values in expected(compiled).items():
        if values.dtype.kind in "fiub":
            assert float(shown[name]) == pytest.approx(float(values[0]), rel=1e-4, abs=1e-5)
        else:
            assert shown[name] == str(values[0])


# The jar and the crate come from places that a test does not reach: these stubs declare what the
# programs use of them, so that a compiler checks syntax and types, not the answer.
@pytest.mark.slow
def test_java(compiled, tmp_path):
    if shutil.which("javac") is None:
        pytest.skip("no javac on this machine")
    (tmp_path / "Predict.java").write_text(program(compiled, "java"), encoding="utf-8")
    command = ["javac", "-Xlint:all,-serial", "-d", "classes"]
    done = subprocess.run(
        [*command, "-sourcepath", STUBS / "java", "Predict.java"],
        cwd=tmp_path, capture_output=True, encoding="utf-8", check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[:2000]


@pytest.mark.slow
def test_rust(compiled, tmp_path):
    if shutil.which("rustc") is None:
        pytest.skip("no rustc on this machine")
    (tmp_path / "main.rs").write_text(program(compiled, "rust"), encoding="utf-8")
    for command in (
        ["rustc", "--edition=2021", "--crate-type=rlib", "--crate-name=ort", STUBS / "rust/ort.rs"],
        ["rustc", "--edition=2021", "--emit=metadata", "--extern", "ort=libort.rlib", "main.rs"],
    ):
        done = subprocess.run(
            command, cwd=tmp_path, capture_output=True, encoding="utf-8", check=False
        )
        assert done.returncode == 0, done.stderr[:2000]


def test_csharp_is_balanced(carded):
    """No compiler of C# is at hand: its brackets are matched, and its strings are closed."""
    text = json.dumps(program(carded, "csharp"))
    source, depth, inside, at = json.loads(text), [], False, 0
    while at < len(source):
        letter = source[at]
        if inside:
            at += letter == "\\"
            inside = letter != '"'
            assert letter != "\n"
        elif letter == '"':
            inside = True
        elif letter in "([{":
            depth.append(letter)
        elif letter in ")]}":
            assert depth.pop() + letter in ("()", "[]", "{}")
        at += 1
    assert not depth
    assert not inside
