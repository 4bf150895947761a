"""`budget.json`: the budget, the rows it was judged on, and the front of what can be had.

schema_version  1
budget          the expression
limits          metric -> limit
rows            fitting, choosing: how many calibration rows served for what
points          by ascending bytes, each more accurate than the one before (save the chosen one,
            which another figure than the NMSE may have chosen): bytes, nmse, r2_drop,
            agreement, max_abs (on the choosing rows, as measured; null where the model
            has no such figure), judged (the same figures with a margin for chance,
            which the budget is held against), keeps, predicted (the sum of the errors of
            the parameters coded one at a time), formats (parameter -> format)
chosen          the position of the kept file among the points, null where none is kept
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from typing import Any

from toolkit.quantizer.budget.expression import Budget
from toolkit.quantizer.budget.parameters import Parameter
from toolkit.quantizer.budget.search import Point, front

SCHEMA_VERSION = 1


def document(
    budget: Budget,
    parameters: Sequence[Parameter],
    tried: Sequence[Point],
    best: Point | None,
    rows: dict[str, int],
) -> bytes:
    """Return the file's bytes; tried: every point that was written; best: the kept one."""
    shown = front(tried)
    if best is not None and best not in shown:
        shown = sorted([*shown, best], key=lambda p: len(p.content))
    content = {
        "schema_version": SCHEMA_VERSION,
        "budget": str(budget),
        "limits": {limit.metric: limit.value for limit in budget.limits},
        "rows": rows,
        "points": [_point(p, budget, parameters) for p in shown],
        "chosen": None if best is None else shown.index(best),
    }
    return (json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False) + "\n").encode()


def _point(point: Point, budget: Budget, parameters: Sequence[Parameter]) -> dict[str, Any]:
    measured = {name: _finite(value) for name, value in point.figures.measured.items()}
    return {
        "bytes": len(point.content),
        **measured,
        "judged": {name: _finite(value) for name, value in point.figures.judged.items()},
        "predicted": _finite(point.allocation.error),
        "keeps": point.keeps(budget),
        "formats": {
            p.name: p.options[k].format
            for p, k in zip(parameters, point.allocation.choice, strict=True)
        },
    }


def _finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None
