"""A report in a notebook: the answer and a table as HTML, and every figure as a data frame."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from toolkit.bundle import OK
from toolkit.errors import ToolkitError, install
from toolkit.runner.records import Recommendation, Row
from toolkit.runner.verdict import as_times
from toolkit.runtime.shown import page, table

DASH = "–"
HEADERS = ("method", "file", "bytes", "smaller", "max |Δ|", "p50 µs", "in words")


def as_notebook(
    model: str, line: str, answer: Recommendation | None, variants: Sequence[Row]
) -> str:
    """Return HTML with the file to ship and a line a file that there is; line: a title's second."""
    if answer is not None and answer.file:
        line += f": loses {answer.loses}; {answer.gains}"
    rows = [_cells(r) for r in variants if r.file or r.status == OK]
    return page(model, line, table(HEADERS, rows))


def _cells(row: Row) -> tuple[str, ...]:
    ratio, apart = row.size_ratio, (row.difference or {}).get("max_abs")
    times = row.latency_us
    return (
        row.method,
        row.file or DASH,
        DASH if row.bytes is None else f"{row.bytes:,}",
        as_times(ratio) if ratio and ratio >= 1 else DASH,
        DASH if apart is None else f"{apart:.3g}",
        f"{times['1']['p50']:.3g}" if times else DASH,
        row.summary or row.verdict,
    )


def as_frame(variants: Sequence[Row]) -> Any:
    """Return a pandas data frame with a line a variant, indexed by method; see `Report.to_pandas`.

    Raises ToolkitError where pandas is missing.
    """
    try:
        import pandas as pd
    except ImportError:
        raise ToolkitError(
            f"to_pandas needs pandas, which is not installed; {install('export')}"
        ) from None
    records = [_record(row) for row in variants]
    return pd.DataFrame.from_records(records, index="method")


def _record(row: Row) -> dict[str, Any]:
    record: dict[str, Any] = {
        name: getattr(row, name)
        for name in (
            *("method", "file", "status", "summary", "bytes", "bytes_compressed", "size_ratio"),
            *("batch_consistency", "cold_start_ms", "peak_rss_mb", "dominated_by"),
        )
    }
    record |= row.metrics or {}
    record |= row.difference or {}
    for batch, figures in (row.latency_us or {}).items():
        record |= {f"{key}_us_{batch}": figures[key] for key in ("p50", "p90", "p99")}
        record[f"rows_per_s_{batch}"] = figures["throughput"]
    return record
