"""Which variants another one makes needless, and which only look so."""

from __future__ import annotations

from dataclasses import replace

import pytest

from toolkit.runner.dominance import dominated
from toolkit.runner.records import Row


def times(p50, batch="1"):
    return {batch: {"p50": p50}}


def row(method, size, nmse, p50=10.0, **changes):
    """A pack of so many bytes; scikit-learn's own numbers where the NMSE is 0."""
    difference = {"nmse": nmse, "max_rel": 1.0 if nmse else 1e-5, "label_agreement": None}
    made = Row(method, f"{method}.pack", "ok", bytes=size, difference=difference)
    return replace(made, latency_us=times(p50), **changes)


EXACT = row("exact", 100, 0.0)
BASE = {"1": {"p50": 10.0}}


def found(*rows):
    return dominated([EXACT, *rows], {r.method: BASE for r in [EXACT, *rows]})


@pytest.mark.parametrize(
    ("other", "is_dominated"),
    [
        (row("larger", 101, 0.0), True),
        (row("wrong", 100, 1e-4), True),
        (row("larger-and-wrong", 120, 1e-4), True),
        (row("slower", 100, 0.0, p50=13.0), True),
        (row("smaller", 99, 1e-4), False),
        (row("faster", 120, 1e-4, p50=7.0), False),
        (row("as-fast-within-noise", 120, 1e-4, p50=8.5), True),
        (row("the-same", 100, 0.0), False),
        (row("slower-within-noise", 100, 0.0, p50=12.0), False),
    ],
    ids=lambda v: getattr(v, "method", ""),
)
def test_bytes_error_and_speed(other, is_dominated):
    assert found(other) == ({other.method: "exact"} if is_dominated else {})


@pytest.mark.parametrize(("nmse", "is_dominated"), [(1e-12, True), (1e-9, False)])
def test_the_rounding_of_float32_is_no_error(nmse, is_dominated):
    """An exact file is needless beside a smaller one that only rounds, not beside a coded one."""
    exact = replace(EXACT, difference={**EXACT.difference, "nmse": nmse})
    other = replace(EXACT, method="other", bytes=120)  # with an NMSE of 0
    wanted = {"other": "exact"} if is_dominated else {}
    assert dominated([exact, other], {"exact": BASE, "other": BASE}) == wanted


def test_labels_count_as_numbers_do():
    less = replace(EXACT, method="less", difference={"label_agreement": 0.98})
    more = replace(EXACT, method="more", bytes=120, difference={"label_agreement": 0.99})
    bases = {"less": BASE, "more": BASE}
    assert dominated([less, more], bases) == {}
    assert dominated([replace(less, bytes=130), more], bases) == {"less": "more"}


def test_every_batch_size_counts():
    other = row("wide", 120, 1e-4)
    other.latency_us.update(times(50.0, "1000"))
    exact = replace(EXACT, latency_us={**EXACT.latency_us, **times(100.0, "1000")})
    bases = dict.fromkeys(("wide", "exact"), BASE | times(100.0, "1000"))
    assert dominated([exact, other], bases) == {}
    bases = dict.fromkeys(("wide", "exact"), BASE)  # not timed in larger batches beside it
    assert dominated([exact, other], bases) == {"wide": "exact"}


def test_times_are_shares_of_the_float_export_in_the_same_turns():
    slow_turns = row("later", 120, 1e-4, p50=20.0)
    bases = {"exact": BASE, "later": {"1": {"p50": 40.0}}}
    assert dominated([EXACT, slow_turns], bases) == {}


def test_a_pack_makes_no_onnx_file_needless():
    plain = replace(row("plain", 120, 1e-4), file="model.plain.onnx")
    assert found(plain) == {}
    small = replace(row("small", 90, 0.0), file="model.small.onnx")
    assert found(small) == {"exact": "small"}


def test_the_smallest_of_several_is_named():
    assert found(row("small", 90, 0.0), row("large", 120, 1e-4)) == {
        "exact": "small",
        "large": "small",
    }


@pytest.mark.parametrize(
    "change",
    [
        {"status": "failed"},
        {"status": "not-applicable", "file": None},
        {"method": "float32"},
        {"method": "scikit-learn"},
        {"latency_us": None},
    ],
    ids=str,
)
def test_what_was_not_kept_or_is_there_to_compare_with_is_left_out(change):
    assert found(replace(row("other", 120, 1e-4), **change)) == {}
    assert found(replace(row("other", 50, 0.0), **change)) == {}
