"""The check of a variant tested: it keeps what is right and finds what is not."""

from __future__ import annotations

import re
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import onnx
import pytest
from onnx import helper, numpy_helper

from toolkit.bundle import FAILED, NOT_APPLICABLE, OK, Rows, file_entry
from toolkit.errors import CorruptArtifact
from toolkit.metrics import nmse
from toolkit.quantizer.checks.acceptance import Standard, accept, broken_limit
from toolkit.runtime.manifest import VARIANT
from toolkit.runtime.predictor import Predictor

METHOD = SimpleNamespace(SUFFIX=".onnx", LIMITS={"nmse": 1e-3, "agreement": 0.99})
PLENTY = 10**9


def model_of(bundle):
    return onnx.load_model_from_string(bundle.read("model.onnx"))


def nudged(bundle, name, by):
    model = model_of(bundle)
    tensor = next(t for t in model.graph.initializer if t.name == name)
    values = numpy_helper.to_array(tensor).copy()
    values.reshape(-1)[0] += by
    tensor.CopyFrom(numpy_helper.from_array(values, name))
    return model.SerializeToString()


def dependent_on_its_batch(bundle):
    """Scale by what the batch's largest value is: right for the whole batch, not for one row."""
    model = model_of(bundle)
    output = model.graph.output[0].name
    model.graph.node[-1].output[0] = "inner"
    model.graph.node.extend(
        [
            helper.make_node("ReduceMean", ["inner", "axis"], ["mean"], keepdims=1),
            helper.make_node("Sub", ["inner", "mean"], ["apart"]),
            helper.make_node("Add", ["apart", "usual"], [output]),
        ]
    )
    usual = bundle.calibration().outputs[output].mean(axis=0, keepdims=True).astype(np.float32)
    model.graph.initializer.extend(
        [numpy_helper.from_array(np.array([0]), "axis"), numpy_helper.from_array(usual, "usual")]
    )
    return model.SerializeToString()


def judged(content, bundle, size=PLENTY, method=METHOD):
    """Judge what a method made of a bundle's model, as if model.onnx had so many bytes."""
    standard = Standard.of(bundle, bundle.read("model.onnx"), bundle.calibration())
    standard = replace(standard, size=size)
    return accept("try", method, content, model_of(bundle), standard)


def predictor(content):
    return Predictor(content, "here")


def test_the_float_model_breaks_nothing(network_bundle, labels_bundle):
    for bundle in (network_bundle, labels_bundle):
        opened = predictor(bundle.read("model.onnx"))
        assert broken_limit(opened, bundle.calibration(), METHOD.LIMITS) == ""


def test_a_corrupted_predictor_is_found(network_bundle):
    wrong = predictor(nudged(network_bundle, "intercept1", 0.5))
    found = broken_limit(wrong, network_bundle.calibration(), METHOD.LIMITS)
    assert found.startswith("normalised MSE ")
    assert "in one batch, limit 0.001" in found


def test_one_that_depends_on_its_batch_is_found(network_bundle):
    wrong = predictor(dependent_on_its_batch(network_bundle))
    rows = network_bundle.calibration()
    got = wrong.run(rows.inputs)
    assert nmse(rows.outputs, got) < METHOD.LIMITS["nmse"]  # the whole batch alone does not show it
    found = broken_limit(wrong, rows, METHOD.LIMITS)
    assert "row by row" in found


def test_wrong_labels_are_found(labels_bundle):
    model = model_of(labels_bundle)
    attributes = [a for node in model.graph.node for a in node.attribute]
    names = next(a for a in attributes if a.name == "classlabels_strings")
    names.strings[:] = [b"b", b"a", b"c"]
    wrong = predictor(model.SerializeToString())
    found = broken_limit(wrong, labels_bundle.calibration(), METHOD.LIMITS)
    assert found.startswith("labels equal 0.")
    assert "limit 0.99" in found


def test_one_label_of_few_rows_may_differ_and_two_may_not(labels_bundle):
    opened = predictor(labels_bundle.read("model.onnx"))
    rows = labels_bundle.calibration()
    few = {n: a[:20] for n, a in rows.inputs.items()}
    outputs = {n: a[:20].copy() for n, a in rows.outputs.items()}
    for wrong, broken in ((1, ""), (2, "labels equal 0.9")):
        label = rows.outputs["label"][:20].copy()
        label[:wrong] = "zzz"
        found = broken_limit(opened, Rows(few, outputs | {"label": label}, None), METHOD.LIMITS)
        assert found.startswith(broken)
        assert bool(found) == bool(broken)


