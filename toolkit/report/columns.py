"""The columns of the table of variants: what each shows, and which a narrow screen keeps."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from toolkit.report.figures import DASH, count, number, percent, short, times
from toolkit.runner import Report, Row

LARGE = "1000"  # the batch size whose throughput the tables show

# What a reader asks of a figure that is not in its name.
LEGEND = {
    "smaller": "model.onnx's bytes / this file's bytes",
    "max|Δ|, mean|Δ|": "difference from the reference (scikit-learn), over all numeric outputs",
    "agreement": "rows with the reference's label",
    "batch Δ": "largest change of a row's output between running it alone and in the whole batch",
    "p50 µs, p99 µs": "a call with one row, one thread",
    "rows/s": f"throughput at batch {LARGE}",
    "start ms, peak MB": "fresh process to first prediction, median of three; its peak memory",
}


@dataclass(frozen=True)
class Column:
    """A header, what stands below it, and its rank: the higher, the sooner a screen drops it."""

    header: str
    text: Callable[[Row], str]
    rank: int
    numeric: bool = True


def of(report: Report) -> list[Column]:
    """Return the columns for a report, from left to right: unlike tasks have unlike scores."""
    labels = any((r.difference or {}).get("label_agreement") is not None for r in report.variants)
    agreement = Column(
        "agreement", lambda row: percent((row.difference or {}).get("label_agreement")), 4
    )
    return [
        Column("method", lambda row: row.method, 0, numeric=False),
        Column("file", lambda row: row.file or DASH, 12, numeric=False),
        Column("verdict", lambda row: row.summary or DASH, 14, numeric=False),
        Column("bytes", lambda row: count(row.bytes), 1),
        Column("smaller", lambda row: times(row.size_ratio, "larger"), 2),
        *_SCORES.get(report.task, ()),
        _difference("max|Δ|", "max_abs", 6),
        _difference("mean|Δ|", "mean_abs", 8),
        *([agreement] if labels else []),
        Column("batch Δ", lambda row: number(row.batch_consistency, 2), 11),
        _latency("p50 µs", "1", "p50", lambda v: number(v, 3), 5),
        _latency("p99 µs", "1", "p99", lambda v: number(v, 3), 9),
        _latency("rows/s", LARGE, "throughput", short, 7),
        Column("start ms", lambda row: count(row.cold_start_ms), 10),
        Column("peak MB", lambda row: count(row.peak_rss_mb), 11),
    ]


def _score(header: str, key: str, rank: int) -> Column:
    return Column(header, lambda row: number((row.metrics or {}).get(key)), rank)


def _difference(header: str, key: str, rank: int) -> Column:
    return Column(header, lambda row: number((row.difference or {}).get(key), 3), rank)


def _latency(header: str, batch: str, key: str, text: Callable[[float], str], rank: int) -> Column:
    def shown(row: Row) -> str:
        return text(row.latency_us[batch][key]) if row.latency_us else DASH

    return Column(header, shown, rank)


_SCORES = {
    "regressor": (_score("R²", "r2", 3), _score("MSE", "mse", 13)),
    "classifier": (_score("accuracy", "accuracy", 3), _score("log-loss", "log_loss", 13)),
}
