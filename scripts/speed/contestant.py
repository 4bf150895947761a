"""One way to run a model: what it calls, and in what form it takes rows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from toolkit.runtime.schema import DTYPES

SINGLE = np.dtype("float32")
DOUBLE = np.dtype("float64")


class Absent(Exception):
    """A way that is not there for this model; the message says why."""


@dataclass(frozen=True)
class Contestant:
    """predict: what `form` makes of rows -> numbers [N] or [N, k]; bytes: of its file.

    form: a type of numbers, for rows [N, d] of it, C-contiguous, or a function of a case's rows;
    it is called before the clock runs. bytes is None where there is no file of its own. refitted:
    it is the same model, fitted by other code, so that its answers need not be the same.
    """

    predict: Callable[[Any], Any]
    form: np.dtype | Callable[[Any], Any]
    bytes: int | None
    refitted: bool = False

    def formed(self, rows: Any) -> Any:
        """Return rows, an array or a data frame, as `predict` takes them."""
        if isinstance(self.form, np.dtype):
            return np.ascontiguousarray(rows, dtype=self.form)
        return self.form(rows)


def opened(content: bytes, origin: str, output: str | None, missing: str) -> Contestant:
    """Return a graph's `session.run`, in one thread; missing: what it takes a missing text for."""
    from toolkit.runtime.session import open_session

    return run(open_session(content, origin), output, len(content), missing)


def run(session: Any, output: str | None, size: int, missing: str = "") -> Contestant:
    """Return `session.run` for one output: with a matrix, or with a column an input."""
    inputs, wanted = session.get_inputs(), _output(session, output)
    if len(inputs) > 1:
        columns = {i.name: DTYPES[i.type] for i in inputs}
        return Contestant(
            lambda feed: session.run([wanted], feed)[0],
            lambda frame: {n: _column(frame[n], dtype, missing) for n, dtype in columns.items()},
            size,
        )
    name = inputs[0].name
    return Contestant(lambda rows: session.run([wanted], {name: rows})[0], dtype_of(session), size)


def _column(values: Any, dtype: str, missing: str) -> np.ndarray:
    """Return a data frame's column as [N, 1]."""
    if dtype == "string":
        values = values.where(values.notna(), missing)
        return np.asarray(values, dtype=object).reshape(-1, 1)
    return np.asarray(values, dtype=dtype).reshape(-1, 1)


def as_given(rows: Any) -> Any:
    """Return the rows: the form of who takes a data frame as it is."""
    return rows


def _output(session: Any, wanted: str | None) -> str:
    names = [o.name for o in session.get_outputs()]
    return wanted if wanted in names else names[0]


def dtype_of(session: Any) -> np.dtype:
    """Return the type of the numbers that a session's one input takes."""
    return DOUBLE if session.get_inputs()[0].type == "tensor(double)" else SINGLE
