"""A row's figures in plain words."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

from toolkit.bundle import FAILED, FLOAT
from toolkit.precision import TOLERANCE
from toolkit.runner.dominance import FASTER, SLOWER
from toolkit.runner.records import REFERENCE, Row, Times

# A word or two for the table, and the sentence that it stands for.
Phrase = tuple[str, str]
NOTHING: Phrase = ("", "")


def judged(row: Row, base: Times | None, batch: float = 0.0, notes: str = "") -> Row:
    """Return a measured row with its verdict.

    base: model.onnx's times by batch size, taken by turns with this row's, None without. batch: how
    far a row moves with its batch, in its columns' own scale. notes: what the quantizer found out
    about the file. Of a row that another one dominates, neither size nor speed is a merit.
    """
    merits = (_dominance,) if row.dominated_by else (_size, _speed)
    said = [phrase(row, base, batch) for phrase in PHRASES if phrase in (*merits, *FAULTS)]
    return _with(row, [(FAILED if row.status == FAILED else "", ""), *said, ("", notes)])


def against(row: Row, reference: str) -> Row:
    """Return the row with another reference than scikit-learn named in its words."""
    return replace(row, verdict=row.verdict.replace(REFERENCE, reference))


def unmeasured(row: Row, verdict: str) -> Row:
    """Return the row of a variant that was not kept or does not run with its verdict.

    verdict: the quantizer's, in a word, "" where it has none but the status.
    """
    word = verdict or row.status.replace("-", " ")
    said = row.reason if row.reason.startswith(word) else f"{word}: {row.reason}"
    return _with(row, [(word, said)])


def _with(row: Row, said: list[Phrase]) -> Row:
    words, sentences = zip(*said, strict=True)
    return replace(
        row, verdict="; ".join(filter(None, sentences)), summary=", ".join(filter(None, words))
    )


def _dominance(row: Row, base: Times | None, _: float) -> Phrase:
    word = f"dominated by {row.dominated_by}"
    return word, f"{word}, which is no larger, no further off and no slower"


def _size(row: Row, base: Times | None, _: float) -> Phrase:
    if row.size_ratio is None or row.method == FLOAT:
        return NOTHING
    whole = "" if row.method != REFERENCE else " than the float export"
    if row.size_ratio > 1:
        return "smaller", f"{as_times(row.size_ratio)} smaller{whole}"
    if row.size_ratio < 1:
        return "larger", f"{as_times(1 / row.size_ratio)} larger{whole}"
    return "same size", "the same size"


def as_times(ratio: float) -> str:
    """Return a ratio of one or more in words that people read: 1.04x, 5.2x, 33x, 1,200x."""
    places = 2 if ratio < 1.1 else 1 if ratio < 9.95 else 0
    return f"{ratio:,.{places}f}x"


def _accuracy(row: Row, base: Times | None, _: float) -> Phrase:
    difference = row.difference or {}
    relative, nmse = difference.get("max_rel"), difference.get("nmse")
    if row.method == REFERENCE or relative is None or nmse is None:
        return NOTHING
    if relative <= TOLERANCE:
        return "", "same numbers as scikit-learn"
    if not math.isfinite(nmse):
        return "wrong", "numbers without relation to scikit-learn's"
    return "", f"typical error {100 * math.sqrt(nmse):.2g} % of the outputs' spread"


def _labels(row: Row, base: Times | None, _: float) -> Phrase:
    same = (row.difference or {}).get("label_agreement")
    if same is None or row.method == REFERENCE or same == 1:
        return NOTHING
    return "", f"{100 * (1 - same):.2g} % of the labels differ"


def _batch(row: Row, base: Times | None, batch: float) -> Phrase:
    moved = row.batch_consistency
    if moved is None or batch <= TOLERANCE:
        return NOTHING
    return "batch-dependent", f"batch-dependent: a row moves by {moved:.2g}"


def _speed(row: Row, base: Times | None, _: float) -> Phrase:
    if base is None or row.method == FLOAT or not row.latency_us:
        return NOTHING
    share = row.latency_us["1"]["p50"] / base["1"]["p50"]
    if FASTER <= share <= SLOWER:
        return NOTHING
    word = "slower" if share > 1 else "faster"
    pace = f"{as_times(share)} the time" if share > 1 else f"{as_times(1 / share)} the speed"
    return word, f"{word}: {pace} of float32 at batch 1"


Phraser = Callable[[Row, Times | None, float], Phrase]
FAULTS: tuple[Phraser, ...] = (_accuracy, _labels, _batch)
PHRASES: tuple[Phraser, ...] = (_dominance, _size, *FAULTS, _speed)
