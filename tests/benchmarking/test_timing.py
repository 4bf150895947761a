"""Timing by turns: what is called when, on which rows; no time itself is asserted."""

from __future__ import annotations

import numpy as np
import pytest
from onnx import TensorProto, helper

from toolkit.benchmarking import timing
from toolkit.benchmarking.timing import jittered, positions, ratio, turns_by_batch


@pytest.mark.parametrize(("rows", "batch"), [(700, 1), (120, 1), (4000, 1000), (20, 10)])
def test_batches_are_of_distinct_rows_while_there_are(rows, batch):
    seen = np.concatenate(positions(rows, batch))
    assert len(np.unique(seen)) == min(rows, len(seen))


def test_all_rows_take_their_turn():
    seen = np.concatenate(positions(250, 100))
    assert set(seen) == set(range(250))
    assert [len(p) for p in positions(250, 100)] == [100, 100, 100]


def test_few_rows_still_fill_a_large_batch():
    (only,) = positions(7, 1000)
    assert len(only) == 1000
    assert set(only) == set(range(7))


@pytest.fixture
def one_call_a_slice(monkeypatch):
    monkeypatch.setattr(timing, "SLICE_NS", 1)


@pytest.mark.usefixtures("one_call_a_slice")
def test_subjects_take_turns_on_distinct_rows():
    said = []
    subjects = {n: lambda rows, n=n: said.append((n, rows["X"][:, 0].tolist())) for n in "ab"}
    found = turns_by_batch(subjects, {"X": np.arange(60.0).reshape(-1, 1)}, (1, 7, 10_000), turns=3)
    assert list(found) == [1, 7, 60]
    assert {len(t) for turns in found.values() for t in turns.values()} == {3}
    assert [n for n, _ in said] == ["a", "a", "b", "b"] * 9  # a warming call and a timed one
    alone = [rows for n, rows in said if n == "a" and len(rows) == 1]
    assert alone == [[0.0], [1.0], [2.0], [3.0], [4.0], [5.0]]


@pytest.mark.usefixtures("one_call_a_slice")
def test_graphs_get_rows_of_their_own_types():
    graph = helper.make_graph(
        [helper.make_node("Cast", ["x"], ["out"], to=TensorProto.FLOAT)],
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [None, 2]),
         helper.make_tensor_value_info("text", TensorProto.STRING, [None, 1])],
        [helper.make_tensor_value_info("out", TensorProto.FLOAT, [None, 2])],
    )  # fmt: skip
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10)
    rows = {"x": np.zeros((5, 2)), "text": np.full((5, 1), "a", dtype=object)}
    found = turns_by_batch({"graph": model.SerializeToString()}, rows, turns=2)
    assert list(found) == [1, 5]
    assert (found[5]["graph"] > 0).all()


@pytest.mark.usefixtures("one_call_a_slice")
def test_batches_that_would_take_too_long_are_left_out(monkeypatch):
    monkeypatch.setattr(timing, "LONGEST_NS", 1)
    found = turns_by_batch({"a": lambda rows: sorted(range(1000))}, {"X": np.zeros((99, 1))})
    assert list(found) == [1]


@pytest.mark.usefixtures("one_call_a_slice")
@pytest.mark.parametrize(("longer", "turns"), [(10**12, 5), (0, 3)])
def test_long_calls_have_few_turns(longer, turns, monkeypatch):
    monkeypatch.setattr(timing, "LONG_NS", 0)
    monkeypatch.setattr(timing, "LONGER_NS", longer)
    found = turns_by_batch({"a": lambda rows: sorted(range(1000))}, {"X": np.zeros((99, 1))})
    assert [len(found[batch]["a"]) for batch in (1, 99)] == [timing.TURNS, turns]


def test_a_ratio_is_taken_within_turns():
    turns = {"a": np.array([1.0, 10.0, 100.0]), "b": np.array([2.0, 20.0, 50.0])}
    assert ratio(turns, "a", "b") == 0.5


def test_jittered_rows_are_distinct_and_keep_what_is_no_fraction():
    rng = np.random.default_rng(0)
    numbers = np.column_stack([rng.normal(size=50), np.arange(50.0), np.full(50, np.nan)])
    texts = np.array(["a", "b"] * 25, dtype=object).reshape(-1, 1)
    found = jittered({"X": numbers, "t": texts}, 500)
    assert found["X"].shape == (500, 3)
    assert len(np.unique(found["X"][:, 0])) == 500
    assert set(found["X"][:, 1]) == set(range(50))
    assert np.isnan(found["X"][:, 2]).all()
    assert abs(found["X"][:, 0].std() / numbers[:, 0].std() - 1) < 0.1
    moved = jittered({"X": numbers}, 500, whole=True)["X"]
    assert len(np.unique(moved[:, 1])) == 500
    by_number = dict(zip(numbers[:, 1], texts[:, 0], strict=True))
    assert all(by_number[n] == t for n, t in zip(found["X"][:, 1], found["t"][:, 0], strict=True))
