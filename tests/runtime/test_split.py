from __future__ import annotations

import shutil
import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from tests.runtime.graphs import linear
from toolkit.errors import InvalidInput
from toolkit.runtime import load, predictor, split
from toolkit.runtime.predictor import Predictor
from toolkit.runtime.split import PART_S, TIMED_ROWS, Splitting, run_parts

TOOLKITS = linear(**{"toolkit.task": "transformer", "toolkit.takes": "finite"}).SerializeToString()


class Recorder:
    """A run of 2·X that notes the rows and the thread of every call, at a pace of its own."""

    def __init__(self, row_s=0.0):
        self.calls, self.threads, self.now, self.row_s = [], set(), 0.0, row_s

    def __call__(self, names, feed):
        rows = len(feed["X"])
        self.calls.append(rows)
        self.threads.add(threading.get_ident())
        self.now += rows * self.row_s
        return [2 * feed["X"] for _ in names]

    def clock(self):
        return self.now


def rows_of(count):
    return np.random.default_rng(5).normal(size=(count, 3)).astype(np.float32)


@pytest.mark.parametrize("parts", [1, 2, 3, 7])
def test_the_parts_make_the_whole(parts):
    run, X = Recorder(), rows_of(100)
    first, second = run_parts(run, ["a", "b"], {"X": X}, parts)
    np.testing.assert_array_equal(first, 2 * X)
    np.testing.assert_array_equal(second, 2 * X)
    assert sum(run.calls) == 100
    assert max(run.calls) - min(run.calls) <= 1


def test_a_part_that_fails_is_told():
    def run(names, feed):
        if 70.0 in feed["X"]:
            raise ValueError("seventy")
        return [feed["X"]]

    before = threading.active_count()
    with pytest.raises(ValueError, match="seventy"):
        run_parts(run, ["a"], {"X": np.arange(100.0)}, 2)
    assert threading.active_count() == before


@pytest.fixture
def timed(monkeypatch):
    """Return a function from a pace to a recorder whose clock tells what parts take.

    gain(parts): how many times the cores do in a moment what one does.
    """

    def make(row_s, gain=lambda parts: parts):
        run = Recorder(row_s=row_s)
        run.gain = gain
        whole = split.run_parts

        def parted(own, names, feed, parts):
            begin = run.now
            found = whole(own, names, feed, parts)
            run.now = begin + (run.now - begin) / run.gain(parts)
            return found

        monkeypatch.setattr(split, "run_parts", parted)
        monkeypatch.setattr(split.time, "perf_counter", run.clock)
        return run

    return make


def test_only_what_takes_long_is_split(timed):
    """1,000 rows that take as long as two parts are two parts; the half of them is one."""
    run = timed(2 * PART_S / 1000)
    splitting = Splitting(run, 8)
    for count, calls in [
        (TIMED_ROWS - 1, [TIMED_ROWS - 1]),
        (1000, [1000]),  # nothing is known before it
        (1000, [500, 500]),
        (500, [500]),
        (4000, [500] * 8),
        (9000, [1125] * 8),
        (TIMED_ROWS - 1, [TIMED_ROWS - 1]),
    ]:
        run.calls.clear()
        X = rows_of(count)
        np.testing.assert_array_equal(splitting(["Y"], {"X": X})[0], 2 * X)
        assert sorted(run.calls) == calls


def test_a_slow_moment_is_forgotten(timed):
    run = timed(1.0)
    splitting = Splitting(run, 2)
    splitting(["Y"], {"X": rows_of(1000)})
    run.row_s = 1e-9
    for _ in range(split.AGAIN + 2):
        splitting(["Y"], {"X": rows_of(1000)})
    run.calls.clear()
    splitting(["Y"], {"X": rows_of(1000)})
    assert run.calls == [1000]


def test_parts_are_given_up_where_they_do_not_pay(timed):
    """Others have the cores: parts save a tenth, and are tried ever more seldom."""
    run = timed(8 * PART_S / 1000, gain=lambda parts: 1.1 if parts > 1 else 1.0)
    splitting = Splitting(run, 2)
    counts = []
    for _ in range(200):
        run.calls.clear()
        splitting(["Y"], {"X": rows_of(1000)})
        counts.append(len(run.calls))
    tried = [k for k, count in enumerate(counts) if count > 1]
    assert tried[0] == 1
    waits = np.diff(tried)
    assert len(tried) <= 5
    assert (np.diff(waits) > 0).all()
    run.gain = lambda parts: parts  # the others are gone
    for _ in range(2 * split.REST[1]):
        splitting(["Y"], {"X": rows_of(1000)})
    run.calls.clear()
    splitting(["Y"], {"X": rows_of(1000)})
    assert len(run.calls) == 2


