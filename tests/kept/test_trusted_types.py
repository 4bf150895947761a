"""No type that toolkit trusts runs code or writes a file when a file has it restored."""

from __future__ import annotations

import io
import json
import subprocess
import sys
import zipfile
from importlib import import_module
from pathlib import Path

import pytest
import skops.io
from sklearn.linear_model import LinearRegression

from toolkit.errors import InvalidInput
from toolkit.estimators.skops_file import TRUSTED, load_estimator

CODE = "__import__('os').mkdir('ran')"
TEMPLATE = "scipy.stats._continuous_distns.norm_gen"
STATE = {"_parse_arg_template": CODE, "_ctor_param": [], "model_file": CODE, "func": CODE}
ARGUMENTS = ((), (CODE,), (CODE, CODE), ({"x": CODE},), (STATE, None, CODE), ([CODE], CODE))


def hostile(name, loader, content):
    """Return a skops file that has a type called, or its state set, with what it gives."""
    with zipfile.ZipFile(io.BytesIO(skops.io.dumps(content))) as archive:
        schema = json.loads(archive.read("schema.json"))
        rest = {n: archive.read(n) for n in archive.namelist() if n != "schema.json"}
    inner = {k: v for k, v in schema.items() if k not in ("protocol", "_skops_version")}
    module, _, kind = name.rpartition(".")
    outer = {"__class__": kind, "__module__": module, "__loader__": loader, "content": inner}
    outer |= {k: schema[k] for k in ("protocol", "_skops_version")}
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("schema.json", json.dumps(outer))
        for member, held in rest.items():
            archive.writestr(member, held)
    return out.getvalue()


def caught_by(name, trusted):
    """Return what a type did while hostile files of it were restored; run in a process of its own.

    A file that a type is told to read is no harm; that it runs the file's text, or writes, is.
    """
    done, watching = [], []

    def hook(event, arguments):
        if not watching:
            return
        text = str(arguments[0])[:200] if arguments else ""
        ran = event in ("os.system", "os.mkdir", "os.exec", "os.remove", "subprocess.Popen")
        compiled = event == "compile" and CODE in text
        written = event == "open" and isinstance(arguments[1], str) and set(arguments[1]) & {*"wax"}
        if ran or compiled or written:
            done.append(f"{event}: {text}")

    sys.addaudithook(hook)
    files = [hostile(name, "ConstructorFromReduceNode", a) for a in ARGUMENTS]
    files += [hostile(name, "ObjectNode", STATE), hostile(name, "DictNode", STATE)]
    watching.append(True)
    for content in files:
        try:
            load_estimator(content, "e.skops", trusted)
        except InvalidInput:
            continue
    watching.clear()
    return done


def run_apart(names, trusted, folder):
    """Return by name what each did, in one process whose folder is empty at first."""
    program = (
        "import json, sys; sys.path.insert(0, sys.argv[1]); import test_trusted_types as t\n"
        "names, trusted = json.loads(sys.argv[2])\n"
        "print(json.dumps({n: t.caught_by(n, trusted) for n in names}))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(Path(__file__).parent), json.dumps([names, trusted])],
        capture_output=True,
        encoding="utf-8",
        cwd=folder,
    )
    assert done.returncode == 0, done.stderr[-600:]
    return json.loads(done.stdout.splitlines()[-1])


def test_no_trusted_type_runs_what_a_file_says(tmp_path):
    names = [n for n in sorted(TRUSTED) if _is_installed(n)]
    assert len(names) > 100
    found = run_apart(names, [], tmp_path)
    assert {name: did for name, did in found.items() if did} == {}
    assert list(tmp_path.iterdir()) == []


def test_a_distribution_would_run_it(tmp_path):
    """What the test above looks for is found where it is: such a type is not to be trusted."""
    found = run_apart([TEMPLATE], [TEMPLATE], tmp_path)
    assert any(CODE in did for did in found[TEMPLATE])


@pytest.mark.parametrize(
    "name",
    [
        *(TEMPLATE, "scipy.stats._distn_infrastructure.rv_continuous_frozen"),
        *("os.system", "builtins.eval", "builtins.exec", "builtins.getattr", "subprocess.Popen"),
        *("numpy.load", "numpy.save", "numpy.fromfile", "joblib.memory.Memory", "pathlib.Path"),
        *("pandas.eval", "pandas.DataFrame", "operator.methodcaller", "types.FunctionType"),
    ],
)
@pytest.mark.parametrize("loader", ["ConstructorFromReduceNode", "ObjectNode", "TypeNode"])
def test_another_type_is_refused(name, loader):
    with pytest.raises(InvalidInput, match="is not trusted"):
        load_estimator(hostile(name, loader, (CODE,)), "e.skops")


def test_a_method_of_a_trusted_type_is_refused():
    with pytest.raises(InvalidInput, match="is not trusted"):
        load_estimator(skops.io.dumps({"x": LinearRegression().fit}), "e.skops")


def _is_installed(name):
    module, _, last = name.rpartition(".")
    try:
        return hasattr(import_module(module), last)
    except ImportError:
        return False


def test_experimental_estimators_are_kept_whatever_was_imported_first():
    """skops lists scikit-learn's estimators when it is first used."""
    program = """
import numpy as np, skops.io
from sklearn.linear_model import Ridge
from toolkit.estimators.skops_file import dump_estimator, load_estimator
X = np.arange(12.0).reshape(6, 2)
load_estimator(dump_estimator(Ridge().fit(X, X[:, 0])), "e.skops")
from sklearn.experimental import enable_halving_search_cv, enable_iterative_imputer
from sklearn.impute import IterativeImputer
from sklearn.model_selection import HalvingGridSearchCV
for model in (
    IterativeImputer().fit(X),
    HalvingGridSearchCV(Ridge(), {"alpha": [1.0, 2.0]}, cv=2).fit(X, X[:, 0]),
):
    print(type(load_estimator(dump_estimator(model), "e.skops")).__name__)
"""
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", program],
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert done.stdout.split() == ["IterativeImputer", "HalvingGridSearchCV"], done.stderr
