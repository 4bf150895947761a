"""The report's tables as rows of text, once for all the formats that show them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from toolkit.bundle import FAILED, FLOAT
from toolkit.report.columns import of
from toolkit.report.figures import (
    DASH,
    cell,
    count,
    number,
    percent,
    signed,
    signed_count,
)
from toolkit.runner import PROOF, REFERENCE, Report, Row


@dataclass(frozen=True)
class Table:
    """Headers, rows of text, and which columns are numbers (set to the right)."""

    headers: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    numeric: tuple[bool, ...]

    def only(self, places: Sequence[int]) -> Table:
        """Return the table with these columns alone."""
        rows = tuple(tuple(row[k] for k in places) for row in self.rows)
        return Table(
            tuple(self.headers[k] for k in places), rows, tuple(self.numeric[k] for k in places)
        )


def shown(report: Report, every: bool = False) -> list[Row]:
    """Return the rows that tables show: the estimator, model.onnx, and what was kept, best first.

    The recommended file comes first of those that were kept, then the others by size, then what
    failed. every: what does not apply as well, at the end.
    """
    chosen = report.recommended.method if report.recommended else None

    def place(row: Row) -> tuple[int, bool, int]:
        if row.method in (REFERENCE, FLOAT):
            return (row.method == FLOAT, False, 0)
        return (
            2 + (row.status == FAILED) + 2 * (row.file is None),
            row.method != chosen,
            row.bytes or 0,
        )

    rows = [r for r in report.variants if every or r.file or r.method in (REFERENCE, FLOAT)]
    return sorted(rows, key=place)


def folded(report: Report) -> list[Row]:
    """Return the rows of methods that gave no file."""
    there = shown(report)
    return [r for r in report.variants if r not in there]


def variants(report: Report, every: bool = False) -> Table:
    """Return the main table: a line a variant that there is, or a line each (see `shown`)."""
    columns = of(report)
    return Table(
        tuple(c.header for c in columns),
        tuple(tuple(c.text(row) for c in columns) for row in shown(report, every)),
        tuple(c.numeric for c in columns),
    )


def remark(row: Row) -> str:
    """Return what is to be said of a row: its verdict, and after a failed gate which it was."""
    said = row.verdict or row.reason or "measured"
    return said if row.reason in said else f"{row.reason} ({said})"


def standing(row: Row) -> str:
    """Return the remark, with the word in front of it where a row that was measured failed."""
    said = remark(row)
    return said if row.status != FAILED or said.startswith(FAILED) else f"{FAILED}: {said}"


_Text = Callable[[Any], str]
_COMPARED: tuple[tuple[str, Callable[[Row], float | None], _Text, _Text], ...] = (
    ("R²", lambda r: (r.metrics or {}).get("r2"), number, signed),
    ("MSE", lambda r: (r.metrics or {}).get("mse"), number, signed),
    ("MAE", lambda r: (r.metrics or {}).get("mae"), number, signed),
    ("accuracy", lambda r: (r.metrics or {}).get("accuracy"), number, signed),
    ("log-loss", lambda r: (r.metrics or {}).get("log_loss"), number, signed),
    ("max error", lambda r: (r.difference or {}).get("max_abs"), number, signed),
    ("mean error", lambda r: (r.difference or {}).get("mean_abs"), number, signed),
    ("file size", lambda r: r.bytes, count, signed_count),
)


def comparisons(report: Report) -> list[tuple[str, Table]]:
    """Return (method, Base / Quantized / Difference table) for each measured variant.

    Base is model.onnx; errors are against scikit-learn. No tables where it was not measured.
    """
    base = next((r for r in report.variants if r.method == FLOAT and r.difference), None)
    if base is None:
        return []
    others = [r for r in report.variants if r.method not in (REFERENCE, FLOAT) and r.difference]
    return [(row.method, _comparison(base, row)) for row in others]


def _comparison(base: Row, row: Row) -> Table:
    lines = []
    for name, read, text, difference in _COMPARED:
        before, after = read(base), read(row)
        if before is None or after is None:
            continue
        lines.append((name, text(before), text(after), difference(after - before)))
    return Table(("", "Base", "Quantized", "Difference"), tuple(lines), (False, True, True, True))


def samples(report: Report) -> Table:
    """Return the sample predictions of one file: true, Base, Quantized, Difference.

    Base is model.onnx, Quantized the recommended file (else the smallest that there is), and the
    difference is between these. Without another file: scikit-learn's, model.onnx's, theirs.
    """
    kept = [r.method for r in shown(report) if r.file and r.method not in (REFERENCE, FLOAT)]
    method = next((m for m in kept if all(m in s for s in report.samples)), None)
    base, other = (FLOAT, method) if method else ("reference", FLOAT)
    names = ("Base", f"Quantized: {method}") if method else (report.reference, "model.onnx")
    rows = tuple(
        (cell(s["true"]), cell(s[base]), cell(s[other]), _apart(s[other], s[base]))
        for s in report.samples
        if base in s and other in s
    )
    return Table(("true", *names, "Difference"), rows, (True,) * 4)


def all_samples(report: Report) -> Table:
    """Return what every method predicts for the sample rows: a line a method, a column a row."""
    methods = [m for m in (report.samples[0] if report.samples else {}) if m not in _FIXED]
    lines = [("true", "true"), (REFERENCE, "reference"), *((m, m) for m in methods)]
    rows = tuple((name, *(cell(s[key]) for s in report.samples)) for name, key in lines)
    headers = ("", *(f"row {k}" for k in range(1, len(report.samples) + 1)))
    return Table(headers, rows, (False,) + (True,) * len(report.samples))


_FIXED = ("true", "reference")


def _apart(predicted: Any, true: Any) -> str:
    if predicted is None or true is None:
        return DASH
    if isinstance(predicted, float):
        return signed(predicted - float(true))
    return "same" if str(predicted) == str(true) else "differs"


def outcome(report: Report) -> str:
    """Return in a few words whether the bench passed; a proof that failed comes first."""
    failed = [g for g in report.gates if not g["passed"]]
    if any(g["metric"] == PROOF for g in failed):
        others = f", and {len(failed) - 1} of {len(report.gates) - 1} other gates"
        return f"the proof failed{others if len(failed) > 1 else ''}"
    if failed:
        return f"{len(failed)} of {len(report.gates)} gates failed"
    return "every gate passed" if report.passed else "a variant failed"


def gates(report: Report) -> Table:
    """Return the gates with the figures that were held against them."""
    rows = tuple(
        (g["method"], g["expression"], number(g["value"]), "passed" if g["passed"] else "FAILED")
        for g in report.gates
    )
    return Table(("method", "gate", "measured", "outcome"), rows, (False, False, True, False))


_FRONT: tuple[tuple[str, str, Callable[[Any], str]], ...] = (
    ("bytes", "bytes", count),
    ("NMSE", "nmse", lambda v: number(v, 3)),
    ("R² drop", "r2_drop", lambda v: number(v, 3)),
    ("agreement", "agreement", percent),
    ("max error", "max_abs", lambda v: number(v, 3)),
)


def front(report: Report) -> Table | None:
    """Return what a budget could choose from, a line a point; None where there was no budget."""
    points = (report.budget or {}).get("points", [])
    if not points:
        return None
    shown = [c for c in _FRONT if any(p.get(c[1]) is not None for p in points)]
    chosen = (report.budget or {}).get("chosen")
    rows = tuple(
        (
            *(text(p.get(key)) for _, key, text in shown),
            "chosen" if k == chosen else "kept" if p["keeps"] else DASH,
            _formats(p["formats"]),
        )
        for k, p in enumerate(points)
    )
    headers = (*(header for header, _, _ in shown), "budget", "formats")
    return Table(headers, rows, (*(True for _ in shown), False, False))


def front_note(report: Report) -> str:
    """Return in words what the front was measured on."""
    budget = report.budget or {}
    rows = budget["rows"]
    return (
        f"{budget['budget']}: formats fitted to {rows['fitting']:,} calibration rows, measured on "
        f"{rows['choosing']:,} others; kept where the budget holds with its margin for chance"
    )


def _formats(formats: dict[str, str]) -> str:
    by_format: dict[str, list[str]] = {}
    for name, text in formats.items():
        by_format.setdefault(text, []).append(name)
    return "; ".join(f"{text}: {', '.join(names)}" for text, names in by_format.items())


def facts(values: dict[str, Any]) -> list[tuple[str, str]]:
    """Return nested plain data as (name, text) pairs; inner names follow their parent's."""
    pairs: list[tuple[str, str]] = []
    for key, value in values.items():
        if isinstance(value, dict):
            pairs += [(f"{key} {name}", text) for name, text in facts(value)]
        else:
            pairs.append((str(key), cell(value)))
    return pairs
