"""The flow of a budget: measure each format alone, choose all together, write, measure again."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import onnx

from toolkit.bundle import BUDGET, FAILED, NOT_APPLICABLE, OK, Bundle, Rows, Variant
from toolkit.errors import InvalidInput
from toolkit.quantizer.budget.allocation import Allocation
from toolkit.quantizer.budget.allocation import front as best_allocations
from toolkit.quantizer.budget.candidates import FILE, Candidates, Trial
from toolkit.quantizer.budget.expression import Budget
from toolkit.quantizer.budget.forests import Trees
from toolkit.quantizer.budget.parameters import Kind, Parameter
from toolkit.quantizer.budget.record import document
from toolkit.quantizer.budget.search import nearest, search
from toolkit.quantizer.budget.sensitivity import sensitivities
from toolkit.quantizer.budget.tensors import Tensors
from toolkit.quantizer.calibration import Calibration
from toolkit.quantizer.checks.acceptance import Standard, kept
from toolkit.quantizer.checks.thresholds import dropped
from toolkit.quantizer.parameters import attribute_operator
from toolkit.runtime.loading import to_onnx
from toolkit.runtime.predictor import Predictor

CHOOSING = 3  # every so many-th calibration row chooses, the others fit

# A parameter, and (bytes, error) of each of its options.
Costs = tuple[Parameter, list[tuple[int, float]]]


@dataclass(frozen=True)
class Made:
    """What came of a budget: the variant, its bytes where one is kept, and the front as JSON."""

    variant: Variant
    content: bytes | None
    front: bytes | None


def fit_budget(
    model: onnx.ModelProto,
    calibration: Calibration,
    bundle: Bundle,
    budget: Budget,
    standard: Standard,
    say: Callable[[str], Any] = lambda _: None,
) -> Made:
    """Return the smallest pack that keeps the budget on rows that it was not fitted to.

    With a limit on bytes alone: the most accurate that fits. A third of the calibration rows is set
    apart to choose by; the evaluation rows are not looked at. budget: one that `check_applies` lets
    pass; standard: what the bundle's variants are judged by; say: called with lines on how far this
    is. Raises InvalidInput where there are too few rows.
    """
    operator = attribute_operator(model)
    if operator:
        reason = f"the parameters are attributes of {operator}, which packs do not hold"
        return Made(Variant(BUDGET, NOT_APPLICABLE, reason=reason), None, None)
    fitting, choosing = _apart(calibration, str(bundle.path))
    tensors, trees = Tensors.of(model, fitting), Trees.of(model, fitting)
    measured = _measured((tensors, trees), say)
    parameters = [parameter for parameter, _ in measured]
    trial = Trial.of(choosing, model, bundle, standard.golden.scales)
    candidates = Candidates(model, tensors, trees, parameters, trial, say)
    allocations = [*best_allocations([costs for _, costs in measured]), _exact(measured)]
    best, tried = search(allocations, budget, candidates.draft)
    if best is not None:
        whole = replace(best, content=candidates.pack(best.allocation, draft=False))
        tried, best = [whole if p is best else p for p in tried], whole
    rows = {"fitting": len(fitting.rows), "choosing": len(choosing)}
    front = document(budget, parameters, tried, best, rows)
    if best is None:
        reason = f"no pack keeps {budget} on {len(choosing)} rows; {nearest(budget, tried)}"
        return Made(Variant(BUDGET, FAILED, reason=reason), None, front)
    return _kept(best.content, front, model, standard)


def _measured(kinds: Sequence[Kind], say: Callable[[str], Any]) -> list[Costs]:
    """Return every parameter with what each of its formats costs alone."""
    count = sum(kind.count for kind in kinds)
    measured_costs: list[Costs] = []
    for kind in kinds:
        for costs in sensitivities(kind):
            measured_costs.append(costs)
            say(f"budget: formats of {len(measured_costs)} of {count} parameters measured …")
    return measured_costs


def _kept(content: bytes, front: bytes, model: onnx.ModelProto, standard: Standard) -> Made:
    """Return a pack that keeps the budget as a variant, if it is smaller than model.onnx."""
    size = len(content)
    if size >= standard.size:
        reason = f"larger: {size} bytes against {standard.size} of model.onnx; not kept"
        return Made(Variant(BUDGET, NOT_APPLICABLE, reason=reason, bytes=size), None, front)
    predictor = Predictor(to_onnx(content, FILE), FILE, options=standard.session)
    variant = Variant(BUDGET, OK, FILE, bytes=size, session=standard.session)
    variant = kept(variant, predictor, standard)
    said = "; ".join(filter(None, (variant.notes, dropped(model, content, FILE))))
    return Made(replace(variant, notes=said), content, front)


def _exact(measured: Sequence[Costs]) -> Allocation:
    """Return the allocation that leaves every parameter as it is.

    Another format may have lost nothing on the rows that it was measured on; this one loses nothing
    on any.
    """
    return Allocation(
        sum(costs[-1][0] for _, costs in measured),
        0.0,
        tuple(len(p.options) - 1 for p, _ in measured),
    )


def _apart(calibration: Calibration, origin: str) -> tuple[Calibration, Rows]:
    """Return the rows that formats are fitted to, and those that the choice is judged by."""
    count = len(calibration.rows)
    alone = np.arange(count) % CHOOSING == CHOOSING - 1
    if not alone.any():
        raise InvalidInput(
            f"{origin}: has {count} calibration rows, too few to set some apart to choose by; "
            "export the model with more rows"
        )
    feed = {n: v[~alone] for n, v in calibration.feed.items()}
    return Calibration(feed, _taken(calibration.rows, ~alone)), _taken(calibration.rows, alone)


def _taken(rows: Rows, at: np.ndarray) -> Rows:
    return Rows(
        {n: v[at] for n, v in rows.inputs.items()},
        {n: v[at] for n, v in rows.outputs.items()},
        None if rows.target is None else rows.target[at],
    )
