"""Which of a model's two forms to write: the one for single rows, or the one for large batches.

Some formulations trade one for the other: rows put in order before a forest find its nodes in the
processor's cache, and the nodes that order them cost a single row. Converters ask which is
wanted (`Conversion.tune`); where their answers differ, both graphs are timed on the calibration
rows.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import numpy as np

from toolkit.benchmarking.timing import (
    BATCHES,
    FEW_TURNS,
    Call,
    Rows,
    jittered,
    ratio,
    turns_by_batch,
)

LATENCY, THROUGHPUT, AUTO = "latency", "throughput", "auto"
TUNES = (AUTO, LATENCY, THROUGHPUT)
SKLEARN = "scikit-learn"

# (what the throughput form may cost at any batch size, what it must gain at the largest): ratios of
# its time. A small gain must cost next to nothing, a large one may cost some microseconds a call.
TRADES = ((1.10, 0.90), (1.20, 0.75), (1.30, 0.65))
# The same where scikit-learn itself is faster than the latency form at the largest batch.
RIVALLED = (1.50, 0.90)


@dataclass(frozen=True)
class Tuning:
    """What was asked for, what was chosen and why.

    ratios: the time of the throughput form by that of the latency form, by batch size; empty where
    nothing was timed.
    """

    requested: str
    chosen: str
    reason: str
    ratios: dict[str, float] = field(default_factory=dict)

    def summary(self) -> dict[str, Any]:
        """Return the choice as the manifest keeps it."""
        return asdict(self)


def measured(latency: bytes, throughput: bytes, rows: Rows, estimator: Call) -> Tuning:
    """Time both forms on the rows, by turns and with one thread, and choose.

    The throughput form is chosen by one of the TRADES: what it costs at the worst batch size
    against what it gains at the largest, 20,000 rows (see `timing.jittered`). Where none of them
    holds it is still chosen as RIVALLED says. estimator: scikit-learn's own answers to rows.
    """
    forms: dict[str, bytes | Call] = {LATENCY: latency, THROUGHPUT: throughput}
    times = turns_by_batch(forms, jittered(rows, max(BATCHES)))
    ratios = {batch: ratio(turns, THROUGHPUT, LATENCY) for batch, turns in times.items()}
    tuning = _decided(ratios)
    if tuning.chosen == THROUGHPUT or not _pays(ratios, RIVALLED):
        return tuning
    largest = max(ratios)
    # Not moved: an estimator need not take rows other than those that were given.
    again = {name: values[np.arange(largest) % len(values)] for name, values in rows.items()}
    subjects: dict[str, bytes | Call] = {LATENCY: latency, SKLEARN: estimator}
    turns = turns_by_batch(subjects, again, [largest], FEW_TURNS)[largest]
    return _rivalled(tuning, ratio(turns, SKLEARN, LATENCY))


def _decided(ratios: Mapping[int, float]) -> Tuning:
    """Return the choice by the ratios, whose keys are batch sizes."""
    dearest, largest = _dearest(ratios), max(ratios)
    fair = any(_pays(ratios, trade) for trade in TRADES)
    words = _said(ratios, largest)
    if dearest != largest:
        words += f" and {_said(ratios, dearest, short=True)}"
    reason = f"the throughput form takes {words}: {'worth it' if fair else 'not worth it'}"
    chosen = THROUGHPUT if fair else LATENCY
    return Tuning(AUTO, chosen, reason, {str(b): round(r, 3) for b, r in ratios.items()})


def _rivalled(tuning: Tuning, sklearn: float) -> Tuning:
    """Return the choice when scikit-learn takes so much of the latency form's time."""
    if sklearn >= 1.0:
        return tuning
    reason = f"{tuning.reason}, but scikit-learn takes {sklearn:.2f} of the latency form's time"
    return replace(tuning, chosen=THROUGHPUT, reason=reason)


def _pays(ratios: Mapping[int, float], trade: tuple[float, float]) -> bool:
    return ratios[_dearest(ratios)] <= trade[0] and ratios[max(ratios)] <= trade[1]


def _dearest(ratios: Mapping[int, float]) -> int:
    return max(ratios, key=lambda batch: ratios[batch])


def _said(ratios: Mapping[int, float], batch: int, short: bool = False) -> str:
    rows = f"{batch:,} {'row' if batch == 1 else 'rows'}"
    time = "" if short else " of the latency form's time"
    return f"{ratios[batch]:.2f}{time} for {rows}"
