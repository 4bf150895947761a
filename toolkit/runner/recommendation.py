"""Which file to ship: the rule, and its answer for a report.

Only files are looked at that were kept and measured, that no gate failed and no other variant
dominates, and that lose no more than `within` says (`LOSSES` where it says nothing). Of these,

    balance   the smallest that is no slower than model.onnx at batch 1, noise apart (the default);
              of those within a twentieth of its bytes the nearest to scikit-learn; model.onnx
              itself where the smaller file saves less than a tenth
    size      the smallest
    speed     the smallest of those whose time at batch 1 is, noise apart, the least
    accuracy  the smallest of those that are nearest to scikit-learn, float32's rounding apart
    portable  the smallest plain .onnx file of standard operators, which any runtime opens

One that is equally good and comes later in the report is a runner-up.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

from toolkit import limits
from toolkit.bundle import FLOAT, OK
from toolkit.errors import InvalidInput
from toolkit.limits import Limit
from toolkit.precision import TOLERANCE
from toolkit.runner.dominance import FASTER, ROUNDING, SLOWER
from toolkit.runner.gates import READERS
from toolkit.runner.records import REFERENCE, Recommendation, Row, RunnerUp
from toolkit.runner.verdict import as_times

BALANCE = "balance"
LOSSES = ("nmse<=1e-4", "agreement>=0.999")  # a hundredth of the outputs' spread; a label in 1,000
SAVES = 0.9  # of model.onnx's bytes: a second kind of file for less is not worth its trouble
ALIKE = 1.05  # of the least bytes: what is less exact for less than that is not worth it
SHOWN = 3  # runners-up


class Measured(Protocol):
    """What the rule asks of a report."""

    @property
    def variants(self) -> tuple[Row, ...]:
        """The rows, the estimator first."""

    @property
    def reference(self) -> str:
        """What errors are measured against: scikit-learn, or the file itself."""

    @property
    def proof(self) -> dict[str, Any] | None:
        """The proof as the report has it, None where it has none."""


@dataclass(frozen=True)
class _Goal:
    """key: what is least in the best row. fits: why a row is none of its kind, "" where it is."""

    words: str
    key: Callable[[Row], tuple[float, ...]]
    fits: Callable[[Row, Row | None], str]


def _bytes(row: Row) -> int:
    return row.bytes or 0


def _time(row: Row) -> float:
    return float(row.latency_us["1"]["p50"]) if row.latency_us else float("inf")


def _error(row: Row) -> tuple[float, float]:
    difference = row.difference or {}
    error, same = difference.get("nmse") or 0.0, difference.get("label_agreement")
    return (error if error > ROUNDING else 0.0), (0.0 if same is None else 1.0 - same)


def _by_error(row: Row) -> tuple[tuple[float, float], int]:
    return _error(row), _bytes(row)


def _any(row: Row, base: Row | None) -> str:
    return ""


def _no_slower(row: Row, base: Row | None) -> str:
    if base is None or row.method == FLOAT or _time(row) <= SLOWER * _time(base):
        return ""
    return f"takes {_time(row) / _time(base):.1f} times as long as model.onnx at batch 1"


def _standard(row: Row, base: Row | None) -> str:
    if not (row.file or "").endswith(".onnx"):
        return "needs toolkit's own runtime"
    return "" if row.standard is not False else "has operators that only onnxruntime knows"


GOALS: dict[str, _Goal] = {
    BALANCE: _Goal(
        "smallest that is no slower than model.onnx", lambda r: (_bytes(r),), _no_slower
    ),
    "size": _Goal("smallest", lambda r: (_bytes(r),), _any),
    "speed": _Goal("fastest at batch 1", lambda r: (_time(r),), _any),
    "accuracy": _Goal("nearest to scikit-learn", lambda r: _error(r), _any),
    "portable": _Goal(
        "smallest in plain ONNX of standard operators", lambda r: (_bytes(r),), _standard
    ),
}


def recommend(report: Measured, goal: str = BALANCE, within: Iterable[str] = ()) -> Recommendation:
    """Return the file to ship for a goal, and why.

    within: limits such as "nmse<=1e-4", as gates are written, in place of `LOSSES`. Raises
    InvalidInput where there is no such goal or a limit is none.
    """
    losses = _losses(report, goal, check_goal(goal, within))
    texts = tuple(str(limit) for limit in losses)
    if report.proof is not None and not report.proof["passed"]:
        why = "the proof failed: no file of this model is right"
        return Recommendation(goal, texts, None, None, None, "", "", (why,), ())
    measured = [r for r in report.variants if r.method != REFERENCE and r.file]
    base = next((r for r in measured if r.method == FLOAT), None)
    refused = {r.method: _refusal(r, base, losses, GOALS[goal], report) for r in measured}
    allowed = [r for r in measured if not refused[r.method]]
    if not allowed:
        whys = [f"{r.method}: {refused[r.method]}" for r in measured] or ["nothing was measured"]
        return Recommendation(goal, texts, None, None, None, "", "", tuple(whys), ())
    best, why = _best(allowed, base, goal)
    kept = f", of {len(allowed)} that keep {', '.join(texts)}" if texts else f", of {len(allowed)}"
    if len(allowed) == 1:
        kept = f", the only one{' that keeps ' + ', '.join(texts) if texts else ''}"
    answer = Recommendation(
        goal,
        texts,
        best.method,
        best.file,
        best.bytes,
        _loses(best),
        _gains(best, base),
        ((why or f"the {GOALS[goal].words}") + kept,),
        tuple(_runners_up(measured, best, base, refused, goal)),
    )
    return answer if report.reference == REFERENCE else _against(answer, report.reference)


def _against(answer: Recommendation, reference: str) -> Recommendation:
    """Return the answer with another reference than scikit-learn named in its words."""

    def named(text: str) -> str:
        return text.replace(REFERENCE, reference)

    return replace(
        answer,
        loses=named(answer.loses),
        reasons=tuple(map(named, answer.reasons)),
        runners_up=tuple(replace(r, reason=named(r.reason)) for r in answer.runners_up),
    )


def check_goal(goal: str, within: Iterable[str]) -> tuple[str, ...]:
    """Return the limits; InvalidInput where there is no such goal, or where one of them is none."""
    if goal not in GOALS:
        near = limits.nearest(str(goal), GOALS)
        raise InvalidInput(f"goal {goal!r}{near}: write one of {', '.join(GOALS)}")
    texts = tuple(within)
    for text in texts:
        limits.parse(text, "within")
    return texts


def _losses(report: Measured, goal: str, within: Iterable[str]) -> list[Limit]:
    given = [limit for text in within for limit in limits.parse(text, "within")]
    if given:
        return given
    default = [] if goal == "accuracy" else [x for t in LOSSES for x in limits.parse(t, "within")]
    rows = [r for r in report.variants if r.difference]
    return [x for x in default if any(READERS[x.metric](r, rows[0]) is not None for r in rows)]


def _refusal(
    row: Row, base: Row | None, losses: Sequence[Limit], goal: _Goal, report: Measured
) -> str:
    """Return why a row is not to be recommended, "" where it may be."""
    if row.status != OK:
        return row.reason or row.status
    if row.dominated_by:
        return f"{row.dominated_by} is no larger, no further off and no slower"
    for limit in losses:
        figure = READERS[limit.metric](row, report.variants[0])
        if limit.method in (None, row.method) and not limit.kept_by(figure):
            return f"breaks {limit} with {'none' if figure is None else format(figure, '.3g')}"
    return goal.fits(row, base)


def _best(allowed: Sequence[Row], base: Row | None, goal: str) -> tuple[Row, str]:
    """Return the best row, and why where it is not for the goal's own reason."""
    key = GOALS[goal].key
    least = min(key(r) for r in allowed)
    if goal == BALANCE:
        best = min((r for r in allowed if _bytes(r) <= ALIKE * least[0]), key=_by_error)
    elif goal == "speed":
        best = min((r for r in allowed if _time(r) <= SLOWER * least[0]), key=_bytes)
    else:
        best = min((r for r in allowed if key(r) == least), key=lambda r: (_bytes(r), _error(r)))
    plain = base is not None and base in allowed and _bytes(best) > SAVES * _bytes(base)
    if goal == BALANCE and base is not None and plain and best is not base:
        return base, "the plain graph: no other file saves a tenth of its bytes"
    return best, ""


