"""report.html: the report as one page that needs nothing but itself."""

from __future__ import annotations

import html

from toolkit.report import answer, columns, opening, plots, tables, timings
from toolkit.report.figures import printable
from toolkit.report.style import CSS
from toolkit.runner import Report, Row


def as_html(report: Report) -> str:
    """Return the page: no script, no reference to anything outside it, all text escaped.

    Raises ToolkitError where matplotlib is missing.
    """
    sections = [
        _section("Proof", _proof(report)),
        _section("Variants", _variants(report)),
        _section("Size, error and speed", _plots(report)),
        _section("Sample predictions", _samples(report)),
        _section("Base, quantized, difference", _comparisons(report)),
        _section("Budget", _budget(report)),
        _section("Gates", _gates(report)),
        _section("Calls and starts", _times(report)),
        _section("All rows", _pairs(tables.facts(report.all_rows or {}))),
        _section("Measured on", _pairs(tables.facts(report.environment))),
        _section("Methods that gave no file", _remarks(tables.folded(report))),
    ]
    title = f"{report.model}: bench"
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="color-scheme" content="light dark">\n'
        f"<title>{_text(title)}</title>\n<style>{CSS}</style>\n</head>\n<body>\n<main>\n"
        f"{_header(report)}\n{''.join(sections)}</main>\n</body>\n</html>\n"
    )


def _text(value: str) -> str:
    return html.escape(printable(value), quote=True)


def _header(report: Report) -> str:
    kind = "ok" if report.passed else "failed"
    scores = opening.scores_line(report)
    return (
        f"<header><h1>{_text(report.model)}</h1>"
        f'<p><span class="badge {kind}">{_text(tables.outcome(report))}</span> '
        f"{_text(report.task)}, measured on {report.rows:,} rows</p>{_answer(report)}"
        f"{_alarm(report)}{f'<p>{_text(scores)}</p>' if scores else ''}</header>"
    )


def _answer(report: Report) -> str:
    pairs = "".join(
        f"<div><dt>{_text(name)}</dt><dd>{_text(text)}</dd></div>"
        for name, text in answer.lines(report)
    )
    return f'<dl class="answer">{pairs}</dl>' if pairs else ""


def _alarm(report: Report) -> str:
    """Return a red box where the proof failed."""
    if not opening.unproved(report):
        return ""
    return (
        f'<div class="alarm" role="alert"><p><strong>{_text(opening.proof_line(report))}</strong>'
        f"</p><p>{_text(opening.proof_details(report))}</p></div>"
    )


def _proof(report: Report) -> str:
    """Return what was proved: in words, by the kinds of rows, and a line a comparison."""
    table = opening.proof_table(report)
    said = [opening.proof_line(report), opening.proof_kinds(report)]
    lines = "".join(f"<p>{_text(line)}</p>" for line in said if line)
    return lines + (_table(table, "the proof's comparisons") if table else "")


def _section(title: str, content: str) -> str:
    return f"<section>\n<h2>{_text(title)}</h2>\n{content}\n</section>\n" if content else ""


def _remarks(rows: list[Row]) -> str:
    remarks = "".join(
        f'<li><span class="badge {_text(row.status)}">{_text(row.status)}</span> '
        f"<strong>{_text(row.method)}</strong> {_file(row)}{_text(tables.remark(row))}</li>"
        for row in rows
    )
    return f'<ul class="remarks">{remarks}</ul>' if remarks else ""


def _file(row: Row) -> str:
    return f"<code>{_text(row.file)}</code> " if row.file else ""


def _variants(report: Report) -> str:
    legend = "".join(
        f"<div><dt>{_text(name)}</dt><dd>{_text(text)}</dd></div>"
        for name, text in columns.LEGEND.items()
    )
    table = tables.variants(report)
    # File and verdict stand in the list below: with them the table would be wider than a window.
    figures = table.only([k for k, numeric in enumerate(table.numeric) if numeric or k == 0])
    return f"{_table(figures, 'variants')}{_remarks(tables.shown(report))}" + _folded(
        "What the columns say", f'<dl class="pairs">{legend}</dl>'
    )


def _plots(report: Report) -> str:
    drawn = (
        (
            "Size against error",
            "down and to the left is better; a point's name and figures are on it",
            plots.size_against_error(report),
        ),
        (
            "Latency by batch size",
            "medians, one thread; lower is better; point at a line for its spread up to p99",
            plots.latency_by_batch(report),
        ),
    )
    figures = "".join(
        f"<figure><figcaption><strong>{_text(title)}</strong> {_text(hint)}</figcaption>"
        f"{svg}</figure>"
        for title, hint, svg in drawn
        if svg
    )
    keys = "".join(
        f'<li><span class="swatch" style="background:var(--s{k})"></span>{_text(method)}</li>'
        for method, k in plots.series(report).items()
    )
    return f'<ul class="keys">{keys}</ul><div class="plots">{figures}</div>' if figures else ""


def _samples(report: Report) -> str:
    """Return the first rows' predictions: of the recommended file, and folded those of all."""
    if not report.samples:
        return ""
    every = _table(tables.all_samples(report), "every method's predictions")
    shown = _table(tables.samples(report), "sample predictions")
    return shown + _folded("Every method's predictions", every)


def _gates(report: Report) -> str:
    """Return the gates: folded into their number where all of them passed."""
    table = _table(tables.gates(report), "gates")
    if not all(g["passed"] for g in report.gates):
        return table
    return _folded(f"{len(report.gates)} gates, all passed", table)


def _folded(summary: str, content: str) -> str:
    return f"<details><summary>{_text(summary)}</summary>{content}</details>"


def _times(report: Report) -> str:
    calls, starts = timings.calls(report), timings.starts(report)
    said = f"<p>{_text(timings.conditions(report))}</p>"
    return (
        f"{said}{_folded('Calls by batch size', _table(calls, 'calls'))}"
        f"{_folded('Starts', _table(starts, 'starts'))}"
    )


def _budget(report: Report) -> str:
    table, svg = tables.front(report), plots.budget_front(report)
    if table is None:
        return ""
    figure = (
        "<figure><figcaption><strong>What could be chosen</strong> "
        f"{_text(tables.front_note(report))}</figcaption>{svg}</figure>"
    )
    return f'<div class="plots">{figure if svg else ""}</div>{_table(table, "budget")}'


def _comparisons(report: Report) -> str:
    cards = "".join(
        f'<div class="card"><h3>{_text(method)}</h3>{_table(table, method)}</div>'
        for method, table in tables.comparisons(report)
    )
    return f'<div class="cards">{cards}</div>' if cards else ""


def _table(table: tables.Table, name: str) -> str:
    kinds = [' class="n"' if numeric else "" for numeric in table.numeric]
    head = "".join(
        f'<th scope="col"{kind}>{_text(h)}</th>'
        for h, kind in zip(table.headers, kinds, strict=True)
    )
    body = "".join(
        "<tr>"
        + "".join(f"<td{k}>{_text(c)}</td>" for c, k in zip(row, kinds, strict=True))
        + "</tr>"
        for row in table.rows
    )
    # The wrapper scrolls sideways on a phone; it can be reached with the keyboard.
    return (
        f'<div class="scroll" tabindex="0" role="group" aria-label="{_text(name)}">'
        f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>"
    )


def _pairs(pairs: list[tuple[str, str]]) -> str:
    inner = "".join(
        f"<div><dt>{_text(name)}</dt><dd>{_text(text)}</dd></div>" for name, text in pairs
    )
    return f'<dl class="pairs">{inner}</dl>' if inner else ""
