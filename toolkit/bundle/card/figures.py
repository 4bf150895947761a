"""The figures of a card: the proof's, and where the bundle was measured the report's."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

from toolkit.bundle.card.escapes import code, markdown, table
from toolkit.bundle.card.facts import Facts

DASH = "–"
# The score of a task by its key in a row's metrics; of other tasks there is none.
SCORES = {"regressor": ("r2", "R²"), "classifier": ("accuracy", "accuracy")}

Row = Mapping[str, Any]


def section(facts: Facts) -> Iterator[str]:
    """Yield the paragraphs and the table of the figures."""
    yield _proof(facts)
    all_rows = facts.manifest.get("all_rows") or {}
    if all_rows:
        said = ", ".join(f"{markdown(str(k))} {_number(v)}" for k, v in all_rows.items())
        yield f"The same kind of model, fitted on and asked for all rows of the data: {said}."
    if facts.report is None:
        yield _files(facts)
        yield (
            "Nothing more was measured since these files were made: `toolkit bench .` writes the "
            "figures here and into `report.md`."
        )
        return
    yield _scores(facts, facts.report)
    yield _measured(facts, facts.report)
    yield from _answer(facts.recommended)
    yield _where(facts.report)


def _proof(facts: Facts) -> str:
    """Return what was compared in the proof, and which rows are held out."""
    proof, rows = facts.proof, facts.manifest.get("rows") or {}
    text = f"The proof compared {proof.rows()}" if proof.comparisons else "The proof compared none"
    text += f" with scikit-learn on {proof.references()}." if proof.comparisons else "."
    note = str(rows.get("note") or "")
    return f"{text} Rows: {markdown(note)}." if note else text


def _files(facts: Facts) -> str:
    rows = [
        [code(name), f"{entry['bytes']:,}", markdown(str(entry.get("method"))), _requires(entry)]
        for name, entry in facts.files.items()
    ]
    return table(["file", "bytes", "method", "onnxruntime"], rows, numeric=(1,))


def _scores(facts: Facts, report: Mapping[str, Any]) -> str:
    scored = report.get("scores") or {}
    note = markdown(str(scored.get("note") or "the rows are not described"))
    return f"Measured on {report.get('rows', 0):,} rows ({note}):"


def _measured(facts: Facts, report: Mapping[str, Any]) -> str:
    """Return a line a file: its size, score, distance from scikit-learn, time, what it requires."""
    key, title = SCORES.get(facts.manifest["task"], ("", ""))
    named = [row for row in report["variants"] if row.get("file") in facts.files]
    reference = [row for row in report["variants"] if row.get("file") is None][:1]
    labels = any((r.get("difference") or {}).get("label_agreement") is not None for r in named)
    headers = ["file", "bytes", *([title] if key else []), "largest difference"]
    headers += [*(["same label"] if labels else []), "µs a row", "onnxruntime", "in words"]
    rows = []
    for row in (*reference, *named):
        difference, times = row.get("difference") or {}, row.get("latency_us") or {}
        file = row.get("file")
        rows.append(
            [
                code(file) if file else markdown(str(row["method"])),
                DASH if row.get("bytes") is None else f"{row['bytes']:,}",
                *([_number((row.get("metrics") or {}).get(key))] if key else []),
                _number(difference.get("max_abs"), 3),
                *([_share(difference.get("label_agreement"))] if labels else []),
                _number((times.get("1") or {}).get("p50"), 3),
                _requires(facts.files[file]) if file else DASH,
                markdown(str(row.get("verdict") or row.get("reason") or "")),
            ]
        )
    numeric = tuple(range(1, len(headers) - 1))
    return table(headers, rows, numeric)


def _answer(recommended: Mapping[str, Any]) -> Iterator[str]:
    """Yield what the bench recommends, and why."""
    file = recommended.get("file")
    if not file:
        return
    said = [
        f"loses: {recommended['loses']}" if recommended.get("loses") else "",
        f"gains: {recommended['gains']}" if recommended.get("gains") else "",
        *(str(reason) for reason in recommended.get("reasons") or ()),
    ]
    yield f"Recommended: {code(str(file))} ({markdown('; '.join(filter(None, said)))})."


def _where(report: Mapping[str, Any]) -> str:
    environment = report.get("environment") or {}
    libraries = environment.get("libraries") or {}
    facts = [
        f"{environment.get('machine', '')} with {environment.get('cpu_count', '?')} cores",
        *(f"{name} {libraries[name]}" for name in ("onnxruntime", "numpy") if name in libraries),
    ]
    return (
        "The difference is that from scikit-learn in float64, the time the median of a call with "
        f"one row on one thread, measured on {markdown(', '.join(facts))}. All figures are in "
        "`report.md`."
    )


def _requires(entry: Row) -> str:
    needed = (entry.get("requires") or {}).get("onnxruntime")
    return f"{markdown(str(needed))} or newer" if needed else DASH


def _number(value: Any, digits: int = 4) -> str:
    """Return a figure with so many significant digits."""
    if not isinstance(value, int | float) or isinstance(value, bool):
        return DASH
    if isinstance(value, int):
        return f"{value:,}"
    return f"{value:,.{digits}g}".replace("-", "−") if math.isfinite(value) else DASH


def _share(value: Any) -> str:
    """Return a share as a percentage that says 100 only where it is all."""
    if not isinstance(value, int | float):
        return DASH
    text = f"{100 * value:.2f}"
    return ("> 99.99" if value < 1 and text == "100.00" else text.removesuffix(".00")) + " %"
