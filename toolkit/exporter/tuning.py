"""Which of a model's two forms to write: the one for single rows, or the one for large batches.

Some formulations trade one for the other: a forest cut into parts stays in the processor's cache
over many rows, and costs more nodes for one. Converters ask the graph which is wanted
(`Graph.tune`); where their answers differ, both graphs are timed on the calibration rows.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from toolkit.timing import Rows, ratio, turns_by_batch

LATENCY, THROUGHPUT, AUTO = "latency", "throughput", "auto"
TUNES = (AUTO, LATENCY, THROUGHPUT)

# Limits far enough from 1 that noise decides nothing: twice the forms' noise on a busy machine.
COST = 1.10  # at most this, at every batch size …
GAIN = 0.90  # … and at most this at the largest


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


def measured(latency: bytes, throughput: bytes, rows: Rows) -> Tuning:
    """Time both forms on the rows, by turns and with one thread, and choose.

    The throughput form is chosen where it costs at most a tenth at every batch size and gains at
    least a tenth at the largest, which is 20,000 or as many rows as there are: a gain that is in
    doubt is none.
    """
    found = turns_by_batch({LATENCY: latency, THROUGHPUT: throughput}, rows)
    ratios = {batch: ratio(turns, THROUGHPUT, LATENCY) for batch, turns in found.items()}
    return _decided(ratios)


def _decided(ratios: Mapping[int, float]) -> Tuning:
    """Return the choice by the ratios, whose keys are batch sizes."""
    dearest = max(ratios, key=lambda batch: ratios[batch])
    largest = max(ratios)
    if ratios[dearest] > COST:
        chosen, reason = LATENCY, _said(ratios, dearest, f"over {COST:.2f}")
    elif ratios[largest] > GAIN:
        chosen, reason = LATENCY, _said(ratios, largest, f"over {GAIN:.2f}")
    else:
        chosen, reason = THROUGHPUT, _said(ratios, largest, f"and at most {COST:.2f} at any other")
    return Tuning(AUTO, chosen, reason, {str(b): round(r, 3) for b, r in ratios.items()})


def _said(ratios: Mapping[int, float], batch: int, limit: str) -> str:
    return (
        f"the throughput form takes {ratios[batch]:.2f} of the latency form's time for {batch} "
        f"{'row' if batch == 1 else 'rows'}, {limit}"
    )
