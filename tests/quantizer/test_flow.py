"""quantize(): which methods run, what is kept, and what the manifest says of it."""

from __future__ import annotations

import json

import numpy as np
import pytest

import toolkit
from toolkit.bundle import open_bundle
from toolkit.errors import CorruptArtifact, InvalidInput, ParityError
from toolkit.quantizer import method_names, quantize
from toolkit.quantizer.methods import load_method
from toolkit.quantizer.refusals import NotApplicable
from toolkit.runtime.verify import verify


def manifest_of(bundle):
    return json.loads((bundle.path / "manifest.json").read_text(encoding="utf-8"))


def test_all_methods_where_none_is_named(network_bundle):
    seen = []
    made = quantize(network_bundle, progress=seen.append)
    assert [v.method for v in made] == list(method_names())
    assert seen == made
    assert {v.method for v in made if v.status == "ok"} >= {"uint8-pack", "float32-pack"}
    assert [v.method for v in open_bundle(network_bundle.path).variants] == [
        "float32",
        *method_names(),
    ]


def test_every_kept_file_is_listed_with_its_hash_and_replays(network_bundle):
    made = quantize(network_bundle)
    files = manifest_of(network_bundle)["files"]
    for variant in made:
        assert (variant.file in files) == (variant.status == "ok")
        if variant.file:
            assert files[variant.file]["bytes"] == variant.bytes
            assert files[variant.file]["method"] == variant.method
            assert files[variant.file]["tolerance"] == variant.tolerance
    assert all(c.passed for c in verify(network_bundle.path))


def test_by_path_and_by_name(network_bundle):
    made = quantize(str(network_bundle.path), ["uint8-pack"])
    assert [(v.method, v.status) for v in made] == [("uint8-pack", "ok")]
    assert not (network_bundle.path / "model.float16.onnx").exists()


def test_one_method_after_another_keeps_both(network_bundle):
    quantize(network_bundle, ["uint8-pack"])
    quantize(open_bundle(network_bundle.path), ["float16"])
    assert {v.method for v in open_bundle(network_bundle.path).variants} == {
        "float32",
        "uint8-pack",
        "float16",
    }
    assert all(c.passed for c in verify(network_bundle.path))


def test_the_same_again_gives_the_same_bytes(network_bundle):
    def content():
        return {p.name: p.read_bytes() for p in network_bundle.path.iterdir()}

    quantize(network_bundle)
    before = content()
    quantize(open_bundle(network_bundle.path))
    assert content() == before


def test_a_variant_that_is_no_longer_made_is_removed(network_bundle, monkeypatch):
    quantize(network_bundle, ["uint8-pack"])

    def nothing(model, calibration):
        raise NotApplicable("nothing to do today")

    monkeypatch.setattr(load_method("uint8-pack"), "apply", nothing)
    made = quantize(open_bundle(network_bundle.path), ["uint8-pack"])
    assert (made[0].status, made[0].reason) == ("not-applicable", "nothing to do today")
    assert not (network_bundle.path / "model.uint8-pack.pack").exists()
    assert "model.uint8-pack.pack" not in manifest_of(network_bundle)["files"]


def test_a_method_that_changes_nothing_is_called_a_no_op(network_bundle, monkeypatch, quick):
    def stripped(model, calibration):
        """The model without what says where it is from: smaller, and the same."""
        changed = type(model)()
        changed.CopyFrom(model)
        changed.producer_name = ""
        return changed.SerializeToString()

    monkeypatch.setattr(load_method("float16"), "apply", stripped)
    (made,) = quantize(network_bundle, ["float16"])
    assert made.bytes < network_bundle.model_path.stat().st_size
    assert (made.status, made.verdict, made.file) == ("not-applicable", "no-op", None)
    row = next(r for r in toolkit.bench(network_bundle).variants if r.method == "float16")
    assert row.summary == "no-op"
    assert row.verdict.startswith("no-op: every parameter is stored as in model.onnx")


def test_a_report_of_earlier_variants_is_removed(network_bundle):
    quantize(network_bundle, ["float32-pack"])
    from toolkit.bundle import with_reports

    with_reports(open_bundle(network_bundle.path), {"report.md": b"old"})
    quantize(open_bundle(network_bundle.path), ["uint8-pack"])
    assert not (network_bundle.path / "report.md").exists()


@pytest.mark.parametrize(
    ("wrong", "status", "words"),
    [(b"\0" * 10**6, "not-applicable", "larger"), ("corrupted", "failed", "normalised MSE")],
    ids=["larger", "wrong"],
)
def test_what_is_larger_or_wrong_is_reported_and_not_kept(
    wrong, status, words, network_bundle, monkeypatch
):
    method = load_method("float16")
    apply = method.apply

    def corrupted(model, calibration):
        """The real method on a model with every weight of a layer turned round."""
        from onnx import ModelProto, numpy_helper

        changed = ModelProto()
        changed.CopyFrom(model)
        tensor = next(t for t in changed.graph.initializer if t.name == "coefficient1")
        values = -numpy_helper.to_array(tensor)
        tensor.CopyFrom(numpy_helper.from_array(values, tensor.name))
        return apply(changed, calibration)

    monkeypatch.setattr(method, "apply", corrupted if wrong == "corrupted" else lambda *_: wrong)
    (made,) = quantize(network_bundle, ["float16"])
    assert made.status == status
    assert words in made.reason
    assert made.file is None
    assert not (network_bundle.path / "model.float16.onnx").exists()
    listed = manifest_of(network_bundle)["variants"][-1]
    assert (listed["method"], listed["status"], listed["reason"]) == (
        "float16",
        status,
        made.reason,
    )


def test_a_failed_proof_is_refused_unless_asked_for(network_bundle):
    manifest = manifest_of(network_bundle)
    manifest["proof"]["passed"] = False
    (network_bundle.path / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    before = sorted(p.name for p in network_bundle.path.iterdir())
    with pytest.raises(ParityError, match=r"its proof failed.*--unproved"):
        quantize(network_bundle.path)
    assert sorted(p.name for p in network_bundle.path.iterdir()) == before
    assert quantize(network_bundle.path, ["uint8-pack"], unproved=True)[0].status == "ok"


def test_an_unknown_method_runs_none(network_bundle):
    before = manifest_of(network_bundle)
    with pytest.raises(InvalidInput, match="unknown method 'uint8'"):
        quantize(network_bundle, ["float16", "uint8"])
    assert manifest_of(network_bundle) == before


@pytest.mark.parametrize("name", ["model.onnx", "calibration.npz", "golden.npz"])
def test_a_damaged_file_is_named(name, network_bundle):
    path = network_bundle.path / name
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(bytes(content))
    with pytest.raises(CorruptArtifact, match=name):
        quantize(network_bundle, ["uint8-pack"])


def test_labels_and_probabilities_of_a_classifier(labels_bundle):
    kept = [v for v in quantize(labels_bundle) if v.status == "ok"]
    assert "uint8-pack" in {v.method for v in kept}
    rows = labels_bundle.evaluation()
    for variant in kept:
        opened = toolkit.load(labels_bundle.path / str(variant.file))
        X = rows.inputs["X"].astype(np.float32)
        assert (opened.predict(X) == rows.outputs["label"]).mean() > 0.97
        assert np.abs(opened.predict_proba(X).sum(axis=1) - 1).max() < 1e-5
