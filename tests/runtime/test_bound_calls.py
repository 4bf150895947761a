"""Calls of a bound model that meet, fail, or come from many threads."""

from __future__ import annotations

import threading

import numpy as np
import pytest

from tests.runtime.test_bound import rows_of
from toolkit.errors import InvalidInput


@pytest.mark.parametrize("rows", [0, -1])
def test_no_rows_are_not_bound(model, rows):
    with pytest.raises(InvalidInput, match=f"{rows} rows cannot be bound"):
        model.bind(rows)


def test_what_does_not_fit_a_bound_model(model):
    bound = model.bind(2)
    with pytest.raises(InvalidInput, match="X has 3 rows, 2 are bound"):
        bound(rows_of(3))
    with pytest.raises(InvalidInput, match="X has 5 columns, the model takes 8"):
        bound(rows_of(2, 5))
    with pytest.raises(InvalidInput, match=r"has no output 'scores', only variable"):
        model.bind(1, "scores")


class Meeting:
    """Rows that call the bound model while it is being called with them."""

    def __init__(self, call):
        self.call = call

    def __array__(self, dtype=None, copy=None):
        with pytest.raises(InvalidInput, match="another thread is in this bound model"):
            self.call()
        return rows_of(1)


def test_a_call_that_meets_another_one(model):
    bound = model.bind(1)
    X = rows_of(1)
    for call in (lambda: bound(X), bound.run):
        bound(Meeting(call))
        np.testing.assert_array_equal(bound(X), model.predict(X))


def test_a_call_that_fails_leaves_the_bound_model_free(model):
    bound = model.bind(1)
    for wrong in (rows_of(2), [["text"] * 8], np.full((1, 8), np.nan, np.float32)):
        with pytest.raises(InvalidInput):
            bound(wrong)
        X = rows_of(1)
        np.testing.assert_array_equal(bound(X), model.predict(X))


@pytest.mark.parametrize("count", [1, 5])
@pytest.mark.parametrize("way", ["predict", "bound", "in place", "by turns"])
def test_many_threads(model, count, way):
    """More threads than cores, each with its own rows; a mixed-up buffer would show."""
    batches = [rows_of(count) for _ in range(8)]
    expected = [model.predict(X.tolist()) for X in batches]
    wrong: list[int] = []
    start = threading.Barrier(len(batches))

    def work(k):
        bound = model.bind(count)

        def in_place(X):
            bound.rows[...] = X
            return bound.run()

        calls = {"predict": [model.predict], "bound": [bound], "in place": [in_place]}
        calls["by turns"] = [model.predict, bound, in_place]
        start.wait()
        for turn in range(300):
            call = calls[way][turn % len(calls[way])]
            if not np.array_equal(call(batches[k]), expected[k]):
                wrong.append(k)

    threads = [threading.Thread(target=work, args=(k,)) for k in range(len(batches))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong
