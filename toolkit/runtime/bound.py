"""Calls with their arrays allocated once, which onnxruntime reads and writes in place."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any, Protocol, cast

import numpy as np

from toolkit.errors import InvalidInput, first_line
from toolkit.runtime.inputs import prepare, surely_near, surely_taken
from toolkit.runtime.ort import onnxruntime
from toolkit.runtime.schema import ANY, Input

# A call without options of its own makes new ones: a seventh of its time at one row. They are only
# read, by any number of calls at once.
RUN_OPTIONS = onnxruntime.RunOptions()

# So many values are copied and looked at as bytes before numpy has found its loops.
FEW_VALUES = 512
# A number's highest byte is its sign and the seven highest bits of its exponent. From FAR on, and
# in infinities and NaN, these are at least so many.
FAR_BITS = {"f": 0x50, "d": 0x42}

Fill = Callable[[np.ndarray], bool]


def direct_run(session: Any) -> Callable[[list[str], Any], list[Any]]:
    """Return `session.run(names, feed)` without the checks of its Python part.

    They look for missing inputs and for other hardware's buffers, which `prepare` never gives. The
    call below them is private to onnxruntime; where there is none, it is the public one.
    """
    run = getattr(getattr(session, "_sess", None), "run", None) or session.run
    return lambda names, feed: run(names, feed, RUN_OPTIONS)


class Unbindable(InvalidInput):
    """A model's answer cannot be written into an array that is there already."""


class Bound(Protocol):
    """A model with an input array of N rows and an output array, both allocated once.

    `Predictor.bind` makes it: a function with three attributes, since calling an instance of a
    class takes longer. rows: [N, width] of the graph's dtype, to be filled in place. answer: what
    each call returns, the same array every time, of the shape that the model gives for N rows: keep
    a copy of what is to outlive the next call. run: runs on what `rows` holds, whose values are not
    looked at, and returns `answer`. Each thread binds its own: a call while another one is under
    way raises InvalidInput.
    """

    rows: np.ndarray
    answer: np.ndarray
    run: Callable[[], np.ndarray]

    def __call__(self, X: Any) -> np.ndarray:
        """Copy X [N, width] into `rows`, run, and return `answer`.

        X: as `Predictor.predict` takes it; an array of the graph's dtype is only looked at and
        copied. Raises InvalidInput as `predict` does, and where X has another number of rows.
        """
        ...


class Place:
    """Two arrays that are bound to a session's input and output, and what is done with them.

    fill copies an array like `rows` into it and tells whether its values are surely taken;
    run(binding, RUN_OPTIONS) runs the session.
    """

    __slots__ = ("answer", "binding", "fill", "rows", "run")

    def __init__(
        self,
        session: Any,
        taken: Input,
        name: str,
        rows: np.ndarray,
        expected: np.ndarray,
        *,
        flat: bool,
        near: bool = False,
    ) -> None:
        """Bind the output `name` for a batch like `rows`, for which a plain call gives `expected`.

        flat: hand it out as [N], not [N, 1]. near: `fill` denies numbers that are FAR. Raises
        Unbindable where it cannot be bound, or where
        the answer would be another one.
        """
        if expected.dtype.kind not in "fiub":
            raise Unbindable(f"{name} is text, which cannot be bound; use predict or run")
        self.rows = np.array(rows, order="C")
        self.answer = np.empty(expected.shape, expected.dtype)
        self.fill = _fill(self.rows, taken.non_finite, near)
        bound = session.io_binding()
        bound.bind_cpu_input(taken.name, self.rows)
        bound.bind_output(
            name, "cpu", 0, expected.dtype.type, expected.shape, self.answer.ctypes.data
        )
        self.run, self.binding = _bound_run(session, bound)
        self._require(expected)
        if flat:
            self.answer = self.answer.reshape(-1)

    def _require(self, expected: np.ndarray) -> None:
        # Where a graph hands on a constant or its input, nothing promises that the array is filled.
        for value in (0, 1):
            self.answer[...] = value
            try:
                self.run(self.binding, RUN_OPTIONS)
            except Exception as error:  # onnxruntime's own exceptions share no public base class
                raise Unbindable(
                    f"onnxruntime cannot run it with bound arrays ({first_line(error)}); use "
                    "predict or run"
                ) from error
            if self.answer.tobytes() != expected.tobytes():
                raise Unbindable("with bound arrays the answer is another one; use predict or run")


