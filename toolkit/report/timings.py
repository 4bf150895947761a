"""The report's tables of times: calls by batch size and starts, with their spread."""

from __future__ import annotations

from toolkit.report.figures import count, number, short
from toolkit.report.tables import Table
from toolkit.runner import Report


def conditions(report: Report) -> str:
    """Return in words how calls and starts were timed."""
    threads = report.environment.get("threads", 1)
    return (
        f"Calls in µs, {'one thread' if threads == 1 else f'{threads} threads'}, the variants by "
        "turns and each warmed up, every call with other rows as long as there are any. Starts: "
        "fresh processes, each from its start to the first prediction."
    )


def calls(report: Report) -> Table:
    """Return the times of calls by batch size, a line a variant and size."""
    rows = tuple(
        (
            row.method,
            batch,
            *(number(figures[key], 3) for key in ("p50", "p90", "p99")),
            short(figures["throughput"]),
            count(figures["calls"]),
            count(figures["rows_used"]),
        )
        for row in report.variants
        for batch, figures in (row.latency_us or {}).items()
    )
    headers = ("method", "rows a call", "p50", "p90", "p99", "rows/s", "calls", "different rows")
    return Table(headers, rows, (False,) + (True,) * 7)


def starts(report: Report) -> Table:
    """Return what fresh processes take to their first prediction, a line a variant."""
    rows = tuple(
        (
            row.method,
            *(count(ms) for ms in (row.cold_start_ms, *row.cold_start_range_ms)),
            count(row.peak_rss_mb),
        )
        for row in report.variants
        if row.cold_start_range_ms
    )
    headers = ("method", "median, ms", "fastest", "slowest", "peak memory, MB")
    return Table(headers, rows, (False,) + (True,) * 4)
