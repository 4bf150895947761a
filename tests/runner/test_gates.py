from __future__ import annotations

from dataclasses import replace

import pytest

from tests.runner.bundles import absent, classifier_bundle, linear_bundle, variant
from toolkit import limits
from toolkit.errors import InvalidInput
from toolkit.quantizer.methods import load_method, method_names
from toolkit.runner import gates
from toolkit.runner.gates import choose, evaluate, parse
from toolkit.runner.records import Row

REFERENCE = Row("scikit-learn", None, "ok", metrics={"r2": 0.6, "mse": 0.5, "mae": 0.4})
ROW = Row(
    "uint8-pack",
    "model.uint8-pack.pack",
    "ok",
    bytes=170,
    bytes_compressed=180,
    size_ratio=2.0,
    metrics={"r2": 0.58, "mse": 0.6, "mae": 0.45},
    difference={
        "max_abs": 0.15,
        "mean_abs": 0.01,
        "nmse": 0.002,
        "max_rel": 0.1,
        "label_agreement": None,
    },
    batch_consistency=0.0,
    latency_us={"1": {"p50": 12.0, "p90": 13.0, "p99": 20.0, "throughput": 8e4}},
    cold_start_ms=110.0,
    peak_rss_mb=55.0,
)


def test_every_metric_that_can_be_written_can_be_read():
    assert gates.READERS.keys() == limits.METRICS.keys()


@pytest.mark.parametrize(
    ("expression", "passed"),
    [
        ("bytes<=170", True),
        ("bytes<170", False),
        ("bytes>=170", True),
        ("bytes>170", False),
        ("bytes<171", True),
        ("bytes>169", True),
        ("bytes<=169", False),
        ("bytes>=171", False),
    ],
)
def test_each_operator(expression, passed):
    rows, outcomes = evaluate(parse(expression), [REFERENCE, ROW])
    assert [o["passed"] for o in outcomes] == [passed]
    assert rows[1].status == ("ok" if passed else "failed")
    assert rows[0] == REFERENCE


@pytest.mark.parametrize(
    ("metric", "value"),
    {
        "r2": 0.58,
        "mse": 0.6,
        "mae": 0.45,
        "r2_drop": 0.02,
        "max_abs": 0.15,
        "mean_abs": 0.01,
        "nmse": 0.002,
        "max_rel": 0.1,
        "batch_consistency": 0.0,
        "bytes": 170,
        "bytes_compressed": 180,
        "size_ratio": 2.0,
        "latency_us": 12.0,
        "cold_start_ms": 110.0,
        "peak_rss_mb": 55.0,
    }.items(),
)
def test_each_metric_reads_its_figure(metric, value):
    _, (outcome,) = evaluate(parse(f"{metric}<=0"), [REFERENCE, ROW])
    assert outcome["value"] == pytest.approx(value)


def test_classifier_metrics_read_their_figures():
    reference = replace(REFERENCE, metrics={"accuracy": 0.9, "log_loss": 0.3})
    row = replace(
        ROW, metrics={"accuracy": 0.8, "log_loss": 0.4}, difference={"label_agreement": 0.85}
    )
    asked = [parse(f"{m}<=0")[0] for m in ("accuracy", "log_loss", "accuracy_drop", "agreement")]
    _, outcomes = evaluate(asked, [reference, row])
    assert [o["value"] for o in outcomes] == pytest.approx([0.8, 0.4, 0.1, 0.85])


def test_a_figure_that_is_missing_or_nan_fails():
    silent = replace(ROW, peak_rss_mb=None, batch_consistency=float("nan"))
    asked = parse("peak_rss_mb<=1e9,batch_consistency<=1e9")
    rows, outcomes = evaluate(asked, [REFERENCE, silent])
    assert [o["passed"] for o in outcomes] == [False, False]
    assert "peak_rss_mb is not measured" in rows[1].reason


def test_a_gate_of_one_method_leaves_the_others_alone():
    other = replace(ROW, method="float16")
    rows, outcomes = evaluate(parse("float16:bytes<=1"), [REFERENCE, ROW, other])
    assert [(o["method"], o["passed"]) for o in outcomes] == [("float16", False)]
    assert [r.status for r in rows] == ["ok", "ok", "failed"]
    assert rows[2].reason == "bytes is 170, the gate is float16:bytes<=1"


