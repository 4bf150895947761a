"""A bundle whose proof failed: refused by every command that would use it, in one line."""

from __future__ import annotations

import json

import pytest

TOOLKIT, EDGE = "toolkit", "toolkit.runtime"
REFUSAL = (
    "california-linear: its proof failed: on 4,128 held-out rows against scikit-learn on values "
    "as given: deviation 2.1 (allowed 0.0001); export it again, or use it as it is with --unproved "
    "(in Python unproved=True)"
)
USES = {
    "predict": ("predict", "california-linear", "--input", "rows.csv"),
    "predict a graph": ("predict", "california-linear/model.onnx", "--input", "rows.csv"),
    "predict a pack": (
        "predict",
        "california-linear/model.uint8-pack.pack",
        "--input",
        "rows.csv",
    ),
    "verify": ("verify", "california-linear"),
}


@pytest.fixture
def rows(tmp_path):
    row = "8.3252,41,6.984127,1.023810,322,2.555556,37.88,-122.23\n"
    (tmp_path / "rows.csv").write_text(row, encoding="utf-8")


@pytest.mark.usefixtures("unproved", "rows")
@pytest.mark.parametrize("module", [TOOLKIT, EDGE])
@pytest.mark.parametrize("use", USES)
def test_it_is_refused_unless_asked_for(refused, run, module, use):
    assert refused(*USES[use], code=1, module=module) == REFUSAL
    done = run(*USES[use], "--unproved", module=module)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.usefixtures("unproved")
def test_replay(refused, run):
    assert refused("replay", "california-linear", code=1, module=EDGE) == REFUSAL
    done = run("replay", "california-linear", "--unproved", module=EDGE)
    assert done.returncode == 0
    assert "golden rows" in done.stdout


@pytest.mark.usefixtures("unproved")
def test_quantize(refused, run):
    assert refused("quantize", "california-linear", code=1) == REFUSAL
    again = run("quantize", "california-linear", "--method", "uint8-pack", "--unproved")
    assert (again.returncode, again.stdout.split()[:2]) == (0, ["uint8-pack", "ok"])


def test_nothing_else_overrides_the_proof(run):
    done = run("quantize", "california-linear", "--force")
    assert done.returncode == 2
    assert "--force: california-linear is a model directory" in done.stderr


@pytest.mark.usefixtures("unproved")
@pytest.mark.parametrize("module", [TOOLKIT, EDGE])
def test_verify_tells_of_the_proof_and_checks_all_the_same(run, module):
    done = run("verify", "california-linear", "--unproved", module=module)
    first, *others = done.stdout.splitlines()
    assert first.startswith("FAILED proof  california-linear: on 4,128 held-out rows against")
    assert "deviation 2.1 (allowed 0.0001); used unproved, as asked" in first
    assert len(others) > 4
    assert all(line.startswith("ok ") for line in others)
    found = json.loads(
        run("verify", "california-linear", "--unproved", "--json", module=module).stdout
    )
    assert (found["passed"], found["proof"]["passed"]) == (True, False)
    assert "deviation 2.1" in found["proof"]["says"]


@pytest.mark.usefixtures("unproved")
@pytest.mark.parametrize("module", [TOOLKIT, EDGE])
@pytest.mark.parametrize("file", ["", "/model.onnx", "/model.uint8-pack.pack"])
def test_inspect_shows_the_proof_first(run, module, file):
    done = run("inspect", f"california-linear{file}", module=module)
    assert (done.returncode, done.stderr) == (0, "")
    first = done.stdout.splitlines()[0]
    assert first.startswith(
        "proof: FAILED (on 4,128 held-out rows against scikit-learn on values as given"
    )


def test_inspect_of_a_proved_bundle(run, california_bundle):
    first = run("inspect", california_bundle, module=EDGE).stdout.splitlines()[0]
    assert first.startswith("proof: passed (on 4,128 held-out and ")
    assert first.endswith("(allowed 0.0001))")


@pytest.mark.parametrize("module", [TOOLKIT, EDGE])
def test_a_manifest_without_an_outcome_proves_nothing(refused, california, module):
    path = california / "manifest.json"
    manifest = json.loads(path.read_text(encoding="utf-8"))
    del manifest["proof"]["passed"]
    path.write_text(json.dumps(manifest), encoding="utf-8")
    text = refused("verify", "california-linear", code=1, module=module)
    assert text.startswith(
        "california-linear: has no proof: the manifest records no outcome; export it again"
    )


@pytest.mark.usefixtures("unproved")
def test_bench_measures_writes_and_fails(run, tmp_path):
    done = run("bench", "california-linear")
    assert done.returncode == 1
    assert "Proof: FAILED on 4,128 held-out rows against scikit-learn" in done.stdout
    *progress, last = done.stderr.splitlines()
    assert all(line.endswith(" …") for line in progress)
    assert last.startswith("error: california-linear: its proof failed: on 4,128 held-out rows")
    folder = tmp_path / "california-linear"
    report = json.loads((folder / "report.json").read_text(encoding="utf-8"))
    assert (report["passed"], report["proof"]["passed"]) == (False, False)
    assert (report["gates"][0]["metric"], report["gates"][0]["value"]) == ("proof", 2.1)
    measured = [v for v in report["variants"] if v["metrics"]]
    assert len(measured) > 3
    assert {v["status"] for v in measured[1:]} == {"failed"}
    for name in ("report.md", "report.html"):
        assert "Proof: FAILED on 4,128 held-out rows" in (folder / name).read_text(encoding="utf-8")
