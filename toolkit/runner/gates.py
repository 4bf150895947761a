"""Limits on what a variant may lose: the expressions, the defaults, and their evaluation."""

from __future__ import annotations

import difflib
import math
import operator
import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from toolkit.bundle import BUDGET, FAILED, FLOAT, OK, Bundle, Variant
from toolkit.errors import InvalidInput
from toolkit.runner.records import REFERENCE, GateOutcome, Row

OPERATORS: dict[str, Callable[[float, float], bool]] = {
    "<=": operator.le,
    ">=": operator.ge,
    "<": operator.lt,
    ">": operator.gt,
}

# Always on. max_rel is against float64 data, so that a graph with float32 inputs is held to it too.
EXACT = ("max_rel<=1e-4", "agreement>=0.999")
DEFAULTS: dict[str, tuple[str, ...]] = {
    FLOAT: EXACT,
    "float32-pack": EXACT,
    "uint4-pack": ("nmse<=0.05", "agreement>=0.97"),  # what quantizing holds it to
    "*": ("nmse<=0.01", "agreement>=0.99"),
}
# What a budget calls otherwise than a gate.
BUDGET_NAMES = {"max_error": "max_abs"}

_EXPRESSION = re.compile(
    r"\s*(?:(?P<method>[^\s:<>=]+)\s*:)?\s*(?P<metric>\w+)\s*(?P<operator><=|>=|<|>)\s*(?P<limit>[^\s<>=]\S*)\s*"
)
_FORM = "write [METHOD:]METRIC<=NUMBER, for example max_abs<=0.1 or uint8-pack:r2_drop<0.01"


@dataclass(frozen=True)
class Metric:
    """How a gate's figure is read from a row (and the reference's row), and what a model must have.

    needs: "regressor" or "classifier", "targets", "numbers", "labels", "probabilities".
    """

    read: Callable[[Row, Row], float | None]
    needs: tuple[str, ...] = ()


def _figure(group: str, key: str) -> Callable[[Row, Row], float | None]:
    return lambda row, _: (getattr(row, group) or {}).get(key)


def _field(name: str) -> Callable[[Row, Row], float | None]:
    return lambda row, _: getattr(row, name)


def _drop(key: str) -> Callable[[Row, Row], float | None]:
    def read(row: Row, reference: Row) -> float | None:
        before, after = (reference.metrics or {}).get(key), (row.metrics or {}).get(key)
        return None if before is None or after is None else before - after

    return read


def _latency(batch: str, key: str) -> Callable[[Row, Row], float | None]:
    return lambda row, _: None if row.latency_us is None else row.latency_us[batch][key]


METRICS: dict[str, Metric] = {
    "r2": Metric(_figure("metrics", "r2"), ("regressor", "targets")),
    "mse": Metric(_figure("metrics", "mse"), ("regressor", "targets")),
    "mae": Metric(_figure("metrics", "mae"), ("regressor", "targets")),
    "r2_drop": Metric(_drop("r2"), ("regressor", "targets")),
    "accuracy": Metric(_figure("metrics", "accuracy"), ("classifier", "targets")),
    "log_loss": Metric(_figure("metrics", "log_loss"), ("classifier", "probabilities", "targets")),
    "accuracy_drop": Metric(_drop("accuracy"), ("classifier", "targets")),
    "max_abs": Metric(_figure("difference", "max_abs"), ("numbers",)),
    "mean_abs": Metric(_figure("difference", "mean_abs"), ("numbers",)),
    "nmse": Metric(_figure("difference", "nmse"), ("numbers",)),
    "max_rel": Metric(_figure("difference", "max_rel"), ("numbers",)),
    "agreement": Metric(_figure("difference", "label_agreement"), ("labels",)),
    "batch_consistency": Metric(_field("batch_consistency")),
    "bytes": Metric(_field("bytes")),
    "bytes_compressed": Metric(_field("bytes_compressed")),
    "size_ratio": Metric(_field("size_ratio")),
    "latency_us": Metric(_latency("1", "p50")),
    "cold_start_ms": Metric(_field("cold_start_ms")),
    "peak_rss_mb": Metric(_field("peak_rss_mb")),
}


@dataclass(frozen=True)
class Gate:
    """One limit; `method` None: on every variant that was measured."""

    expression: str
    method: str | None
    metric: str
    operator: str
    limit: float


def parse(expression: str) -> Gate:
    """Return the gate that `[METHOD:]METRIC OP NUMBER` says; InvalidInput where it says none."""
    match = _EXPRESSION.fullmatch(expression)
    if match is None:
        raise InvalidInput(f"gate {expression!r}: is not understood; {_FORM}")
    try:
        limit = float(match["limit"])
    except ValueError:
        limit = math.nan
    if not math.isfinite(limit):
        raise InvalidInput(f"gate {expression!r}: {match['limit']!r} is no number; {_FORM}")
    if match["metric"] not in METRICS:
        raise InvalidInput(
            f"gate {expression!r}: there is no metric {match['metric']!r}"
            f"{_nearest(match['metric'], METRICS)}; the metrics are {', '.join(METRICS)}"
        )
    return Gate(expression.strip(), match["method"], match["metric"], match["operator"], limit)


