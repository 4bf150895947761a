"""A row's figures in plain words."""

from __future__ import annotations

import math
from collections.abc import Callable

from toolkit.bundle import FLOAT
from toolkit.runner.records import REFERENCE, Row

ALIKE = 1e-4  # a relative deviation that float32 arithmetic explains
FASTER, SLOWER = 0.8, 1.25  # between the two a difference of time is noise


def in_words(row: Row, base: Row | None, noise: float) -> str:
    """Return what the figures of an ok row mean, against model.onnx's row `base` (None without).

    noise: the batch effect that float32 arithmetic alone may have (see `accuracy.noise`).
    """
    said = [phrase(row, base, noise) for phrase in PHRASES]
    return "; ".join(filter(None, said))


def _size(row: Row, base: Row | None, _: float) -> str:
    if row.size_ratio is None or row.method == FLOAT:
        return ""
    whole = "" if row.method != REFERENCE else " than the float export"
    if row.size_ratio > 1:
        return f"{_times(row.size_ratio)} smaller{whole}"
    return f"{_times(1 / row.size_ratio)} larger{whole}" if row.size_ratio < 1 else "the same size"


def _times(ratio: float) -> str:
    return f"{ratio:.1f}x" if ratio >= 1.1 else f"{ratio:.2f}x"


def _accuracy(row: Row, base: Row | None, _: float) -> str:
    found = row.difference or {}
    relative, nmse = found.get("max_rel"), found.get("nmse")
    if row.method == REFERENCE or relative is None or nmse is None:
        return ""
    if relative <= ALIKE:
        return "same numbers as scikit-learn"
    if not math.isfinite(nmse):
        return "numbers without relation to scikit-learn's"
    return f"typical error {100 * math.sqrt(nmse):.2g} % of the outputs' spread"


def _labels(row: Row, base: Row | None, _: float) -> str:
    same = (row.difference or {}).get("label_agreement")
    if same is None or row.method == REFERENCE or same == 1:
        return ""
    return f"{100 * (1 - same):.2g} % of the labels differ"


def _batch(row: Row, base: Row | None, noise: float) -> str:
    moved = row.batch_consistency
    return "" if moved is None or moved <= noise else f"batch-dependent: a row moves by {moved:.2g}"


def _speed(row: Row, base: Row | None, _: float) -> str:
    if base is None or row.method == FLOAT or not row.latency_us or not base.latency_us:
        return ""
    share = row.latency_us["1"]["p50"] / base.latency_us["1"]["p50"]
    if FASTER <= share <= SLOWER:
        return ""
    return f"{'slower' if share > 1 else 'faster'}: {share:.2g}x the time of float32 at batch 1"


PHRASES: tuple[Callable[[Row, Row | None, float], str], ...] = (
    _size,
    _accuracy,
    _labels,
    _batch,
    _speed,
)
