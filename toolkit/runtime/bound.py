"""Calls with their arrays allocated once, which onnxruntime reads and writes in place."""

from __future__ import annotations

from _thread import allocate_lock
from collections.abc import Callable
from functools import partial
from math import isfinite
from typing import Any

import numpy as np

from toolkit.errors import InvalidInput, first_line
from toolkit.runtime.inputs import prepare
from toolkit.runtime.ort import onnxruntime
from toolkit.runtime.schema import ANY, MISSING, Input

# A call without options of its own makes new ones: a seventh of its time at one row. They are only
# read, by any number of calls at once.
RUN_OPTIONS = onnxruntime.RunOptions()

FEW = 24  # so many values Python sums before numpy has found its loop


def direct_run(session: Any) -> Callable[[list[str], Any], list[Any]]:
    """Return `session.run(names, feed)` without the checks of its Python part.

    They look for missing inputs and for other hardware's buffers, which `prepare` never gives. The
    call below them is private to onnxruntime; where there is none, it is the public one.
    """
    run = getattr(getattr(session, "_sess", None), "run", None) or session.run
    return lambda names, feed: run(names, feed, RUN_OPTIONS)


class Unbindable(InvalidInput):
    """A model's answer cannot be written into an array that is there already."""


class Bound:
    """A model with an input array of N rows and an output array, both allocated once.

    `Predictor.bind` makes it. rows: [N, width] of the graph's dtype, to be filled in place. answer:
    what each call returns, the same array every time, of the shape that the model gives for N rows:
    keep a copy of what is to outlive the next call. Each thread binds its own: a call while another
    one is under way raises InvalidInput.
    """

    __slots__ = (
        "_binding",
        "_busy",
        "_dtype",
        "_input",
        "_shape",
        "answer",
        "call",
        "fits",
        "rows",
    )

    def __init__(
        self,
        session: Any,
        taken: Input,
        name: str,
        rows: np.ndarray,
        expected: np.ndarray,
        *,
        flat: bool,
    ) -> None:
        """Bind the output `name` for a batch like `rows`, for which a plain call gives `expected`.

        flat: hand it out as [N], not [N, 1]. Raises Unbindable where it cannot be bound, or where
        the answer would be another one.
        """
        if expected.dtype.kind not in "fiub":
            raise Unbindable(f"{name} is text, which cannot be bound; use predict or run")
        self.rows = np.array(rows, order="C")
        self.answer = np.empty(expected.shape, expected.dtype)
        self._input = taken
        self._busy = allocate_lock()
        self._shape, self._dtype = self.rows.shape, self.rows.dtype
        self.fits = _test(self.rows, taken.takes)
        self._binding = session.io_binding()
        self._binding.bind_cpu_input(taken.name, self.rows)
        self._binding.bind_output(
            name, "cpu", 0, expected.dtype.type, expected.shape, self.answer.ctypes.data
        )
        self.call = _bound_run(session, self._binding)
        self._require(expected)
        if flat:
            self.answer = self.answer.reshape(-1)

    def __call__(self, X: Any) -> np.ndarray:
        """Copy X [N, width] into `rows`, run, and return `answer`.

        X: as `Predictor.predict` takes it; an array of the graph's dtype is only looked at and
        copied. Raises InvalidInput as `predict` does, and where X has another number of rows.
        """
        if not self._busy.acquire(False):
            raise _shared()
        try:
            if type(X) is np.ndarray and X.shape == self._shape and X.dtype == self._dtype:
                self.rows[...] = X
                if not self.fits():
                    prepare(X, (self._input,))
            else:
                self.rows[...] = self._prepared(X)
            self.call()
        finally:
            self._busy.release()
        return self.answer

    def run(self) -> np.ndarray:
        """Run on what `rows` holds, whose values are not looked at, and return `answer`."""
        if not self._busy.acquire(False):
            raise _shared()
        try:
            self.call()
        finally:
            self._busy.release()
        return self.answer

    def _prepared(self, X: Any) -> np.ndarray:
        array = prepare(X, (self._input,))[self._input.name]
        if array.shape != self.rows.shape:
            raise InvalidInput(
                f"{self._input.name} has {len(array)} rows, {len(self.rows)} are bound; bind "
                "another one for batches of this size"
            )
        return array

    def _require(self, expected: np.ndarray) -> None:
        # Where a graph hands on a constant or its input, nothing promises that the array is filled.
        for fill in (0, 1):
            self.answer[...] = fill
            try:
                self.call()
            except Exception as error:  # onnxruntime's own exceptions share no public base class
                raise Unbindable(
                    f"onnxruntime cannot run it with bound arrays ({first_line(error)}); use "
                    "predict or run"
                ) from error
            if self.answer.tobytes() != expected.tobytes():
                raise Unbindable("with bound arrays the answer is another one; use predict or run")


def _bound_run(session: Any, binding: Any) -> Callable[[], Any]:
    """Return the call that runs a binding: onnxruntime's private one, or the public one."""
    private = getattr(getattr(session, "_sess", None), "run_with_iobinding", None)
    inner = getattr(binding, "_iobinding", None)
    if private is None or inner is None:
        return partial(session.run_with_iobinding, binding)
    return partial(private, inner, RUN_OPTIONS)


def _shared() -> InvalidInput:
    return InvalidInput("another thread is in this bound model; bind one for each thread")


def _test(rows: np.ndarray, takes: str) -> Callable[[], bool]:
    """Return a function that tells whether all values of `rows` are surely taken.

    It may deny it for values that are: `prepare` looks at those again.
    """
    if takes == ANY or rows.dtype.kind != "f":
        return lambda: True
    if takes == MISSING:
        found, none = np.empty(rows.shape, dtype=bool), bytes(rows.size)
        return lambda: np.isinf(rows, found).tobytes() == none
    if rows.size > FEW or rows.dtype.char not in "fd":
        found, every = np.empty(rows.shape, dtype=bool), b"\1" * rows.size
        return lambda: np.isfinite(rows, found).tobytes() == every
    values = memoryview(rows.reshape(-1).data)
    return lambda: isfinite(sum(values))  # as it is wherever a value is not


def single_rows(make: Callable[[np.ndarray], Bound]) -> Callable[[np.ndarray], np.ndarray | None]:
    """Return a function that answers one row [1, width] in a new array, for any number of threads.

    It gives None where the row may hold a value that is not taken, and where the model cannot be
    bound or fails: a plain call says why. Each call takes a Bound that no other call has, or makes
    one; there come to be as many as there ever were calls at the same time.
    """
    free: list[Bound] = []
    bindable = True

    def answered(X: np.ndarray) -> np.ndarray | None:
        nonlocal bindable
        if not bindable:
            return None
        try:
            bound = free.pop() if free else make(X)
            bound.rows[...] = X
            answer = None
            if bound.fits():
                bound.call()
                answer = bound.answer.copy()
            free.append(bound)
            return answer
        except Unbindable:
            bindable = False
        except Exception:  # onnxruntime's, or that another thread took the last one just before
            pass
        return None

    return answered
