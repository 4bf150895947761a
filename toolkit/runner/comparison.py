"""Two artifacts side by side on the same rows: how far apart they are, and what each costs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from toolkit import limits, metrics, stages
from toolkit.errors import InvalidInput
from toolkit.limits import Limit
from toolkit.runner import latency
from toolkit.runner.accuracy import difference
from toolkit.runtime.files import read_bytes
from toolkit.runtime.inputs import prepare
from toolkit.runtime.loading import load
from toolkit.runtime.predictor import Predictor

WORST = 5  # rows that are shown
ROW = "row"  # by which number a row is found
LIMITS = ("max_abs", "mean_abs", "nmse", "max_rel", "agreement", "bytes")


@dataclass(frozen=True)
class Side:
    """One artifact: its path, bytes, and times by batch size (µs, as `latency.by_batch_size`)."""

    path: str
    bytes: int
    latency_us: dict[str, dict[str, Any]]


@dataclass(frozen=True)
class WorstRow:
    """A row on which they are furthest apart: its number in the data, and both answers.

    deviation: in the scale of the first one's column; None where labels differ.
    """

    row: int
    output: str
    first: Any
    second: Any
    deviation: float | None


@dataclass(frozen=True)
class Compared:
    """Two artifacts on the same rows; difference: the second's from the first, as in report.json.

    ratios: by batch size, the second's time / the first's, paired by turns: median, p25, p75.
    """

    rows: int
    first: Side
    second: Side
    difference: dict[str, float | None]
    worst: tuple[WorstRow, ...]
    ratios: dict[str, dict[str, float]]

    def to_json(self) -> dict[str, Any]:
        """Return plain data."""
        return {"schema_version": 1} | asdict(self)

    def broken(self, budget: Sequence[Limit]) -> list[str]:
        """Return the limits that the second one breaks, with its figures."""
        found: dict[str, float | None] = {
            **self.difference,
            "agreement": self.difference["label_agreement"],
            "bytes": float(self.second.bytes),
        }
        return limits.broken(budget, found)


def budget_of(expressions: Sequence[str]) -> list[Limit]:
    """Return the limits of expressions; InvalidInput where one is none, or on another figure."""
    given = [limit for text in expressions for limit in limits.parse(text, "budget", LIMITS)]
    for limit in given:
        if limit.metric not in LIMITS:
            raise InvalidInput(
                f"budget {limit.expression!r}: {limit.metric} is not measured here; the metrics "
                f"are {', '.join(LIMITS)}"
            )
    return given


def opened(path: str, unproved: bool = False) -> Predictor:
    """Open an .onnx or .pack file, or a model directory, as it is compared: with one thread."""
    return load(path, threads=1, unproved=unproved)


def compare(first: Predictor, second: Predictor, X: Any) -> Compared:
    """Compare two artifacts that are `opened` on rows of your own.

    X: rows as `toolkit.runtime.inputs.prepare` takes them; there is no default, since random
    numbers would not tell. Outputs are matched by name, else by their kind and order. Raises
    InvalidInput where the rows do not fit one of them, or where they give other kinds of answers.
    """
    models = [first, second]
    feeds = [_fed(X, model) for model in models]
    stages.at("running both")
    one, other = (model.run(feed) for model, feed in zip(models, feeds, strict=True))
    for model, feed, answers in zip(models, feeds, (one, other), strict=True):
        _check_rows(model, feed, answers)
    reference = {n: a.astype(np.float64) if a.dtype.kind == "f" else a for n, a in one.items()}
    matched = _matched(reference, other, models)
    scales = metrics.scales_of(reference)
    count = len(next(iter(reference.values())))
    with latency.one_thread():
        turns = [(m.predict, _former(feed)) for m, feed in zip(models, feeds, strict=True)]
        times = latency.by_batch_size(turns, {ROW: np.arange(count)})
    sizes = [len(read_bytes(model.origin)) for model in models]
    return Compared(
        rows=count,
        first=Side(models[0].origin, sizes[0], times[0]),
        second=Side(models[1].origin, sizes[1], times[1]),
        difference=difference(reference, matched, scales),
        worst=_worst(reference, matched, scales),
        ratios={b: latency.paired(times[1][b], times[0][b]) for b in times[0]},
    )


def _fed(X: Any, model: Predictor) -> dict[str, np.ndarray]:
    try:
        return prepare(X, model.inputs)
    except InvalidInput as error:
        raise InvalidInput(f"{model.origin}: {error}") from None


def _check_rows(
    model: Predictor, feed: Mapping[str, np.ndarray], answers: Mapping[str, np.ndarray]
) -> None:
    rows = len(next(iter(feed.values())))
    for name, values in answers.items():
        if values.ndim == 0 or len(values) != rows:
            raise InvalidInput(
                f"{model.origin}: its output {name!r} is of {values.shape} for {rows} rows; "
                "outputs with a row for each row are compared"
            )


def _former(feed: Mapping[str, np.ndarray]) -> latency.Form:
    """Return what picks rows by their numbers, as `predict` takes them."""

    def form(rows: Mapping[str, np.ndarray]) -> Any:
        picked = {name: values[rows[ROW]] for name, values in feed.items()}
        return picked if len(picked) > 1 else next(iter(picked.values()))

    return form


def _matched(
    reference: metrics.Outputs, got: Mapping[str, np.ndarray], models: Sequence[Predictor]
) -> dict[str, np.ndarray]:
    """Return the second one's outputs under the first one's names."""
    if all(name in got for name in reference):
        matched = {name: got[name] for name in reference}
    else:
        kinds = {_is_number(a): [n for n in got if _is_number(got[n]) == _is_number(a)]
                 for a in reference.values()}  # fmt: skip
        matched = {}
        for name, values in reference.items():
            left = kinds[_is_number(values)]
            if not left:
                raise InvalidInput(
                    f"{models[1].origin}: has no output like {name!r} of {models[0].origin}; it "
                    f"gives {', '.join(got)}"
                )
            matched[name] = got[left.pop(0)]
    for name, values in reference.items():
        if matched[name].size != values.size:
            raise InvalidInput(
                f"{models[1].origin}: gives {name!r} in the shape {matched[name].shape}, "
                f"{models[0].origin} in {values.shape}; they are no variants of one model"
            )
    return matched


def _is_number(values: np.ndarray) -> bool:
    return values.dtype.kind == "f"


def _worst(
    reference: metrics.Outputs, got: metrics.Outputs, scales: Mapping[str, metrics.Scale]
) -> tuple[WorstRow, ...]:
    """Return the rows that are furthest apart, other labels first; none where all are equal."""
    worst = []
    for name in metrics.labelled(reference):
        other = np.flatnonzero(~metrics.same_labels(reference[name], got[name]))[:WORST]
        worst += [_row(int(k), name, reference[name], got[name], None) for k in other]
    for name in metrics.numeric(reference):
        apart = metrics.deviations(reference[name], got[name], scales[name])
        furthest = apart.max(axis=1, initial=0.0)
        for k in np.argsort(-furthest, kind="stable")[:WORST]:
            if furthest[k] > 0:
                column = int(apart[k].argmax())
                where = f"{name}[{column}]" if apart.shape[1] > 1 else name
                flat = [np.reshape(a[name], (len(apart), -1))[:, column] for a in (reference, got)]
                worst.append(_row(int(k), where, flat[0], flat[1], float(furthest[k])))
    worst.sort(key=lambda w: np.inf if w.deviation is None else w.deviation, reverse=True)
    return tuple(worst[:WORST])


def _row(
    k: int, output: str, first: np.ndarray, second: np.ndarray, deviation: float | None
) -> WorstRow:
    values = [np.ravel(a[k])[0] for a in (np.asarray(first), np.asarray(second))]
    plain = [v.item() if isinstance(v, np.generic) else v for v in values]
    return WorstRow(k, output, plain[0], plain[1], deviation)
