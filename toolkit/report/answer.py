"""The answer that a report opens with: which file to ship, what it loses and gains, and why."""

from __future__ import annotations

from toolkit.report.figures import count
from toolkit.runner import Report

NONE = "no file of this model"


def lines(report: Report) -> list[tuple[str, str]]:
    """Return the answer as (name, text) pairs; none where the report has none."""
    answer = report.recommended
    if answer is None:
        return []
    why = "; ".join(answer.reasons)
    if answer.file is None:
        return [("recommended", NONE), ("why", why)]
    others = "; ".join(f"{r.file} {r.reason}" for r in answer.runners_up)
    pairs = [
        ("recommended", f"{answer.file}, {count(answer.bytes)} bytes"),
        ("loses", answer.loses),
        ("gains", answer.gains),
        ("why", f"{why} (for {answer.goal})"),
        ("others", others),
    ]
    return [(name, text) for name, text in pairs if text]
