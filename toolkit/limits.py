"""Limits on what a variant may lose, as gates and budgets write them: `[METHOD:]METRIC<=NUMBER`.

Both are read here, so that a name means one thing and a mistake is answered in one way.
"""

from __future__ import annotations

import difflib
import math
import operator
import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from toolkit.errors import InvalidInput
from toolkit.metrics import LABEL

OPERATORS: dict[str, Callable[[float, float], bool]] = {
    "<=": operator.le,
    ">=": operator.ge,
    "<": operator.lt,
    ">": operator.gt,
}


@dataclass(frozen=True)
class Metric:
    """What a model must have for a figure to exist (see `NEEDS`), and the limits that mean any."""

    needs: tuple[str, ...] = ()
    least: float = 0.0
    most: float = math.inf


# As report.json calls them.
METRICS: dict[str, Metric] = {
    "r2": Metric(("regressor", "targets"), -math.inf, 1.0),
    "mse": Metric(("regressor", "targets")),
    "mae": Metric(("regressor", "targets")),
    "r2_drop": Metric(("regressor", "targets"), -math.inf),
    "accuracy": Metric(("classifier", "targets"), 0.0, 1.0),
    "log_loss": Metric(("classifier", "probabilities", "targets")),
    "accuracy_drop": Metric(("classifier", "targets"), -1.0, 1.0),
    "max_abs": Metric(("numbers",)),
    "mean_abs": Metric(("numbers",)),
    "nmse": Metric(("numbers",)),
    "max_rel": Metric(("numbers",)),
    "agreement": Metric(("labels",), 0.0, 1.0),
    "batch_consistency": Metric(),
    "bytes": Metric(),
    "bytes_compressed": Metric(),
    "size_ratio": Metric(),
    "latency_us": Metric(),
    "cold_start_ms": Metric(),
    "peak_rss_mb": Metric(),
}
# Other spellings of them.
ALIASES = {"max_error": "max_abs", "label_agreement": "agreement"}

NEEDS = {
    "regressor": "a regressor, and this model is none",
    "classifier": "a classifier, and this model is none",
    "targets": "targets, and the rows have none",
    "numbers": "numeric outputs, and this model gives none",
    "labels": "labels, and this model gives none",
    "probabilities": "probabilities, and this model gives none",
}

_FORM = "write METRIC<=NUMBER, for example max_abs<=0.1, or several joined by commas"
_LIMIT = re.compile(
    r"\s*(?:(?P<method>[^\s:<>=]+)\s*:)?\s*(?P<metric>[^\s:<>=]+)\s*(?P<operator><=|>=|<|>)"
    r"\s*(?P<number>[^\s<>=]+)\s*"
)


@dataclass(frozen=True)
class Limit:
    """One figure that a variant must keep; `method` None: every variant. text: as it was given."""

    metric: str
    operator: str
    value: float
    method: str | None = None
    text: str = field(default="", compare=False)

    @property
    def expression(self) -> str:
        """The limit as it was given, or as it would be."""
        return self.text or str(self)

    def kept_by(self, figure: float | None) -> bool:
        """Tell whether a figure keeps the limit; NaN and a missing one keep none."""
        return figure is not None and OPERATORS[self.operator](figure, self.value)

    def __str__(self) -> str:
        method = f"{self.method}:" if self.method else ""
        return f"{method}{self.metric}{self.operator}{self.value:.12g}"


def parse(expression: str, kind: str, known: Collection[str] = tuple(METRICS)) -> list[Limit]:
    """Return the limits of an expression; InvalidInput names the part that says none.

    kind: "gate" or "budget", for messages; known: the metrics that they offer.
    """
    return [_limit(part.strip(), kind, known) for part in expression.split(",")]


def _limit(text: str, kind: str, known: Collection[str]) -> Limit:
    match = _LIMIT.fullmatch(text)
    if match is None:
        raise InvalidInput(f"{kind} {text!r}: is no limit; {_FORM}")
    metric = canonical(match["metric"])
    if metric not in METRICS:
        near = nearest(metric, [*known, *ALIASES])
        raise InvalidInput(
            f"{kind} {text!r}: there is no metric {metric!r}{near}; the metrics are "
            f"{', '.join(known)}"
        )
    allowed, value = METRICS[metric], _number(match["number"])
    if not math.isfinite(value) or not allowed.least <= value <= allowed.most:
        raise InvalidInput(f"{kind} {text!r}: {match['number']!r} is not {_range(allowed)}")
    return Limit(metric, match["operator"], value, match["method"], text)


def canonical(metric: str) -> str:
    """Return a metric's own name for another spelling of it."""
    return ALIASES.get(metric, metric)


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return math.nan


def _range(metric: Metric) -> str:
    if math.isinf(metric.least):
        return "a number" if math.isinf(metric.most) else f"a number up to {metric.most:g}"
    if math.isinf(metric.most):
        return f"a number of {metric.least:g} or more"
    return f"a number from {metric.least:g} to {metric.most:g}"


def nearest(name: str, known: Iterable[str]) -> str:
    """Return ", did you mean …?" with the name that is most like this one, "" if none is."""
    matches = difflib.get_close_matches(name, list(known), n=1)
    return f", did you mean {matches[0]!r}?" if matches else ""


def facts(task: str, outputs: Sequence[Mapping[str, Any]], targets: bool) -> set[str]:
    """Return what of `NEEDS` there is; outputs: the manifest's; targets: whether rows have any."""
    names = {o["name"] for o in outputs}
    labels = {o["name"] for o in outputs if o["name"] == LABEL or o.get("dtype") == "string"}
    known = {task, *names & {"probabilities"}}
    known |= {"labels"} if labels else set()
    known |= {"numbers"} if names - labels else set()
    return known | ({"targets"} if targets else set())


def broken(limits: Iterable[Limit], figures: Mapping[str, float | None]) -> list[str]:
    """Return in words which limits the figures (by metric) break, with what they are."""
    return [
        f"{limit} is broken with {_figure(figures.get(limit.metric))}"
        for limit in limits
        if not limit.kept_by(figures.get(limit.metric))
    ]


def _figure(value: float | None) -> str:
    return "none" if value is None else f"{value:.4g}"


def usable(known: Iterable[str], there: Collection[str]) -> list[str]:
    """Return the metrics whose needs are there."""
    return [name for name in known if set(METRICS[name].needs) <= set(there)]


def check(limit: Limit, kind: str, known: Iterable[str], there: Collection[str]) -> None:
    """Raise InvalidInput where a limit's figure does not exist for a model with these facts."""
    missing = [need for need in METRICS[limit.metric].needs if need not in there]
    if missing:
        raise InvalidInput(
            f"{kind} {limit.expression!r}: {limit.metric} needs {NEEDS[missing[0]]}; here the "
            f"metrics are {', '.join(usable(known, there))}"
        )
