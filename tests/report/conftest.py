from __future__ import annotations

from dataclasses import replace

import pytest

from toolkit.runner.outcome import Report
from toolkit.runner.records import Row


def latency(p50: float) -> dict:
    """Figures of four batch sizes; the larger ones take a little longer."""
    return {
        str(b): {
            "p50": p50 * (1 + b / 1000),
            "p90": p50 * (1.1 + b / 1000),
            "p99": p50 * (2 + b / 1000),
            "throughput": b / p50 * 1e6,
            "calls": 100,
            "rows_used": 200,
        }
        for b in (1, 10, 100, 1000)
    }


def measured(method: str, file: str | None, size: int, error: float, **changes) -> Row:
    """A row of a regressor with every figure."""
    figures = {
        "bytes_compressed": size - 10,
        "size_ratio": 300 / size,
        "metrics": {"r2": 0.5 - error, "mse": 0.25 + error, "mae": 0.125 + error},
        "difference": {
            "max_abs": error,
            "mean_abs": error / 4,
            "nmse": error**2,
            "max_rel": error,
            "label_agreement": None,
        },
        "batch_consistency": 0.0,
        "latency_us": latency(10.0),
        "cold_start_ms": 111.4,
        "cold_start_range_ms": (108.6, 130.2),
        "peak_rss_mb": 56.6,
        "verdict": "as good as it gets",
    }
    return Row(method, file, "ok", **{"bytes": size, **figures, **changes})


def proof(**changes) -> dict:
    """A proof as the bench hands it on, of float32 inputs; it passed."""
    figures = {"rows": 4128, "max_relative": 7e-6, "label_agreement": None, "passed": True}
    hostile = figures | {"rows": 35, "max_relative": 5e-6}
    sets = {"held_out": figures, "adversarial": hostile}
    values = {
        "passed": True,
        "tolerance": 1e-4,
        "input_dtype": "float32",
        "single_row": True,
        "comparisons": {"float32": sets, "float64": sets},
        "worst": 7e-6,
        "says": "on 4,128 held-out and 35 adversarial rows, worst deviation 7e-06 (allowed 0.0001)",
    }
    return {**values, **changes}


def failed_proof() -> dict:
    """The same, off by a half on the adversarial rows, in float64 as well."""
    good = proof()["comparisons"]["float32"]
    bad = {
        "held_out": good["held_out"],
        "adversarial": good["adversarial"] | {"max_relative": 0.5, "passed": False},
    }
    said = "on 35 adversarial rows against scikit-learn on values rounded to float32: deviation 0.5"
    sets = {"float32": bad, "float64": bad}
    return proof(passed=False, comparisons=sets, worst=0.5, says=said)


def make_report(**changes) -> Report:
    """A regressor's report: the estimator, three files (one failed), and one method not applied."""
    gates = (
        {
            "expression": "max_rel<=1e-4",
            "method": "float32",
            "metric": "max_rel",
            "value": 1e-7,
            "limit": 1e-4,
            "passed": True,
        },
        {
            "expression": "nmse<=0.01",
            "method": "dynamic-uint8",
            "metric": "nmse",
            "value": 0.16,
            "limit": 0.01,
            "passed": False,
        },
    )
    values = {
        "model": "house-prices",
        "task": "regressor",
        "environment": {
            "python": "3.11.7",
            "libraries": {"numpy": "2.4.6", "onnxruntime": "1.31.1"},
            "threads": 1,
        },
        "rows": 4128,
        "all_rows": {"r2": 0.6062, "mse": 0.5243},
        "samples": [
            {"true": 2.0, "reference": 1.5, "float32": 1.5, "uint8-pack": 1.75},
            {"true": 1.0, "reference": 1.25, "float32": 1.25, "uint8-pack": 1.0},
        ],
        "variants": (
            measured("scikit-learn", None, 600, 0.0, latency_us=latency(100.0)),
            measured("float32", "model.onnx", 300, 1e-7),
            measured("uint8-pack", "model.uint8-pack.pack", 170, 0.1),
            replace(
                measured("dynamic-uint8", "model.dynamic-uint8.onnx", 900, 0.4),
                status="failed",
                reason="nmse is 0.16, the gate is nmse<=0.01",
            ),
            Row("float16", None, "not-applicable", "larger: 320 bytes against 300", bytes=320),
        ),
        "gates": gates,
        "proof": proof(),
        "scores": {"rows": 4128, "on": "held-out", "fitted": "no", "note": "held out"},
    }
    return Report(**{**values, **changes})


@pytest.fixture
def report():
    return make_report()
