"""verify, inspect, replay and quantize on whole and on damaged bundles."""

from __future__ import annotations

import json

import pytest

TOOLKIT, EDGE = "toolkit", "toolkit.runtime"
both = pytest.mark.parametrize("module", [TOOLKIT, EDGE])


def edit(folder, change):
    path = folder / "manifest.json"
    manifest = json.loads(path.read_text(encoding="utf-8"))
    change(manifest)
    path.write_text(json.dumps(manifest), encoding="utf-8")


@both
def test_verify(run, california_bundle, module):
    done = run("verify", california_bundle, module=module)
    assert (done.returncode, done.stderr) == (0, "")
    assert "ok     golden model.uint8-pack.pack" in done.stdout
    assert "FAILED" not in done.stdout


def test_verify_as_json(run, classifier_bundle):
    found = json.loads(run("verify", classifier_bundle, "--json").stdout)
    assert (found["schema_version"], found["passed"]) == (1, True)
    assert {c["kind"] for c in found["checks"]} == {"hash", "golden"}


@both
def test_a_deviation_is_a_failed_gate(run, california, module):
    tight = {"relative": 1e-9, "agreement": 1.0}
    edit(california, lambda m: m["files"]["model.uint8-pack.pack"].update(tolerance=tight))
    done = run("verify", "california-linear", module=module)
    assert done.returncode == 1
    assert "FAILED golden model.uint8-pack.pack" in done.stdout
    assert done.stderr.startswith("error: california-linear: model.uint8-pack.pack does not repro")
    assert done.stderr.count("\n") == 1


@both
@pytest.mark.parametrize("name", ["golden.npz", "model.onnx", "model.float32-pack.pack"])
def test_another_hash(refused, california, module, name):
    path = california / name
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    text = refused("verify", "california-linear", module=module)
    assert text.startswith(f"california-linear/{name}: its SHA-256 is not the one in manifest.json")


MANIFESTS = {
    "truncated": (lambda text: text[:100], "is not JSON"),
    "empty": (lambda text: "", "is not JSON"),
    "later": (
        lambda text: text.replace('"schema_version": 1', '"schema_version": 9', 1),
        "schema_version 9 is unknown, this toolkit reads up to 1; update toolkit",
    ),
    "outside": (
        lambda text: text.replace('"golden.npz": {', '"../golden.npz": {'),
        "the entry of file '../golden.npz' is damaged",
    ),
    "no-files": (lambda text: text.replace('"files"', '"flies"'), "'files' is missing"),
}


@pytest.mark.parametrize("damage", MANIFESTS)
@pytest.mark.parametrize("command", ["verify", "inspect", "quantize"])
def test_damaged_manifests(refused, california, damage, command):
    change, expected = MANIFESTS[damage]
    path = california / "manifest.json"
    path.write_text(change(path.read_text(encoding="utf-8")), encoding="utf-8")
    text = refused(command, "california-linear")
    assert text.startswith("california-linear/manifest.json: ")
    assert expected in text


@pytest.mark.parametrize("command", ["verify", "inspect", "quantize", "bench"])
@pytest.mark.parametrize("exists", [False, True], ids=["absent", "empty"])
def test_no_bundle(refused, tmp_path, command, exists):
    if exists:
        (tmp_path / "folder").mkdir()
    text = refused(command, "folder")
    said = "holds no manifest.json" if exists else "no such"
    assert text.startswith("folder: ")
    assert said in text


@both
def test_inspect(run, california_bundle, module):
    done = run("inspect", california_bundle / "model.uint8-pack.pack", "--json", module=module)
    found = json.loads(done.stdout)
    assert (found["kind"], found["format_version"], found["task"]) == ("pack", 1, "regressor")
    first, second = found["tensors"]
    assert (first["name"], first["shape"]) == ("coefficient", [8, 1])
    assert first["encoding"] != "raw"
    assert first["bytes"] < 8 * 4 + 10  # its name, type and shape take ten or more
    assert (second["name"], second["encoding"], second["bits"]) == ("intercept", "raw", 32)
    assert found["forests"] == []
    text = run("inspect", california_bundle / "model.onnx", module=module).stdout
    assert "kind: onnx" in text


def test_replay(run, california_bundle):
    done = run("replay", california_bundle, module=EDGE)
    assert (done.returncode, done.stderr) == (0, "")
    assert "california-linear: model.uint8-pack.pack" in done.stdout
    assert "difference" in done.stdout


def test_replay_without_golden_rows(refused, california):
    edit(california, lambda m: m["files"].pop("golden.npz"))
    text = refused("replay", "california-linear", module=EDGE)
    assert "lists no golden rows" in text


@pytest.mark.parametrize(
    ("method", "near"), [("uint8-pck", "'uint8-pack'"), ("flot16", "'float16'"), ("zzz", "float16")]
)
def test_an_unknown_method(refused, california, method, near):
    text = refused("quantize", "california-linear", "--method", method)
    assert f"unknown method {method!r}" in text
    assert near in text


@pytest.mark.parametrize("name", ["model.onnx", "calibration.npz"])
def test_quantize_of_a_damaged_bundle(refused, california, name):
    path = california / name
    path.write_bytes(path.read_bytes()[:-7])
    assert f"{name}: its SHA-256 is not" in refused("quantize", "california-linear")


def test_help_lists_every_command(run):
    text = run("--help").stdout
    for command in ("export", "quantize", "bench", "predict", "verify", "inspect", "recipes"):
        assert f"  {command} " in text
    assert "Exit codes" in text


@pytest.mark.parametrize("kind", ["recipes", "methods"])
def test_lists(run, kind):
    lines = run(kind).stdout.splitlines()
    found = json.loads(run(kind, "--json").stdout)[kind]
    assert [line.split()[0] for line in lines] == [entry["name"] for entry in found]
    assert all(entry["summary"] for entry in found)


@pytest.mark.parametrize(
    ("args", "expected"),
    [
        (["predict"], "Missing argument 'ARTIFACT'"),
        (["predict", "m.onnx"], "Missing option '--input'"),
        (["verfy", "x"], "No such command 'verfy'"),
        (["export", "x", "--opset", "new"], "'new' is not a valid integer"),
        (["bench"], "Missing argument 'MODELS...'"),
        (["verify", "a", "b"], "Got unexpected extra argument"),
        (["verify", "--fast", "a"], "No such option"),
    ],
    ids=lambda v: " ".join(v) if isinstance(v, list) else "",
)
def test_wrong_usage(misused, args, expected):
    assert expected in misused(*args)
