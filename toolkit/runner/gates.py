"""Gates: which limits hold for which variant, and whether it keeps them (see `toolkit.limits`)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace

from toolkit import limits
from toolkit.bundle import BUDGET, FAILED, FLOAT, OK, Bundle, Variant
from toolkit.errors import InvalidInput
from toolkit.limits import Limit
from toolkit.runner.records import REFERENCE, GateOutcome, Row

# Always on. max_rel is against float64 data, so that a graph with float32 inputs is held to it too.
EXACT = ("max_rel<=1e-4", "agreement>=0.999")
DEFAULTS: dict[str, tuple[str, ...]] = {
    FLOAT: EXACT,
    "float32-pack": EXACT,
    "uint4-pack": ("nmse<=0.05", "agreement>=0.97"),  # what quantizing holds it to
    "*": ("nmse<=0.01", "agreement>=0.99"),
}

Reader = Callable[[Row, Row], float | None]


def _figure(group: str, key: str) -> Reader:
    return lambda row, _: (getattr(row, group) or {}).get(key)


def _field(name: str) -> Reader:
    return lambda row, _: getattr(row, name)


def _drop(key: str) -> Reader:
    def read(row: Row, reference: Row) -> float | None:
        before, after = (reference.metrics or {}).get(key), (row.metrics or {}).get(key)
        return None if before is None or after is None else before - after

    return read


def _latency(batch: str, key: str) -> Reader:
    return lambda row, _: None if row.latency_us is None else row.latency_us[batch][key]


# How each metric's figure is had from a row, and the reference's row.
READERS: dict[str, Reader] = {
    "r2": _figure("metrics", "r2"),
    "mse": _figure("metrics", "mse"),
    "mae": _figure("metrics", "mae"),
    "r2_drop": _drop("r2"),
    "accuracy": _figure("metrics", "accuracy"),
    "log_loss": _figure("metrics", "log_loss"),
    "accuracy_drop": _drop("accuracy"),
    "max_abs": _figure("difference", "max_abs"),
    "mean_abs": _figure("difference", "mean_abs"),
    "nmse": _figure("difference", "nmse"),
    "max_rel": _figure("difference", "max_rel"),
    "agreement": _figure("difference", "label_agreement"),
    "batch_consistency": _field("batch_consistency"),
    "bytes": _field("bytes"),
    "bytes_compressed": _field("bytes_compressed"),
    "size_ratio": _field("size_ratio"),
    "latency_us": _latency("1", "p50"),
    "cold_start_ms": _field("cold_start_ms"),
    "peak_rss_mb": _field("peak_rss_mb"),
}


def parse(expression: str) -> list[Limit]:
    """Return the gates of `[METHOD:]METRIC<=NUMBER,…`; InvalidInput where a part says none."""
    return limits.parse(expression, "gate")


def choose(expressions: Iterable[str], bundle: Bundle, targets: bool) -> list[Limit]:
    """Return the default gates of each method and those of `expressions`, all checked.

    targets: whether the rows have any. Raises InvalidInput where an expression is malformed, its
    metric does not exist for this model or these rows, or its method has no file to measure.
    """
    there = limits.facts(bundle.task, bundle.manifest["outputs"], targets)
    variants = {v.method: v for v in bundle.variants}
    asked = [gate for e in expressions for gate in parse(e)]
    for gate in asked:
        limits.check(gate, "gate", limits.METRICS, there)
        _check_method(gate, variants)
    measured = [method for method, variant in variants.items() if variant.status == OK]
    standard = _defaults(measured, _promised(bundle))
    usable = limits.usable(limits.METRICS, there)
    return [g for g in standard if g.metric in usable] + asked


def _promised(bundle: Bundle) -> list[Limit]:
    """Return the limits that the budget's variant was made to keep, where they are on errors."""
    promises = (bundle.front() or {}).get("limits", {})
    if not promises.keys() - {"bytes"}:
        return []
    signs = {"agreement": ">="}
    promised = [
        Limit(limits.canonical(metric), signs.get(metric, "<="), value)
        for metric, value in promises.items()
    ]
    return [replace(limit, text=str(limit)) for limit in promised]


def _check_method(gate: Limit, variants: Mapping[str, Variant]) -> None:
    if gate.method is None:
        return
    if gate.method not in variants:
        raise InvalidInput(
            f"gate {gate.expression!r}: this bundle has no method {gate.method!r}"
            f"{limits.nearest(gate.method, variants)}; its methods are {', '.join(variants)}"
        )
    variant = variants[gate.method]
    if variant.status != OK:
        raise InvalidInput(
            f"gate {gate.expression!r}: {gate.method} has no file to measure ({variant.status}: "
            f"{variant.reason}); drop the gate or quantize again"
        )


def _defaults(methods: Iterable[str], promised: Sequence[Limit]) -> list[Limit]:
    gates = {m: [g for e in texts for g in parse(e)] for m, texts in DEFAULTS.items()}
    gates |= {BUDGET: list(promised)} if promised else {}
    return [
        replace(gate, method=method) for method in methods for gate in gates.get(method, gates["*"])
    ]


def evaluate(gates: Sequence[Limit], rows: Sequence[Row]) -> tuple[list[Row], list[GateOutcome]]:
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
    return replace(row, status=FAILED, reason="; ".join(before + complaints))


def _applies(gate: Limit, row: Row) -> bool:
    return row.status == OK and row.method != REFERENCE and gate.method in (None, row.method)


def _hold(gate: Limit, row: Row, reference: Row) -> GateOutcome:
    value = READERS[gate.metric](row, reference)
    return {
        "expression": gate.expression,
        "method": row.method,
        "metric": gate.metric,
        "value": value,
        "limit": gate.value,
        "passed": gate.kept_by(value),
    }


def _complaint(outcome: GateOutcome) -> str:
    value = outcome["value"]
    got = "not measured" if value is None else f"{value:.4g}"
    return f"{outcome['metric']} is {got}, the gate is {outcome['expression']}"
