"""The ML-BOM: valid by the official schema, its figures those of the files that they are from."""

from __future__ import annotations

import contextlib
import hashlib
import json
import subprocess
import sys

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from toolkit.bundle import open_bundle, with_reports
from toolkit.errors import CorruptArtifact
from toolkit.report.bom import as_bom, read_report


@pytest.fixture(scope="session")
def measured(california_bundle, tmp_path_factory):
    """The california-linear bundle with a quick report."""
    import shutil

    from toolkit.report.flow import bench

    folder = shutil.copytree(california_bundle, tmp_path_factory.mktemp("bom") / "measured")
    bench(folder)
    return folder


def bom_of(folder) -> dict:
    bundle = open_bundle(folder)
    text = as_bom(bundle, read_report(bundle))
    assert text == as_bom(bundle, read_report(bundle))
    error = JsonStrictValidator(SchemaVersion.V1_6).validate_str(text)
    assert error is None, error
    return json.loads(text)


def metrics_of(bom) -> list[dict]:
    card = bom["metadata"]["component"]["modelCard"]
    return card["quantitativeAnalysis"]["performanceMetrics"]


def at(document, path: str):
    """Return the value at a dotted path."""
    for key in path.split("."):
        document = document[key]
    return document


def test_every_figure_is_the_reports_own(measured):
    bom = bom_of(measured)
    report = json.loads((measured / "report.json").read_text(encoding="utf-8"))
    manifest = json.loads((measured / "manifest.json").read_text(encoding="utf-8"))
    rows = {v["method"]: v for v in report["variants"]}
    seen = set()
    for metric in metrics_of(bom):
        if metric["slice"] == "manifest.json":
            source = manifest
        else:
            method, on = metric["slice"].split(", ")
            assert on == f"{report['rows']} held-out rows"
            source = rows[method]
            seen.add((method, metric["type"]))
        assert float(metric["value"]) == at(source, metric["type"])
    for method, row in rows.items():
        for group in ("metrics", "difference"):
            for key, value in (row[group] or {}).items():
                assert ((method, f"{group}.{key}") in seen) == (value is not None)
        if row["latency_us"]:
            assert (method, "latency_us.1.p50") in seen
    assert len(seen) > 50


def test_every_file_has_its_hash(measured):
    bom = bom_of(measured)
    found = {c["name"]: c for c in bom["components"] if "hashes" in c}
    assert set(found) == {p.name for p in measured.iterdir()}
    for name, component in found.items():
        digest = hashlib.sha256((measured / name).read_bytes()).hexdigest()
        assert component["hashes"] == [{"alg": "SHA-256", "content": digest}]
    assert found["model.uint8-pack.pack"]["type"] == "machine-learning-model"
    properties = {p["name"]: p["value"] for p in found["model.uint8-pack.pack"]["properties"]}
    assert properties["toolkit:method"] == "uint8-pack"
    assert properties["toolkit:bytes"] == str((measured / "model.uint8-pack.pack").stat().st_size)
    assert found["golden.npz"]["type"] == "data"


def test_what_made_it(measured):
    bom = bom_of(measured)
    versions = json.loads((measured / "manifest.json").read_text(encoding="utf-8"))["versions"]
    found = {c["name"]: c["version"] for c in bom["components"] if "version" in c}
    assert found.items() >= versions.items()
    purls = [c["purl"] for c in bom["components"] if "purl" in c]
    assert f"pkg:pypi/scikit-learn@{versions['scikit-learn']}" in purls
    assert f"pkg:pypi/proven-onnx@{versions['toolkit']}" in purls
    assert not any(p.startswith(("pkg:pypi/python@", "pkg:pypi/toolkit@")) for p in purls)
    refs = {c["bom-ref"] for c in bom["components"]}
    assert set(bom["dependencies"][0]["dependsOn"]) == refs
    card = bom["metadata"]["component"]["modelCard"]
    assert {d["ref"] for d in card["modelParameters"]["datasets"]} <= refs


