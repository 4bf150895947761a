"""The flow of a budget: measure each format alone, choose all together, write, measure again."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import onnx

from toolkit.bundle import BUDGET, FAILED, MODEL, NOT_APPLICABLE, OK, Bundle, Rows, Variant
from toolkit.errors import InvalidInput
from toolkit.quantizer.budget.allocation import Allocation
from toolkit.quantizer.budget.allocation import front as best_allocations
from toolkit.quantizer.budget.expression import Budget
from toolkit.quantizer.budget.figures import Figures, figures, rows_between, with_between
from toolkit.quantizer.budget.forests import Trees
from toolkit.quantizer.budget.parameters import Option, Parameter
from toolkit.quantizer.budget.record import document
from toolkit.quantizer.budget.search import nearest, search
from toolkit.quantizer.budget.sensitivity import sensitivities
from toolkit.quantizer.budget.tensors import Tensors
from toolkit.quantizer.calibration import Calibration
from toolkit.quantizer.checks.judge import replay_tolerance
from toolkit.quantizer.packs.packing import write_pack
from toolkit.quantizer.parameters import attribute_operator, replace_values
from toolkit.runtime.golden import Golden
from toolkit.runtime.predictor import Predictor, to_onnx

FILE = f"model.{BUDGET}.pack"
CHOOSING = 3  # every so many-th calibration row chooses, the others fit


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
    golden: Golden,
    say: Callable[[str], Any] = lambda _: None,
) -> Made:
    """Return the smallest pack that keeps the budget on rows that it was not fitted to.

    With a limit on bytes alone: the most accurate that fits. A third of the calibration rows is set
    apart to choose by; the evaluation rows are not looked at. budget: one that `check_applies` lets
    pass; golden: the bundle's golden rows; say: called with lines on how far this is. Raises
    InvalidInput where there are too few rows.
    """
    operator = attribute_operator(model)
    if operator:
        reason = f"the parameters are attributes of {operator}, which packs do not hold"
        return Made(Variant(BUDGET, NOT_APPLICABLE, reason=reason), None, None)
    fitting, choosing = _halves(calibration, str(bundle.path))
    tensors, trees = Tensors.of(model, fitting), Trees.of(model, fitting)
    measured: list[tuple[Parameter, list[tuple[int, float]]]] = []
    for kind in (tensors, trees):
        for parameter, costs in sensitivities(kind):
            measured.append((parameter, costs))
            count = tensors.count + trees.count
            say(f"budget: formats of {len(measured)} of {count} parameters measured …")
    parameters = [parameter for parameter, _ in measured]
    regressor, promised = bundle.task == "regressor", bundle.manifest["rows"]["held_out"]
    between = rows_between(choosing.inputs)
    expected = Predictor(model.SerializeToString(), str(bundle.model_path)).run(between)

    def pack(allocation: Allocation, draft: bool) -> bytes:
        chosen = {p.name: p.options[k] for p, k in zip(parameters, allocation.choice, strict=True)}
        return _pack(model, tensors, trees, chosen, draft)

    written: dict[tuple[int, ...], tuple[bytes, Figures]] = {}

    def write(allocation: Allocation) -> tuple[bytes, Figures]:
        if allocation.choice in written:
            return written[allocation.choice]
        content = pack(allocation, draft=True)
        predictor = Predictor(to_onnx(content, FILE), FILE)
        found = figures(choosing, predictor.run(choosing.inputs), regressor, promised)
        made = content, with_between(found, expected, predictor.run(between))
        written[allocation.choice] = made
        say(f"budget: {len(written)} candidates written, the last of {len(content)} bytes …")
        return made

    allocations = best_allocations([costs for _, costs in measured])
    best, made = search([*allocations, _exact(measured)], budget, write)
    if best is not None:
        whole = dataclasses.replace(best, content=pack(best.allocation, draft=False))
        made, best = [whole if p is best else p for p in made], whole
    rows = {"fitting": len(fitting.rows), "choosing": len(choosing)}
    front = document(budget, parameters, made, best, rows)
    if best is None:
        reason = f"no pack keeps {budget} on {len(choosing)} rows; {nearest(budget, made)}"
        return Made(Variant(BUDGET, FAILED, reason=reason), None, front)
    size, before = len(best.content), bundle.manifest["files"][MODEL]["bytes"]
    if size >= before:
        reason = f"larger: {size} bytes against {before} of model.onnx; not kept"
        return Made(Variant(BUDGET, NOT_APPLICABLE, reason=reason, bytes=size), None, front)
    replayed = replay_tolerance(Predictor(to_onnx(best.content, FILE), FILE), golden)
    variant = Variant(BUDGET, OK, FILE, bytes=size, tolerance=replayed)
    return Made(variant, best.content, front)


def _exact(measured: Sequence[tuple[Parameter, list[tuple[int, float]]]]) -> Allocation:
    """Return the allocation that leaves every parameter as it is.

    Another format may have lost nothing on the rows that it was measured on; this one loses nothing
    on any.
    """
    return Allocation(
        sum(costs[-1][0] for _, costs in measured),
        0.0,
        tuple(len(p.options) - 1 for p, _ in measured),
    )


def _halves(calibration: Calibration, origin: str) -> tuple[Calibration, Rows]:
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


def _pack(
    model: onnx.ModelProto,
    tensors: Tensors,
    trees: Trees,
    chosen: Mapping[str, Option],
    draft: bool,
) -> bytes:
    """Return the pack of the chosen formats, with everything refitted to all of them together."""
    codes, values = tensors.coded(chosen)
    changed = onnx.ModelProto()
    changed.CopyFrom(model)
    replace_values(changed, values)
    return write_pack(changed, codes, trees.coded(chosen), draft)
