from __future__ import annotations

from dataclasses import replace

import pytest

from toolkit.runner.records import Row
from toolkit.runner.verdict import judged, unmeasured


def _difference(max_rel, nmse, agreement=None):
    return {
        "max_abs": max_rel,
        "mean_abs": max_rel,
        "nmse": nmse,
        "max_rel": max_rel,
        "label_agreement": agreement,
    }


def _speed(p50):
    return {"1": {"p50": p50, "p90": p50, "p99": p50, "throughput": 1e6 / p50}}


BASE = Row(
    "float32",
    "model.onnx",
    "ok",
    size_ratio=1.0,
    difference=_difference(1e-6, 1e-12),
    batch_consistency=0.0,
    latency_us=_speed(10.0),
)
ROW = replace(BASE, method="uint8-pack")


SAME = "same numbers as scikit-learn"


@pytest.mark.parametrize(
    ("row", "summary", "said"),
    [
        (BASE, "", SAME),
        (replace(ROW, size_ratio=3.4), "smaller", f"3.4x smaller; {SAME}"),
        (replace(ROW, size_ratio=1.04), "smaller", f"1.04x smaller; {SAME}"),
        (replace(ROW, size_ratio=0.5), "larger", f"2.0x larger; {SAME}"),
        (ROW, "same size", f"the same size; {SAME}"),
        (
            replace(ROW, difference=_difference(0.3, 1e-4)),
            "same size",
            "the same size; typical error 1 % of the outputs' spread",
        ),
        (
            replace(ROW, difference=_difference(float("inf"), float("inf"))),
            "same size, wrong",
            "the same size; numbers without relation to scikit-learn's",
        ),
        (
            replace(ROW, difference=_difference(1e-5, 0.0, agreement=0.97)),
            "same size",
            f"the same size; {SAME}; 3 % of the labels differ",
        ),
        (
            replace(ROW, batch_consistency=0.43),
            "same size, batch-dependent",
            f"the same size; {SAME}; batch-dependent: a row moves by 0.43",
        ),
        (
            replace(ROW, latency_us=_speed(15.0)),
            "same size, slower",
            f"the same size; {SAME}; slower: 1.5x the time of float32 at batch 1",
        ),
        (
            replace(ROW, latency_us=_speed(5.0)),
            "same size, faster",
            f"the same size; {SAME}; faster: 2.0x the speed of float32 at batch 1",
        ),
        (
            replace(ROW, method="scikit-learn", size_ratio=0.25, latency_us=_speed(100.0)),
            "larger, slower",
            "4.0x larger than the float export; slower: 10x the time of float32 at batch 1",
        ),
    ],
)
def test_figures_in_words(row, summary, said):
    found = judged(row, BASE.latency_us, row.batch_consistency)
    assert (found.summary, found.verdict) == (summary, said)
    assert replace(found, summary="", verdict="") == row


def test_what_another_one_dominates_has_no_merits_and_all_its_faults():
    row = replace(
        ROW,
        size_ratio=3.4,
        latency_us=_speed(5.0),
        batch_consistency=0.43,
        dominated_by="float32-pack",
    )
    found = judged(row, BASE.latency_us, 0.43)
    assert found.summary == "dominated by float32-pack, batch-dependent"
    assert found.verdict == (
        "dominated by float32-pack, which is no larger, no further off and no slower; "
        f"{SAME}; batch-dependent: a row moves by 0.43"
    )


def test_a_batch_effect_within_the_tolerance_is_none():
    row = replace(ROW, batch_consistency=0.43)
    assert "batch" not in judged(row, BASE.latency_us, 0.9e-4).verdict
    assert "batch" in judged(row, BASE.latency_us, 1.1e-4).verdict


def test_a_failed_gate_comes_first():
    row = replace(ROW, size_ratio=3.4, status="failed", reason="bytes is 9")
    assert judged(row, BASE.latency_us).summary == "failed, smaller"


def test_what_the_quantizer_found_is_said_too():
    found = judged(ROW, BASE.latency_us, notes="rewritten to MatMulNBits")
    assert found.verdict == f"the same size; {SAME}; rewritten to MatMulNBits"


def test_without_the_float_export_nothing_is_said_of_speed():
    found = judged(replace(ROW, latency_us=_speed(99.0)), None)
    assert "slower" not in found.verdict + found.summary


@pytest.mark.parametrize(
    ("status", "reason", "verdict", "summary", "said"),
    [
        ("not-applicable", "no weights", "", "not applicable", "not applicable: no weights"),
        ("not-applicable", "larger: 9 bytes", "larger", "larger", "larger: 9 bytes"),
        ("not-applicable", "changed nothing", "no-op", "no-op", "no-op: changed nothing"),
        ("failed", "normalised MSE 3", "", "failed", "failed: normalised MSE 3"),
    ],
)
def test_a_row_without_figures_says_why(status, reason, verdict, summary, said):
    found = unmeasured(Row("float16", None, status, reason), verdict)
    assert (found.summary, found.verdict) == (summary, said)
