"""A graph from elsewhere against its estimator, judged by limits of one's own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from toolkit import limits
from toolkit.exporter.proof.evidence import HELD_OUT
from toolkit.exporter.prove_external import Matched
from toolkit.limits import Limit
from toolkit.runner.accuracy import difference


@dataclass(frozen=True)
class Judged:
    """What a quantized graph loses on the held-out rows, and which limits that breaks.

    rows: how many there were; figures: as report.json's `difference`, and `bytes`.
    """

    rows: int
    figures: dict[str, float | None]
    broken: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """Return plain data."""
        return {"rows": self.rows, "figures": self.figures, "broken": list(self.broken)}


def judge(found: Matched, size: int, budget: Sequence[Limit]) -> Judged:
    """Hold a graph of `size` bytes to limits on the held-out rows.

    Adversarial rows are the proof's: what is quantized may not be right at a threshold.
    """
    evidence = found.evidence
    expected = evidence.expected[HELD_OUT]
    apart = difference(expected, found.run(evidence.sets[HELD_OUT]), evidence.scales)
    figures = apart | {"agreement": apart["label_agreement"], "bytes": float(size)}
    broken = tuple(limits.broken(budget, figures))
    return Judged(len(next(iter(expected.values()))), figures, broken)