def test_parts_are_compared_with_none_again_and_again(timed):
    run = timed(8 * PART_S / 1000)
    splitting = Splitting(run, 2)
    counts = []
    for _ in range(3 * split.AGAIN):
        run.calls.clear()
        splitting(["Y"], {"X": rows_of(1000)})
        counts.append(len(run.calls))
    assert counts.count(1) in (3, 4)  # the first, and one in so many


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({"cpu.max": "max 100000\n"}, 4),
        ({"cpu.max": "100000 100000\n"}, 1),
        ({"cpu.max": "250000 100000\n"}, 2),
        ({"cpu.max": "20000 100000\n"}, 1),
        ({"cpu.max": "900000 100000\n"}, 4),
        ({"cpu.max": "nonsense\n"}, 4),
        ({"cpu/cpu.cfs_quota_us": "-1\n", "cpu/cpu.cfs_period_us": "100000\n"}, 4),
        ({"cpu/cpu.cfs_quota_us": "150000\n", "cpu/cpu.cfs_period_us": "100000\n"}, 1),
        ({"cpu/cpu.cfs_quota_us": "200000\n", "cpu/cpu.cfs_period_us": "0\n"}, 4),
        ({}, 4),
    ],
    ids=str,
)
def test_the_quota_of_a_container_counts(files, expected, tmp_path, monkeypatch):
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    monkeypatch.setattr(split, "CGROUPS", str(tmp_path))
    monkeypatch.setattr(split.os, "sched_getaffinity", lambda _: set(range(4)), raising=False)
    assert split.cores() == expected


@pytest.fixture
def eager(monkeypatch):
    """Every batch of two rows or more is split in three."""
    monkeypatch.setattr(split, "TIMED_ROWS", 2)
    monkeypatch.setattr(split, "PART_S", 1e-12)
    monkeypatch.setattr(predictor, "cores", lambda: 3)


def test_a_bundle_answers_the_same_in_parts(eager, california_bundle, classifier_bundle):
    X = np.random.default_rng(6).normal(size=(1001, 8)).astype(np.float32)
    split_up, plain = load(california_bundle), load(california_bundle, threads=1)
    assert isinstance(split_up._call, Splitting)
    assert not isinstance(plain._call, Splitting)
    for _ in range(2):  # the second call is split
        np.testing.assert_array_equal(split_up.predict(X), plain.predict(X))
    table = {"size": [1.0, None, 70.0] * 9, "rooms": [3] * 27, "city": ["Ulm", None, "Kiel"] * 9}
    split_up, plain = load(classifier_bundle), load(classifier_bundle, threads=1)
    for _ in range(2):
        found, wanted = split_up.run(table), plain.run(table)
        for name in wanted:
            np.testing.assert_array_equal(found[name], wanted[name])


def test_errors_are_told_as_without_parts(eager):
    model = Predictor(TOOLKITS, "m")
    X = rows_of(100)
    for _ in range(2):
        assert model.predict(X).shape == (100, 2)
    X[50, 1] = np.nan
    with pytest.raises(InvalidInput, match="nan in row 50, column 1"):
        model.predict(X)


@pytest.mark.parametrize(
    ("content", "options", "threads", "splits"),
    [
        (TOOLKITS, {}, None, True),
        (TOOLKITS, {}, 1, False),
        (TOOLKITS, {}, 2, False),
        (TOOLKITS, {"intra_op_num_threads": 2}, None, False),
        (linear().SerializeToString(), {}, None, False),
        (
            linear(
                **{"toolkit.task": "transformer", "n": "DynamicQuantizeLinear"}
            ).SerializeToString(),
            {},
            None,
            False,
        ),
    ],
    ids=["ours", "one", "two", "recorded", "foreign", "dynamic"],
)
def test_what_may_be_split(content, options, threads, splits):
    model = Predictor(content, "m", options=options, threads=threads)
    assert isinstance(model._call, Splitting) == splits


@pytest.mark.parametrize("name", ["model.onnx", "model.uint8-pack.pack"])
def test_every_kind_of_file_may_be_split(california_bundle, tmp_path, name):
    alone = shutil.copy(california_bundle / name, tmp_path / name)
    for path in (alone, california_bundle / name):
        model = load(path)
        assert isinstance(model._call, Splitting)
        assert model.session.get_session_options().intra_op_num_threads == 1


@pytest.mark.parametrize(
    ("options", "threads"), [({}, None), ({}, 2), ({"intra_op_num_threads": 2}, None)]
)
def test_threads_that_wait_do_not_spin(options, threads):
    model = Predictor(TOOLKITS, "m", options=options, threads=threads)
    applied = model.session.get_session_options()
    assert applied.intra_op_num_threads == (2 if options or threads else 1)
    assert applied.get_session_config_entry("session.intra_op.allow_spinning") == "0"
    spin = {**options, "config": {"session.intra_op.allow_spinning": "1"}}
    applied = Predictor(TOOLKITS, "m", options=spin).session.get_session_options()
    assert applied.get_session_config_entry("session.intra_op.allow_spinning") == "1"


def test_many_threads_in_parts(eager, california_bundle):
    """More threads than cores, each with its own rows, and each call in threads of its own."""
    model, plain = load(california_bundle), load(california_bundle, threads=1)
    rng = np.random.default_rng(7)
    batches = [rng.normal(size=(60, 8)).astype(np.float32) for _ in range(6)]
    expected = [plain.predict(X) for X in batches]

    def right(k):
        return all(np.array_equal(model.predict(batches[k]), expected[k]) for _ in range(40))

    with ThreadPoolExecutor(len(batches)) as pool:
        assert all(pool.map(right, range(len(batches))))