def _runners_up(
    measured: Sequence[Row], best: Row, base: Row | None, refused: dict[str, str], goal: str
) -> list[RunnerUp]:
    key = GOALS[goal].key
    others = sorted(
        (r for r in measured if r is not best), key=lambda r: (bool(refused[r.method]), key(r))
    )
    return [
        RunnerUp(r.method, r.file or "", refused[r.method] or _behind(r, best, goal))
        for r in others[:SHOWN]
    ]


def _behind(row: Row, best: Row, goal: str) -> str:
    if goal == "speed" and _time(row) > _time(best):
        return f"takes {as_times(_time(row) / _time(best))} the time at batch 1"
    if goal == "accuracy" and _error(row) > _error(best):
        return "is further from scikit-learn"
    if _bytes(row) < _bytes(best):
        return f"saves only {_bytes(best) - _bytes(row):,} bytes"
    if _bytes(row) == _bytes(best):
        return "is no better"
    if _bytes(row) < ALIKE * _bytes(best):
        return f"is {_bytes(row) - _bytes(best):,} bytes larger"
    return f"is {as_times(_bytes(row) / max(1, _bytes(best)))} as large"


def _loses(row: Row) -> str:
    difference = row.difference or {}
    nmse, same = difference.get("nmse"), difference.get("label_agreement")
    said = []
    if nmse is not None:
        part = 100 * nmse**0.5
        said.append(
            "the same numbers as scikit-learn"
            if (difference.get("max_rel") or 0.0) <= TOLERANCE
            else f"a typical error of {part:.2g} % of the outputs' spread"
        )
    if same is not None:
        said.append("every label equal" if same == 1 else f"{100 * (1 - same):.2g} % of the labels")
    return ", ".join(said)


def _gains(row: Row, base: Row | None) -> str:
    if base is None or row is base:
        return "it is the float export itself" if row.method == FLOAT else ""
    smaller = _bytes(base) / max(1, _bytes(row))
    size = f"{as_times(smaller)} smaller" if smaller > 1 else f"{as_times(1 / smaller)} larger"
    said = ["as large as model.onnx" if smaller == 1 else f"{size} than model.onnx"]
    if _time(base) > 0 and row.latency_us:
        pace = _time(row) / _time(base)
        as_fast = FASTER <= pace <= SLOWER
        other = f"{as_times(pace)} its time" if pace > 1 else f"{as_times(1 / pace)} its speed"
        said.append(f"{'as fast' if as_fast else other} at batch 1")
    return ", ".join(said)
