"""The recommended file: which rule chooses it, and what it never is."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.report.conftest import failed_proof, make_report, measured
from toolkit.errors import InvalidInput
from toolkit.runner import Row
from toolkit.runner.recommendation import GOALS, recommend


def row(method, size, nmse=1e-9, pace=1.0, agreement=None, **changes):
    one = measured(method, f"model.{method}.pack", size, nmse**0.5)
    latency = {b: {k: v * pace for k, v in t.items()} for b, t in (one.latency_us or {}).items()}
    difference = {**(one.difference or {}), "nmse": nmse, "label_agreement": agreement}
    return replace(one, latency_us=latency, difference=difference, **changes)


def report(*rows, **changes):
    base = replace(row("float32", 1000), file="model.onnx")
    reference = measured("scikit-learn", None, 600, 0.0)
    return make_report(variants=(reference, base, *rows), gates=(), **changes)


def chosen(goal, *rows, within=(), **changes):
    return recommend(report(*rows, **changes), goal, within).method


SMALL = row("small", 100, pace=3.0)
MIDDLE = row("middle", 300)
FAST = row("fast", 500, pace=0.5)
COARSE = row("coarse", 50, nmse=1e-3)
EXACT = row("exact", 800, nmse=0.0)


@pytest.mark.parametrize(
    ("goal", "method"),
    [
        ("balance", "middle"),
        ("size", "small"),
        ("speed", "fast"),
        ("accuracy", "exact"),
        ("portable", "float32"),
    ],
)
def test_each_goal_has_its_own(goal, method):
    assert chosen(goal, SMALL, MIDDLE, FAST, COARSE, EXACT) == method
    assert chosen(goal, EXACT, COARSE, FAST, MIDDLE, SMALL) == method


def test_limits_decide_what_may_be_lost():
    rows = (SMALL, COARSE)
    assert chosen("size", *rows) == "small"
    assert chosen("size", *rows, within=["nmse<=0.01"]) == "coarse"
    assert chosen("size", *rows, within=["nmse<=1e-12"]) is None
    assert chosen("size", *rows, within=["bytes>=400"]) == "float32"


def test_labels_count_by_themselves():
    rows = [row("few", 100, agreement=0.99), row("most", 200, agreement=0.9995)]
    assert chosen("size", *rows) == "most"


def test_what_a_gate_failed_or_another_dominates_is_never_named():
    failed = replace(SMALL, status="failed", reason="max_abs is 3")
    needless = replace(MIDDLE, dominated_by="fast")
    absent = Row("absent", None, "not-applicable", "the graph has no weights")
    for goal in GOALS:
        answer = recommend(report(failed, needless, FAST, absent), goal)
        assert answer.method in ("fast", "float32")
        assert "absent" not in [r.method for r in answer.runners_up]
        reasons = {r.method: r.reason for r in answer.runners_up}
        assert reasons["small"] == "max_abs is 3"
        assert reasons["middle"] == "fast is no larger, no further off and no slower"


def test_a_failed_proof_recommends_nothing():
    answer = recommend(report(MIDDLE, proof=failed_proof()))
    assert (answer.file, answer.runners_up) == (None, ())
    assert answer.reasons == ("the proof failed: no file of this model is right",)


def test_little_saved_is_not_worth_another_kind_of_file():
    answer = recommend(report(row("little", 950)))
    assert answer.file == "model.onnx"
    assert "no other file saves a tenth" in answer.reasons[0]
    assert chosen("size", row("little", 950)) == "little"


def test_a_few_bytes_are_not_worth_an_error():
    rows = [row("coarse", 298, nmse=9e-5), row("exact", 300, nmse=0.0)]
    assert chosen("balance", *rows) == "exact"
    assert chosen("size", *rows) == "coarse"
    assert "as fast at batch 1" in recommend(report(*rows)).gains
    assert "3.0x its time at batch 1" in recommend(report(SMALL), "size").gains


def test_nothing_measured():
    answer = recommend(make_report(variants=(), gates=()))
    assert (answer.file, answer.reasons) == (None, ("nothing was measured",))


def test_plain_onnx_of_standard_operators():
    plain = replace(row("plain", 400), file="model.plain.onnx")
    assert chosen("portable", plain, SMALL) == "plain"
    assert chosen("portable", replace(plain, standard=False), SMALL) == "float32"


@pytest.mark.parametrize(
    ("goal", "within", "words"),
    [
        ("sise", [], "goal 'sise', did you mean 'size'"),
        ("size", ["nmse=1"], "within 'nmse=1': is no limit"),
        ("size", ["nsme<=1"], "did you mean 'nmse'"),
    ],
)
def test_what_is_no_goal_or_limit(goal, within, words):
    with pytest.raises(InvalidInput, match=words):
        recommend(report(SMALL), goal, within)


def test_a_report_answers_other_questions_too():
    whole = report(SMALL, MIDDLE)
    assert whole.best().method == "middle"
    assert whole.best("size").file == "model.small.pack"
    assert len(repr(whole)) < 120
    assert whole.to_json()["recommended"] is None
    named = replace(whole, recommended=whole.best())
    assert named.to_json()["recommended"]["file"] == "model.middle.pack"
    assert "ship model.middle.pack" in repr(named)