def test_the_card(measured):
    component = bom_of(measured)["metadata"]["component"]
    parameters = component["modelCard"]["modelParameters"]
    assert parameters["task"] == "regressor"
    assert parameters["approach"] == {"type": "supervised"}
    assert parameters["inputs"] == [{"format": "X: float32 [N, 8]"}]
    properties = {p["name"]: p["value"] for p in component["properties"]}
    assert properties["toolkit:proof"].startswith("passed (on 4,128 held-out and ")
    considerations = component["modelCard"]["considerations"]
    assert "technicalLimitations" not in considerations
    assert "float32: same numbers as scikit-learn" in considerations["performanceTradeoffs"]


@pytest.mark.parametrize("name", ["california_bundle", "classifier_bundle", "named_bundle"])
def test_without_a_report_it_has_the_proofs_figures(name, request):
    bom = bom_of(request.getfixturevalue(name))
    slices = {m["slice"] for m in metrics_of(bom)}
    assert slices == {"manifest.json"}


def test_a_copy_without_the_report(measured, tmp_path):
    """What stays at home is listed, and its figures are not made up."""
    import shutil

    folder = shutil.copytree(measured, tmp_path / "device")
    (folder / "report.json").unlink()
    assert read_report(open_bundle(folder)) is None
    assert "report.json" in {c["name"] for c in bom_of(folder)["components"]}


@pytest.mark.parametrize("content", [b"{}", b"[]", b'"x"', b'{"variants": 1, "environment": {}}'])
def test_a_damaged_report(california, content):
    with_reports(open_bundle(california), {"report.json": content})
    with pytest.raises(CorruptArtifact, match="is no report; bench the model again"):
        read_report(open_bundle(california))


@pytest.mark.parametrize("name", ["model.onnx", "evaluation.npz"])
def test_a_damaged_file_has_no_hash_to_tell(california, name):
    (california / name).write_bytes(b"other")
    with pytest.raises(CorruptArtifact, match=f"{name}: its SHA-256"):
        as_bom(open_bundle(california), None)


@pytest.mark.parametrize("odd", [7, "text", [[]], {"a": 1}, None], ids=repr)
@pytest.mark.parametrize(
    "path", ["rows", "versions", "proof.comparisons", "proof.comparisons.float64", "opsets"]
)
def test_an_odd_manifest_is_described_or_refused(california, path, odd):
    file = california / "manifest.json"
    manifest = json.loads(file.read_text(encoding="utf-8"))
    *parents, last = path.split(".")
    place = manifest
    for key in parents:
        place = place[key]
    place[last] = odd
    file.write_text(json.dumps(manifest), encoding="utf-8")
    with contextlib.suppress(CorruptArtifact):
        bom_of(california)  # a valid document, or one line


@pytest.mark.usefixtures("unproved")
def test_a_failed_proof_is_in_it(california):
    card = bom_of(california)["metadata"]["component"]["modelCard"]
    [limit, *_] = card["considerations"]["technicalLimitations"]
    assert limit.startswith("its proof against scikit-learn: FAILED (on 4,128 held-out rows")


def test_the_schema_would_find_a_mistake(california_bundle):
    bom = bom_of(california_bundle)
    bom["metadata"]["component"]["modelCard"]["modelParameters"]["approach"] = {"type": "guessed"}
    error = JsonStrictValidator(SchemaVersion.V1_6).validate_str(json.dumps(bom))
    assert error is not None


def toolkit(*arguments, cwd):
    return subprocess.run(
        [sys.executable, "-m", "toolkit", *map(str, arguments)],
        cwd=cwd,
        capture_output=True,
        encoding="utf-8",
        check=False,
    )


def test_the_command(measured, california, tmp_path):
    done = toolkit("bom", measured, cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout) == bom_of(measured)
    done = toolkit("bom", measured, "-o", "bom.json", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("bom.json: CycloneDX, ")
    assert json.loads((tmp_path / "bom.json").read_text(encoding="utf-8")) == bom_of(measured)
    done = toolkit("bom", california, "-o", "bom.json", "--json", cwd=tmp_path)
    assert json.loads(done.stdout)["path"] == "bom.json"
    assert "has no report.json, so that only the proof's figures are in it" in done.stderr


def test_it_is_no_file_of_a_bundle(california, tmp_path):
    before = sorted(p.name for p in california.iterdir())
    done = toolkit("bom", california, "-o", california / "bom.json", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert "lies in a model directory" in done.stderr
    assert sorted(p.name for p in california.iterdir()) == before