def choose(expressions: Iterable[str], bundle: Bundle, targets: bool) -> list[Gate]:
    """Return the default gates of each method and those of `expressions`, all checked.

    targets: whether the rows have any. Raises InvalidInput where an expression is malformed, its
    metric does not exist for this model or these rows, or its method has no file to measure.
    """
    facts = _facts(bundle, targets)
    usable = [name for name, metric in METRICS.items() if facts.issuperset(metric.needs)]
    variants = {v.method: v for v in bundle.variants}
    asked = [parse(e) for e in expressions]
    for gate in asked:
        _check_metric(gate, facts, usable)
        _check_method(gate, variants)
    measured = [method for method, variant in variants.items() if variant.status == OK]
    standard = _defaults(measured, _promised(bundle))
    return [g for g in standard if g.metric in usable] + asked


def _promised(bundle: Bundle) -> dict[str, tuple[str, ...]]:
    """Return the limits that the budget's variant was made to keep, where they are on errors."""
    limits = (bundle.front() or {}).get("limits", {})
    if not limits.keys() - {"bytes"}:
        return {}
    signs = {"agreement": ">="}
    return {
        BUDGET: tuple(
            f"{BUDGET_NAMES.get(metric, metric)}{signs.get(metric, '<=')}{limit!r}"
            for metric, limit in limits.items()
        )
    }


def _facts(bundle: Bundle, targets: bool) -> set[str]:
    outputs = {o["name"] for o in bundle.manifest["outputs"]}
    facts = {bundle.task, *outputs}
    facts |= {"labels"} if "label" in outputs else set()
    facts |= {"numbers"} if outputs - {"label"} else set()
    return facts | ({"targets"} if targets else set())


def _check_metric(gate: Gate, facts: set[str], usable: Sequence[str]) -> None:
    missing = [need for need in METRICS[gate.metric].needs if need not in facts]
    if missing:
        raise InvalidInput(
            f"gate {gate.expression!r}: {gate.metric} needs {_NEEDS[missing[0]]}; "
            f"here the metrics are {', '.join(usable)}"
        )


_NEEDS = {
    "regressor": "a regressor, and this model is none",
    "classifier": "a classifier, and this model is none",
    "targets": "targets, and the rows have none",
    "numbers": "numeric outputs, and this model has none",
    "labels": "labels, and this model gives none",
    "probabilities": "probabilities, and this model gives none",
}


def _check_method(gate: Gate, variants: Mapping[str, Variant]) -> None:
    if gate.method is None:
        return
    if gate.method not in variants:
        raise InvalidInput(
            f"gate {gate.expression!r}: this bundle has no method {gate.method!r}"
            f"{_nearest(gate.method, variants)}; its methods are {', '.join(variants)}"
        )
    variant = variants[gate.method]
    if variant.status != OK:
        raise InvalidInput(
            f"gate {gate.expression!r}: {gate.method} has no file to measure ({variant.status}: "
            f"{variant.reason}); drop the gate or quantize again"
        )


def _nearest(name: str, known: Collection[str]) -> str:
    found = difflib.get_close_matches(name, list(known), n=1)
    return f", did you mean {found[0]!r}?" if found else ""


def _defaults(methods: Iterable[str], promised: Mapping[str, tuple[str, ...]]) -> list[Gate]:
    given = {**DEFAULTS, **promised}
    return [
        replace(parse(expression), method=method)
        for method in methods
        for expression in given.get(method, given["*"])
    ]


def evaluate(gates: Sequence[Gate], rows: Sequence[Row]) -> tuple[list[Row], list[GateOutcome]]:
    """Return the rows, failed where a gate failed, and every gate's outcome.

    rows: the scikit-learn row first. A figure that is missing or NaN fails its gate.
    """
    reference = next(row for row in rows if row.method == REFERENCE)
    judged, outcomes = [], []
    for row in rows:
        own = [_hold(g, row, reference) for g in gates if _applies(g, row)]
        broken = [_complaint(o) for o in own if not o["passed"]]
        judged.append(failed(row, broken) if broken else row)
        outcomes += own
    return judged, outcomes


def failed(row: Row, complaints: list[str]) -> Row:
    """Return the row as failed for these reasons, and for those that it failed for before."""
    before = [row.reason] if row.status == FAILED else []
    words = row.summary if before else ", ".join(filter(None, (FAILED, row.summary)))
    return replace(row, status=FAILED, reason="; ".join(before + complaints), summary=words)


def _applies(gate: Gate, row: Row) -> bool:
    return row.status == OK and row.method != REFERENCE and gate.method in (None, row.method)


def _hold(gate: Gate, row: Row, reference: Row) -> GateOutcome:
    value = METRICS[gate.metric].read(row, reference)
    passed = value is not None and OPERATORS[gate.operator](value, gate.limit)
    return {
        "expression": gate.expression,
        "method": row.method,
        "metric": gate.metric,
        "value": value,
        "limit": gate.limit,
        "passed": passed,
    }


def _complaint(outcome: GateOutcome) -> str:
    value = outcome["value"]
    found = "not measured" if value is None else f"{value:.4g}"
    return f"{outcome['metric']} is {found}, the gate is {outcome['expression']}"