def test_every_broken_gate_is_in_the_reason():
    rows, _ = evaluate(parse("bytes<=1,max_abs<=0.1"), [REFERENCE, ROW])
    assert "bytes<=1" in rows[1].reason
    assert "max_abs is 0.15" in rows[1].reason


def test_rows_that_were_not_measured_are_not_gated():
    gone = Row("float16", None, "not-applicable", "no floats")
    rows, outcomes = evaluate(parse("bytes<=1e9"), [REFERENCE, ROW, gone])
    assert [o["method"] for o in outcomes] == ["uint8-pack"]
    assert rows[2] == gone


def test_the_defaults_by_method(linear_model):
    chosen = choose([], linear_model, targets=True)
    assert [(g.method, g.expression) for g in chosen] == [
        ("float32", "max_rel<=1e-4"),
        ("uint8-pack", "nmse<=0.01"),
    ]


@pytest.mark.parametrize(
    ("limits", "expressions"),
    [
        ({"nmse": 0.0001, "max_error": 0.5}, ["nmse<=0.0001", "max_abs<=0.5"]),
        ({"nmse": 0.05, "bytes": 400.0}, ["nmse<=0.05", "bytes<=400"]),
        ({"bytes": 400.0}, ["nmse<=0.01"]),
        (None, ["nmse<=0.01"]),
    ],
    ids=str,
)
def test_a_budgets_own_limits_are_its_gates(linear_model, monkeypatch, limits, expressions):
    """A limit on bytes alone promises nothing of errors: the standard gates stay."""
    made = [variant("float32", b"x"), variant("budget", b"x")]
    monkeypatch.setattr(type(linear_model), "variants", [v for v, _ in made])
    monkeypatch.setattr(type(linear_model), "front", lambda _: limits and {"limits": limits})
    chosen = choose([], linear_model, targets=True)
    assert [g.expression for g in chosen if g.method == "budget"] == expressions


def test_the_defaults_of_a_classifier_hold_its_labels(classifier):
    chosen = choose([], classifier, targets=False)
    assert [g.expression for g in chosen] == ["max_rel<=1e-4", "agreement>=0.999"]


def test_the_defaults_parse_and_name_known_methods():
    for expressions in gates.DEFAULTS.values():
        assert all(gate.method is None for e in expressions for gate in parse(e))


@pytest.mark.parametrize(
    ("expression", "said"),
    [
        ("accuracy_drop<=0.1", "needs a classifier"),
        ("agreement>=0.9", "needs labels"),
        ("log_loss<=1", "needs a classifier"),
        ("uint8-pak:bytes<=1", "did you mean 'uint8-pack'?"),
        ("scikit-learn:bytes<=1", "this bundle has no method 'scikit-learn'"),
        ("dynamic-uint8:bytes<=1", "not-applicable: nothing here to quantize"),
    ],
)
def test_a_gate_that_cannot_hold_for_a_regressor(linear_model, expression, said):
    with pytest.raises(InvalidInput) as caught:
        choose([expression], linear_model, targets=True)
    assert said in str(caught.value)


def test_a_gate_that_cannot_hold_for_a_classifier(classifier):
    with pytest.raises(InvalidInput, match="r2_drop needs a regressor"):
        choose(["r2_drop<=0.1"], classifier, targets=True)


def test_a_gate_on_the_truth_needs_targets(linear_model):
    with pytest.raises(InvalidInput, match="r2_drop needs targets"):
        choose(["r2_drop<=0.1"], linear_model, targets=False)


def test_bundles_differ_in_what_can_be_gated(tmp_path):
    bundle = classifier_bundle(tmp_path / "c", [absent("float16")])
    assert choose(["log_loss<=1"], bundle, targets=True)[-1].metric == "log_loss"
    other = linear_bundle(tmp_path / "l")
    assert choose(["float32:r2_drop<=0.1"], other, targets=True)[-1].method == "float32"


@pytest.mark.parametrize("method", sorted(set(method_names()) - {"float32-pack"}))
def test_no_default_gate_asks_for_more_than_quantizing_did(method):
    """Else the bench would fail what quantize keeps on purpose. (An exact pack is held closer.)"""
    limits = load_method(method).LIMITS
    defaults = gates.DEFAULTS.get(method, gates.DEFAULTS["*"])
    asked = {gate.metric: gate.value for e in defaults for gate in parse(e)}
    assert limits["nmse"] <= asked["nmse"]
    assert limits["agreement"] >= asked["agreement"]
