"""Whether an estimator converts, part by part, before any of the work is done."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from toolkit.errors import InvalidInput, UnsupportedEstimator, guarded
from toolkit.exporter.converters import key_of, table
from toolkit.exporter.model import build
from toolkit.exporter.opsets import target_of
from toolkit.exporter.raw_boosters import as_estimator
from toolkit.exporter.schema import as_fitted, infer
from toolkit.exporter.tasks import task_of
from toolkit.runtime.schema import FINITE

OWN, LIBRARY, BLOCKS = "converts", "by skl2onnx", "blocks"
REMEDY = "replace it by one that converts, or move what it does in front of the model"


@dataclass(frozen=True)
class Part:
    """An estimator inside the whole: where it stands, its class, and whether it converts.

    verdict: OWN, LIBRARY (skl2onnx has a converter, toolkit none) or BLOCKS; reason: why it blocks
    and what to do.
    """

    where: str
    kind: str
    verdict: str
    reason: str = ""


@guarded("estimator", InvalidInput, "give rows of the kind that it was fitted on")
def check(estimator: Any, X: Any = None) -> list[Part]:
    """Return every part of a fitted estimator, in the order in which rows pass.

    X: rows, with which the graph is built as well (not proved): what blocks by its settings is
    found so. Raises InvalidInput where the rows do not fit.
    """
    estimator = as_estimator(estimator)
    parts = list(_parts(estimator, "", set()))
    if X is None or any(part.verdict == BLOCKS for part in parts):
        return parts
    rows = as_fitted(estimator, X)
    try:
        schema = infer(rows, None, estimator)
        build(estimator, schema, target_of(None, None).opset, task_of(estimator), FINITE)
    except UnsupportedEstimator as error:
        kind = type(estimator).__name__
        return [*parts, Part("with these rows", kind, BLOCKS, str(error))]
    return parts


def _parts(estimator: Any, where: str, seen: set[tuple[str, str]]) -> Iterator[Part]:
    """Yield an estimator's parts, then itself; of members of one class at one place the first."""
    for name, inner in _inside(estimator):
        place = f"{where}.{name}" if where else name
        known = (place.rstrip("0123456789[]"), type(inner).__name__)
        if known not in seen:
            seen.add(known)
            yield from _parts(inner, place, seen)
    yield _part(estimator, where or "the estimator")


def _inside(estimator: Any) -> Iterator[tuple[str, Any]]:
    """Yield (name, fitted estimator) of what a meta-estimator asks."""
    if hasattr(estimator, "steps"):
        yield from ((n, e) for n, e in estimator.steps if _is_estimator(e))
    elif hasattr(estimator, "transformers_"):
        yield from ((n, e) for n, e, _ in estimator.transformers_ if _is_estimator(e))
    elif hasattr(estimator, "transformer_list"):
        yield from ((n, e) for n, e in estimator.transformer_list if _is_estimator(e))
    else:
        for name, value in vars(estimator).items():
            # An ensemble's `estimator_` is what its members were made of, and not asked.
            template = name == "estimator_" and hasattr(estimator, "estimators_")
            if name.endswith("_") and not name.startswith("_") and not template:
                members = value if isinstance(value, list | tuple) else [value]
                yield from ((name, e) for e in members if _is_estimator(e))


def _is_estimator(value: Any) -> bool:
    return hasattr(value, "get_params") and hasattr(value, "fit") and not isinstance(value, type)


def _part(estimator: Any, where: str) -> Part:
    kind = type(estimator).__name__
    if key_of(estimator) in table():
        return Part(where, kind, OWN)
    if _has_skl2onnx(estimator):
        return Part(where, kind, LIBRARY)
    module = type(estimator).__module__
    return Part(where, kind, BLOCKS, f"{module}.{kind} has no converter; {REMEDY}")


def _has_skl2onnx(estimator: Any) -> bool:
    from skl2onnx._supported_operators import sklearn_operator_name_map

    return type(estimator) in sklearn_operator_name_map
