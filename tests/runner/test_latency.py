from __future__ import annotations

import numpy as np
import pytest

from toolkit.runner import latency


def test_percentiles_and_throughput_by_hand():
    samples = [1000 * n for n in range(1, 102)]  # 1 to 101 µs, mean 51
    found = latency.summary(samples, batch=10)
    assert found == pytest.approx(
        {"p50": 51.0, "p90": 91.0, "p99": 100.0, "throughput": 10 / 51e-6}
    )


def test_calls_take_turns_and_single_rows_are_not_repeated(monkeypatch):
    monkeypatch.setattr(latency, "SLICE_NS", 1)  # one call a slice, after the one that warms up
    said = []
    subjects = [
        (lambda rows, name=name: said.append((name, rows[0, 0])), lambda inputs: inputs["X"])
        for name in "ab"
    ]
    found = latency.by_batch_size(subjects, {"X": np.arange(50.0).reshape(-1, 1)}, (1,))
    names = [name for name, _ in said]
    assert names == ["a", "a", "b", "b"] * latency.ROUNDS
    alone = [row for name, row in said if name == "a"]
    assert len(set(alone)) == len(alone) == 2 * latency.ROUNDS
    assert [f["1"]["calls"] for f in found] == [latency.ROUNDS] * 2
    assert found[0]["1"]["rows_used"] == 50
    assert [len(f["1"]["turns"]) for f in found] == [latency.ROUNDS] * 2


def test_ratios_are_taken_within_turns():
    one, base = {"turns": [1.0, 10.0, 400.0, 7.0]}, {"turns": [2.0, 20.0, 100.0]}
    assert latency.paired(one, base) == {"median": 0.5, "p25": 0.5, "p75": 2.25}


def test_one_thread_holds_joblib_and_blas():
    import joblib
    import threadpoolctl

    with latency.one_thread():
        assert joblib.effective_n_jobs(-1) == 1
        assert all(pool["num_threads"] == 1 for pool in threadpoolctl.threadpool_info())


def test_a_slow_subject_gives_up_its_further_turns(monkeypatch):
    monkeypatch.setattr(latency, "SLICE_NS", 1)
    monkeypatch.setattr(latency, "PATIENCE_NS", 1)
    subjects = [(lambda rows: rows.sum(), lambda inputs: inputs["X"])]
    (found,) = latency.by_batch_size(subjects, {"X": np.ones((4, 1))}, (1, 2))
    assert [found[b]["calls"] for b in ("1", "2")] == [1, 1]