@pytest.mark.parametrize(("lost", "broken"), [(0.34, True), (0.0003, False)])
def test_each_target_is_held_to_its_own_spread(lost, broken):
    """Three targets 1,000 apart: the distance hides nothing of what one of them loses."""
    rng = np.random.default_rng(0)
    y = rng.normal(size=(500, 1)) + np.array([0.0, 1000.0, -2000.0])
    got = y + rng.normal(size=y.shape) * [0.0, np.sqrt(lost), 0.0]
    rows = Rows({"X": np.arange(500.0)[:, None]}, {"variable": y}, None)

    class Given:
        outputs = ("variable",)

        def run(self, inputs):
            return {"variable": got[inputs["X"][:, 0].astype(int)]}

    found = broken_limit(Given(), rows, METHOD.LIMITS)
    assert found.startswith("normalised MSE 0.3") == broken


def test_nan_never_passes(network_bundle):
    wrong = predictor(nudged(network_bundle, "intercept1", np.nan))
    assert broken_limit(wrong, network_bundle.calibration(), {"nmse": 1e30, "agreement": 0.0})


def test_judge_keeps_what_is_smaller_and_right(network_bundle):
    content = nudged(network_bundle, "intercept1", 1e-6)
    variant, kept = judged(content, network_bundle, len(content) + 1)
    assert kept == content
    assert (variant.status, variant.file, variant.bytes) == (OK, "model.try.onnx", len(content))
    assert variant.reason == ""
    assert 1e-4 <= variant.tolerance["relative"] < 3e-4
    assert variant.tolerance["agreement"] == 1.0


@pytest.mark.parametrize("more", [0, 1])
def test_judge_does_not_keep_what_is_no_smaller(more, network_bundle):
    content = nudged(network_bundle, "intercept1", 1e-6)
    variant, kept = judged(content, network_bundle, len(content) - more)
    assert kept is None
    assert (variant.status, variant.file, variant.bytes) == (NOT_APPLICABLE, None, len(content))
    assert variant.verdict == "larger"
    against = f"against {len(content) - more}" if more else "as many as model.onnx has"
    assert re.match(rf"larger: {len(content)} bytes,? {against}", variant.reason)


def renamed(model):
    """Give every tensor a short name: the file is smaller, and nothing else is."""
    short = {}
    for at, tensor in enumerate(model.graph.initializer):
        short[tensor.name] = tensor.name = f"t{at}"
    for node in model.graph.node:
        for at, name in enumerate(node.input):
            node.input[at] = short.get(name, name)
    return model


def in_constants(model):
    """Write every parameter as a Constant node."""
    for tensor in model.graph.initializer:
        model.graph.node.insert(0, helper.make_node("Constant", [], [tensor.name], value=tensor))
    del model.graph.initializer[:]
    return model


def with_one_more(model):
    model.graph.initializer.append(numpy_helper.from_array(np.zeros(3, np.float32), "scale"))
    return model


@pytest.mark.parametrize("change", [lambda model: model, renamed, in_constants, with_one_more])
def test_a_graph_with_the_same_parameters_is_a_no_op(change, network_bundle):
    content = change(model_of(network_bundle)).SerializeToString()
    variant, kept = judged(content, network_bundle)
    assert kept is None
    assert (variant.status, variant.verdict) == (NOT_APPLICABLE, "no-op")
    assert variant.reason == "no-op: every parameter is stored as in model.onnx; not kept"


def test_judge_does_not_keep_what_is_wrong(network_bundle):
    content = nudged(network_bundle, "intercept1", 0.5)
    variant, kept = judged(content, network_bundle)
    assert kept is None
    assert (variant.status, variant.file, variant.bytes) == (FAILED, None, len(content))
    assert "normalised MSE" in variant.reason
    assert variant.reason.endswith("not kept")


def test_the_recorded_tolerance_covers_what_the_golden_rows_show(network_bundle):
    content = nudged(network_bundle, "intercept1", 0.01)
    variant, _ = judged(content, network_bundle)
    assert 0.0101 * 0.5 < variant.tolerance["relative"] < 0.02


def test_a_method_is_checked_under_its_session_options_and_they_are_kept(network_bundle):
    content = nudged(network_bundle, "intercept1", 1e-6)
    options = {"enable_mem_pattern": False, "config": {"session.disable_quant_qdq": "1"}}
    method = SimpleNamespace(**vars(METHOD), SESSION=options)
    variant, _ = judged(content, network_bundle, method=method)
    assert variant.session == options
    assert file_entry(str(variant.file), content, VARIANT, variant)["session"] == options
    method = SimpleNamespace(**vars(METHOD), SESSION={"enable_profiling": True})
    with pytest.raises(CorruptArtifact, match="enable_profiling"):
        judged(content, network_bundle, method=method)
