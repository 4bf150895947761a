"""Few variants are open at a time."""

from __future__ import annotations

import gc

from tests.runner.bundles import (
    linear,
    linear_bundle,
    variant,
)
from toolkit.runner import cold_start, contenders, latency
from toolkit.runner.flow import bench
from toolkit.runtime.predictor import Predictor


def test_no_variant_is_open_while_a_fresh_process_is_measured(linear_model, quick, monkeypatch):
    before = sum(isinstance(o, Predictor) for o in gc.get_objects())
    still_open = []

    def measure(program, files, row):
        still_open.append(sum(isinstance(o, Predictor) for o in gc.get_objects()) - before)
        return cold_start.Start(1.0, (1.0, 1.0), 2.0)

    monkeypatch.setattr(cold_start, "measure", measure)
    report = bench(linear_model)
    assert len(still_open) >= 2
    assert not any(still_open)
    assert all(r.cold_start_ms == 1.0 for r in report.variants if r.latency_us)


def test_large_variants_take_turns_with_the_float_graph_and_few_are_open(
    tmp_path, quick, monkeypatch
):
    more = [variant(m, linear([1.5, -2.0, 0.5], 3.0)) for m in ("float16", "static-int8", "other")]
    bundle = linear_bundle(tmp_path / "b", more)
    together = bench(bundle)
    assert "turns" not in together.environment
    before = sum(isinstance(o, Predictor) for o in gc.get_objects())
    opened, turns = [], []
    timed = latency.by_batch_size

    def by_batch_size(series, inputs):
        opened.append(sum(isinstance(o, Predictor) for o in gc.get_objects()) - before)
        turns.append(len(series))
        return timed(series, inputs)

    monkeypatch.setattr(latency, "by_batch_size", by_batch_size)
    monkeypatch.setattr(contenders, "TOGETHER", 1)
    apart = bench(bundle)
    assert opened == [2, 2, 2, 2]
    assert turns == [3, 2, 2, 2]  # scikit-learn takes its turns with the first
    assert apart.environment["turns"] == "2 at a time, float32 always among them"
    for one, other in zip(together.variants, apart.variants, strict=True):
        assert (one.method, one.difference, one.bytes) == (
            other.method,
            other.difference,
            other.bytes,
        )
        assert (one.latency_us is None) == (other.latency_us is None)
    assert together.samples == apart.samples
