"""Medians and their spread, as the benchmarks keep and show them."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median


def of(values: Sequence[float], digits: int) -> dict[str, float]:
    """Return the median of the runs, the least and the most, rounded to so many decimals."""
    found = {"median": median(values), "min": min(values), "max": max(values)}
    return {name: round(value, digits) for name, value in found.items()}


def spelled(found: dict[str, float]) -> tuple[str, str]:
    """Return the cells of a median and of its least and most, the last empty where all is one."""
    least, most = found["min"], found["max"]
    return f"{found['median']:,}", "" if least == most else f"{least:,}–{most:,}"
