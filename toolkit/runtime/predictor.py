"""An opened artifact: `load(path)` gives a Predictor, whatever kind of file it is."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

import numpy as np

from toolkit.errors import CorruptArtifact, InvalidInput, first_line
from toolkit.runtime.bound import Bound, Place, bound, direct_run, single_rows
from toolkit.runtime.inputs import is_near, prepare, surely_near, surely_taken
from toolkit.runtime.schema import ANY, Input, read_inputs, require_tensors
from toolkit.runtime.session import open_session
from toolkit.runtime.split import Run, Splitting, cores, in_batches

# Keys of a model's metadata_props that toolkit writes and the Predictor heeds.
TASK_KEY, NON_FINITE_KEY = "toolkit.task", "toolkit.takes"
PROBABILITIES = "probabilities"
# Operators of graphs that take texts apart. Such a graph holds as many numbers a text as it knows
# words, a megabyte for 250,000 of them, and up to half a kilobyte for each character (measured).
OF_TEXTS = (b"StringSplit", b"Tokenizer", b"MurmurHash3")
TEXTS, CHARACTERS = 128, 2**18  # at most in such a graph at a time


class Predictor:
    """A model that is open in onnxruntime.

    inputs: what it takes; outputs: the names of what it gives; classes: a classifier's, in the
    order of its probabilities, None where they are not known; task: "regressor", "classifier",
    "outlier_detector", "clusterer", "transformer", or None for a graph that toolkit did not write.
    """

    def __init__(
        self,
        model: bytes,
        origin: str,
        *,
        columns: dict[str, Any] | None = None,
        words: dict[str, Any] | None = None,
        classes: list[Any] | None = None,
        options: Mapping[str, Any] | None = None,
        threads: int | None = None,
    ) -> None:
        """Open ONNX bytes.

        columns: feature names by input; words: see `Input`; classes: as in a manifest. options,
        threads: as `open_session` takes them; without threads, batches that take long enough are
        spread over all cores.
        """
        self.origin, self.classes = origin, classes
        self._loaded: tuple[Any, ...] | None = None  # what loads it again, and with which arguments
        self.session = open_session(model, origin, options, threads)
        try:
            require_tensors(self.session, origin)
            metadata = self.session.get_modelmeta().custom_metadata_map
        except UnicodeDecodeError as error:
            raise CorruptArtifact(
                f"{origin}: a name in it is no UTF-8 text ({error.reason}); copy or make the file "
                "again"
            ) from None
        self.task: str | None = metadata.get(TASK_KEY)
        self.inputs = read_inputs(
            self.session, metadata.get(NON_FINITE_KEY), columns or {}, words or {}
        )
        self._columns: Any = None
        self.outputs = tuple(o.name for o in self.session.get_outputs())
        self._flattens = self.task != "transformer"
        self._main = "label" if "label" in self.outputs else self.outputs[0]
        run = direct_run(self.session)
        if self.task is not None and any(operator in model for operator in OF_TEXTS):
            run = in_batches(run, TEXTS, CHARACTERS)
        alone = threads is not None or not self._by_rows(model)
        self._call = run if alone else Splitting(run, cores())
        self._numbers = _numbers_of_labels(self.session, self._main, self.inputs)
        self._row_shape, self._row_dtype = _row_of(self.inputs)
        # Nothing here refers to the Predictor: its session is closed as soon as it is dropped.
        one = partial(_bound_row, self.session, run, self.inputs[0])
        near = bool(self._numbers)
        self._one_prediction = single_rows(partial(one, self._main, self._flattens, near))
        self._one_probability = single_rows(partial(one, PROBABILITIES, False, False))

    def __repr__(self) -> str:
        from toolkit.runtime.shown import one_line

        return one_line(self.origin, self.task, self.inputs, self.outputs)

    def _repr_html_(self) -> str:
        from toolkit.runtime.shown import as_notebook

        return as_notebook(self.origin, self.task, self.inputs, self.outputs)

    def __reduce__(self) -> tuple[Any, ...]:
        """Copy or pickle it by its path and options: what comes of that is loaded anew."""
        if self._loaded is None:
            raise InvalidInput(
                f"{self.origin}: was opened from bytes, so that a copy would have no file to load; "
                "open the file with load"
            )
        return self._loaded

    def predict(self, X: Any) -> np.ndarray:
        """Return scikit-learn's `predict(X)`: [N] (or [N, k] for several targets).

        A transformer gives its transformed rows [N, k]. X: see `toolkit.runtime.inputs.prepare`; a
        C-contiguous array of the graph's dtype is read where it lies. Safe to call from several
        threads. Raises InvalidInput where X does not fit the model, and where a label would come
        of numbers that overflowed (see `toolkit.runtime.doubt`).
        """
        # Types of numbers are single objects; another one like it comes through `prepare`.
        if type(X) is np.ndarray and X.dtype is self._row_dtype:
            if X.shape == self._row_shape:
                answer = self._one_prediction(X)
                if answer is not None:
                    return answer
            elif self._fits(X):
                values = self._run({self.inputs[0].name: X}, [self._main])[0]
                return values.ravel() if self._flattens and _is_column(values) else values
        feed = self._table(X)
        if feed is not None:
            values = self._run(feed, [self._main])[0]
        else:
            values = self._answers(prepare(X, self.inputs), [self._main])[0]
        return values.ravel() if self._flattens and _is_column(values) else values

    def predict_proba(self, X: Any) -> np.ndarray:
        """Return class probabilities, float32 [N, classes] in the order of the estimator's classes.

        Raises InvalidInput where the model has no probabilities.
        """
        if PROBABILITIES not in self.outputs:
            raise InvalidInput(
                f"{self.origin}: has no probabilities, only {', '.join(self.outputs)}; "
                "use predict or run"
            )
        if type(X) is np.ndarray and X.shape == self._row_shape and X.dtype is self._row_dtype:
            answer = self._one_probability(X)
            if answer is not None:
                return answer
        return self._run(self._table(X) or prepare(X, self.inputs), [PROBABILITIES])[0]

    def run(self, inputs: Any) -> dict[str, np.ndarray]:
        """Return every output by its name; `inputs` as for predict, or a mapping by input name."""
        values = self._answers(prepare(inputs, self.inputs), list(self.outputs))
        return dict(zip(self.outputs, values, strict=True))

    def bind(self, rows: Any, output: str | None = None) -> Bound:
        """Return a `toolkit.runtime.bound.Bound`: the fastest call, for batches of one size.

        rows: their number, or the rows to begin with, as for predict. output: its name, that of
        `predict` if None. Raises InvalidInput where the model takes more than one input or text,
        or gives text.
        """
        if len(self.inputs) != 1 or self._row_shape is None:
            raise InvalidInput(
                f"{self.origin}: only a model with one input of numbers can be bound; use predict"
            )
        name = self._main if output is None else output
        if name not in self.outputs:
            raise InvalidInput(
                f"{self.origin}: has no output {name!r}, only {', '.join(self.outputs)}"
            )
        first = self._first_rows(rows)
        expected = self._run({self.inputs[0].name: first}, [name])[0]
        flat = name == self._main and self._flattens and _is_column(expected)
        near = bool(self._numbers) and name == self._main
        at = Place(self.session, self.inputs[0], name, first, expected, flat=flat, near=near)
        return bound(at, self.inputs[0], self._look)

    def _table(self, X: Any) -> dict[str, np.ndarray] | None:
        """Return what the session takes, where X is a table of columns with nothing odd in it."""
        if type(X) is not dict and not hasattr(X, "columns"):
            return None
        if self._columns is None:
            from toolkit.runtime.columns import Columns  # what takes no tables starts without

            self._columns = Columns(self.inputs)
        return self._columns.read(X)

    def _fits(self, X: np.ndarray) -> bool:
        """Tell whether the session can take rows of its type as they are."""
        return (
            self._row_shape is not None
            and X.ndim == 2
            and X.shape[1] == self._row_shape[1]
            and X.flags.c_contiguous
            and (surely_near if self._numbers else surely_taken)(X, self.inputs[0].non_finite)
        )

    def _first_rows(self, rows: Any) -> np.ndarray:
        first = None
        if not isinstance(rows, int | np.integer):
            first = prepare(rows, self.inputs)[self.inputs[0].name]
            rows = len(first)
        if rows < 1:
            raise InvalidInput(f"{rows} rows cannot be bound; give at least one")
        if first is not None:
            return first
        return np.zeros((int(rows), self.inputs[0].width or 0), self._row_dtype)

    def _by_rows(self, model: bytes) -> bool:
        """Tell whether a row's answer surely does not depend on the other rows of its batch.

        toolkit writes only such graphs, but for the activations that onnxruntime's dynamic
        quantization scales by their batch. A file that names threads is run as it says.
        """
        threads = self.session.get_session_options().intra_op_num_threads
        return self.task is not None and threads == 1 and b"DynamicQuantize" not in model

    def _answers(self, feed: Mapping[str, np.ndarray], names: list[str]) -> list[np.ndarray]:
        """Return outputs; InvalidInput where a label among them means nothing."""
        if not self._numbers or all(is_near(array) for array in feed.values()):
            return self._run(feed, names)
        from toolkit.runtime.doubt import refuse_doubtful

        every = [*names, *(n for n in self._numbers if n not in names)]
        outputs = dict(zip(every, self._run(feed, every), strict=True))
        refuse_doubtful(feed, {n: outputs[n] for n in self._numbers}, self.origin)
        return [outputs[n] for n in names]

    def _look(self, rows: np.ndarray) -> None:
        """Raise InvalidInput where the label of one of these rows means nothing."""
        if self._numbers:
            self._answers({self.inputs[0].name: rows}, [self._main])

    def _run(self, feed: Mapping[str, np.ndarray], names: list[str]) -> list[np.ndarray]:
        if len(feed) > 1 and len({len(array) for array in feed.values()}) > 1:
            rows = {name: len(array) for name, array in feed.items()}
            raise InvalidInput(f"the inputs differ in their number of rows: {rows}")
        if self.task is not None and not len(next(iter(feed.values()))):
            from toolkit.runtime.empty import no_rows

            if (nothing := no_rows(self.session, names)) is not None:
                return nothing
        try:
            return self._call(names, feed)
        except Exception as error:  # onnxruntime's own exceptions share no public base class
            raise InvalidInput(
                f"{self.origin}: onnxruntime cannot run these inputs ({first_line(error)}); "
                "compare them with what `inspect` shows"
            ) from error


def _numbers_of_labels(session: Any, main: str, inputs: tuple[Input, ...]) -> tuple[str, ...]:
    """Return the outputs of numbers beside a label; none where infinities are taken as well."""
    if main != "label" or all(i.non_finite == ANY for i in inputs):
        return ()
    floats = ("tensor(float)", "tensor(double)")
    return tuple(o.name for o in session.get_outputs() if o.name != main and o.type in floats)


def _bound_row(
    session: Any, run: Run, taken: Input, name: str, flattens: bool, near: bool, row: np.ndarray
) -> Place:
    expected = run([name], {taken.name: row})[0]
    flat = flattens and _is_column(expected)
    return Place(session, taken, name, row, expected, flat=flat, near=near)


def _is_column(values: np.ndarray) -> bool:
    return values.ndim == 2 and values.shape[1] == 1


def _row_of(inputs: tuple[Input, ...]) -> tuple[tuple[int, int] | None, np.dtype]:
    """Return the shape of one row, None where it is not one array of numbers, and its dtype."""
    one = inputs[0]
    known = len(inputs) == 1 and one.width is not None and one.dtype != "string"
    return ((1, one.width) if known and one.width else None), one.numpy_dtype
