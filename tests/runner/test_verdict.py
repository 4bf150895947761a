from __future__ import annotations

from dataclasses import replace

import pytest

from toolkit.runner.records import Row
from toolkit.runner.verdict import in_words


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


@pytest.mark.parametrize(
    ("row", "said"),
    [
        (BASE, "same numbers as scikit-learn"),
        (replace(ROW, size_ratio=3.4), "3.4x smaller; same numbers as scikit-learn"),
        (replace(ROW, size_ratio=1.04), "1.04x smaller; same numbers as scikit-learn"),
        (replace(ROW, size_ratio=0.5), "2.0x larger; same numbers as scikit-learn"),
        (ROW, "the same size; same numbers as scikit-learn"),
        (
            replace(ROW, difference=_difference(0.3, 1e-4)),
            "the same size; typical error 1 % of the outputs' spread",
        ),
        (
            replace(ROW, difference=_difference(float("inf"), float("inf"))),
            "the same size; numbers without relation to scikit-learn's",
        ),
        (
            replace(ROW, difference=_difference(1e-5, 0.0, agreement=0.97)),
            "the same size; same numbers as scikit-learn; 3 % of the labels differ",
        ),
        (
            replace(ROW, batch_consistency=0.43),
            "the same size; same numbers as scikit-learn; batch-dependent: a row moves by 0.43",
        ),
        (
            replace(ROW, latency_us=_speed(15.0)),
            "the same size; same numbers as scikit-learn; "
            "slower: 1.5x the time of float32 at batch 1",
        ),
        (
            replace(ROW, latency_us=_speed(5.0)),
            "the same size; same numbers as scikit-learn; "
            "faster: 0.5x the time of float32 at batch 1",
        ),
        (
            replace(ROW, method="scikit-learn", size_ratio=0.25, latency_us=_speed(100.0)),
            "4.0x larger than the float export; slower: 10x the time of float32 at batch 1",
        ),
    ],
)
def test_figures_in_words(row, said):
    assert in_words(row, BASE, noise=1e-3) == said


def test_without_the_float_export_nothing_is_said_of_speed():
    assert "slower" not in in_words(replace(ROW, latency_us=_speed(99.0)), None, noise=0.1)
