"""Running the commands as users do: in processes of their own, in an empty folder."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys

import numpy as np
import pytest

ROW = "8.3252,41,6.984127,1.023810,322,2.555556,37.88,-122.23\n"


@pytest.fixture(scope="session")
def estimators(tmp_path_factory):
    """A folder with estimators' files and data: what a user brings."""
    import joblib
    import skops.io
    from sklearn.dummy import DummyClassifier
    from sklearn.linear_model import LinearRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    folder = tmp_path_factory.mktemp("estimators")
    X = np.random.default_rng(5).normal(size=(90, 3)) * [1, 10, 100]
    y = X @ [3.0, 0.2, 0.01] + 1
    model = make_pipeline(StandardScaler(), LinearRegression()).fit(X, y)
    skops.io.dump(model, folder / "own.skops")
    joblib.dump(model, folder / "own.joblib")
    skops.io.dump(LinearRegression(), folder / "unfitted.skops")
    random = DummyClassifier(strategy="uniform").fit(X, (y > 1).astype(int))
    skops.io.dump(random, folder / "unsupported.skops")
    np.savez(folder / "rows.npz", X=X, y=y)
    table = np.column_stack([X, y])
    np.savetxt(folder / "rows.csv", table, "%.9g", ",", header="a,b,c,price", comments="")
    (folder / "truncated.joblib").write_bytes((folder / "own.joblib").read_bytes()[:200])
    (folder / "truncated.skops").write_bytes((folder / "own.skops").read_bytes()[:200])
    return folder


def contents(folder) -> dict[str, str]:
    """Every file below the folder with its digest, and every folder."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        if path.is_file()
        else "folder"
        for path in sorted(folder.rglob("*"))
    }


@pytest.fixture
def run(tmp_path):
    """Run `toolkit` (or another module) in the test's folder."""

    def run(*args, stdin="", module="toolkit", before=None, **environment):
        return subprocess.run(
            [sys.executable, "-m", module, *map(str, args)],
            input=stdin,
            cwd=tmp_path,
            env=os.environ | {"PYTHONWARNINGS": "ignore"} | environment,
            capture_output=True,
            encoding="utf-8",
            check=False,
            preexec_fn=before,
        )

    return run


@pytest.fixture
def refused(run, tmp_path):
    """Run a command that must fail as documented; return what its one error line says."""

    def refused(*args, code=2, **options):
        before = contents(tmp_path)
        done = run(*args, **options)
        assert done.returncode == code, done.stderr
        assert done.stdout == ""
        assert "Traceback" not in done.stderr
        *progress, last = done.stderr.splitlines()
        assert last.startswith("error: ")
        assert all(line.endswith(" …") for line in progress)
        assert contents(tmp_path) == before
        return last.removeprefix("error: ")

    return refused


@pytest.fixture
def misused(run, tmp_path):
    """Run a command whose options are wrong; return click's message."""

    def misused(*args):
        done = run(*args)
        assert done.returncode == 2
        assert done.stdout == ""
        assert done.stderr.startswith("Usage: toolkit")
        assert "Traceback" not in done.stderr
        assert contents(tmp_path) == {}
        return done.stderr.splitlines()[-1]

    return misused