def bound(at: Place, taken: Input, look: Callable[[np.ndarray], Any]) -> Bound:
    """Return the function that runs the model at a place of its own.

    look: raises InvalidInput for rows, of which `fill` denied some number, that have no answer.
    """
    rows, answer, fill, execute, binding = at.rows, at.answer, at.fill, at.run, at.binding
    shape, dtype, ndarray, options = rows.shape, rows.dtype, np.ndarray, RUN_OPTIONS
    free = [True]  # empty while a call is under way; a lock takes longer
    take, give = free.pop, free.append

    def answered(X: Any) -> np.ndarray:
        try:
            take()
        except IndexError:
            raise _shared() from None
        try:
            # Types of numbers are single objects; another one like it comes through `prepare`.
            if type(X) is not ndarray or X.shape != shape or X.dtype is not dtype:
                X = _prepared(X, taken, len(rows))
            if not fill(X):
                look(prepare(X, (taken,))[taken.name])
            execute(binding, options)
        finally:
            give(True)
        return answer

    def run() -> np.ndarray:
        try:
            take()
        except IndexError:
            raise _shared() from None
        try:
            execute(binding, options)
        finally:
            give(True)
        return answer

    bound_call = cast(Bound, answered)
    bound_call.rows, bound_call.answer, bound_call.run = rows, answer, run
    return bound_call


def single_rows(make: Callable[[np.ndarray], Place]) -> Callable[[np.ndarray], np.ndarray | None]:
    """Return a function that answers one row [1, width] in a new array, for any number of threads.

    It gives None where the row may hold a value that is not taken, and where the model cannot be
    bound or fails: a plain call says why. Each call takes a Place that no other call has, or makes
    one; there come to be as many as there ever were calls at the same time.
    """
    free: list[Place] = []
    bindable, options = True, RUN_OPTIONS

    def answered(X: np.ndarray) -> np.ndarray | None:
        nonlocal bindable
        if not bindable:
            return None
        try:
            at = free.pop() if free else make(X)
            answer = None
            if at.fill(X):
                at.run(at.binding, options)
                answer = at.answer.copy()
            free.append(at)
            return answer
        except Unbindable:
            bindable = False
        except Exception:  # onnxruntime's, or that another thread took the last one just before
            pass
        return None

    return answered


def _fill(rows: np.ndarray, non_finite: str, near: bool = False) -> Fill:
    """Return `fill` of a Place; what it denies may be taken all the same: `prepare` looks again."""
    sure = surely_near if near else surely_taken
    if (
        non_finite == ANY
        or rows.dtype.char not in "fd"
        or rows.size > FEW_VALUES
        or sys.byteorder != "little"
    ):

        def many(X: np.ndarray) -> bool:
            rows[...] = X
            return sure(rows, non_finite)

        return many
    content = rows.data.cast("B")
    highest = slice(rows.itemsize - 1, None, rows.itemsize)
    far = bytes((byte & 0x7F) >= FAR_BITS[rows.dtype.char] for byte in range(256))

    def few(X: np.ndarray) -> bool:
        content[:] = raw = X.tobytes()
        # The bits are all set in infinities and NaN, and in finite numbers from 1.7e38 (float64:
        # 5e303) on only.
        if 0x7F in raw or 0xFF in raw:
            high = raw[highest]
            return (0x7F not in high and 0xFF not in high) or surely_taken(rows, non_finite)
        return True

    def few_near(X: np.ndarray) -> bool:
        content[:] = raw = X.tobytes()
        return 1 not in raw[highest].translate(far) or surely_near(rows, non_finite)

    return few_near if near else few


def _prepared(X: Any, taken: Input, count: int) -> np.ndarray:
    array = prepare(X, (taken,))[taken.name]
    if len(array) != count:
        raise InvalidInput(
            f"{taken.name} has {len(array)} rows, {count} are bound; bind another one for batches "
            "of this size"
        )
    return array


def _bound_run(session: Any, binding: Any) -> tuple[Callable[[Any, Any], Any], Any]:
    """Return (run, binding): onnxruntime's private ones, or the public ones."""
    private = getattr(getattr(session, "_sess", None), "run_with_iobinding", None)
    inner = getattr(binding, "_iobinding", None)
    if private is None or inner is None:
        return session.run_with_iobinding, binding
    return private, inner


def _shared() -> InvalidInput:
    return InvalidInput("another thread is in this bound model; bind one for each thread")
