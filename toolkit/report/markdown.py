"""report.md: the report for a repository's page."""

from __future__ import annotations

from toolkit.bundle.card.escapes import markdown as escape
from toolkit.report import answer, columns, opening, tables, timings
from toolkit.runner import Report


def as_markdown(report: Report) -> str:
    """Return GitHub-flavoured Markdown with every table of the report."""
    outcome = tables.outcome(report) if report.passed else f"**{tables.outcome(report)}**"
    parts = [
        f"# {escape(report.model)}",
        f"{escape(report.task)}, {report.rows:,} rows, {outcome}.",
        "\n".join(f"- {name}: {escape(text)}" for name, text in answer.lines(report)),
        *_opening(report),
        "## Variants",
        _table(tables.variants(report)),
        "\n".join(
            f"- **{escape(r.method)}**: {escape(tables.standing(r))}" for r in tables.shown(report)
        ),
        "; ".join(f"{escape(name)}: {escape(text)}" for name, text in columns.LEGEND.items()) + ".",
    ]
    parts += ["## Calls and starts", escape(timings.conditions(report))]
    parts += [_table(timings.calls(report)), _table(timings.starts(report))]
    front = tables.front(report)
    if front:
        parts += ["## Budget", f"{escape(tables.front_note(report))}.", _table(front)]
    if report.all_rows:
        parts += ["## All rows", _pairs(tables.facts(report.all_rows))]
    compared = tables.comparisons(report)
    if compared:
        parts.append("## Base, quantized, difference")
    for method, table in compared:
        parts += [f"### {escape(method)}", _table(table)]
    if report.samples:
        parts += ["## Sample predictions", _table(tables.samples(report))]
        parts.append(_table(tables.all_samples(report)))
    parts += ["## Gates", _table(tables.gates(report))]
    parts += ["## Measured on", _pairs(tables.facts(report.environment))]
    others = [(r.method, tables.standing(r)) for r in tables.folded(report)]
    parts += ["## Methods that gave no file", _pairs(others)] if others else []
    return "\n\n".join(filter(None, parts)) + "\n"


def _opening(report: Report) -> list[str]:
    proof = escape(opening.proof_line(report))
    table = opening.proof_table(report)
    return [
        *([f"**{proof}**" if opening.unproved(report) else proof] if proof else []),
        *filter(None, [escape(opening.proof_details(report))]),
        *filter(None, [escape(opening.proof_kinds(report))]),
        *([_table(table)] if table else []),
        *filter(None, [escape(opening.scores_line(report))]),
    ]


def _table(table: tables.Table) -> str:
    rule = ["---:" if numeric else "---" for numeric in table.numeric]
    lines = [[escape(h) for h in table.headers], rule]
    lines += [[escape(text) for text in row] for row in table.rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def _pairs(pairs: list[tuple[str, str]]) -> str:
    return "\n".join(f"- {escape(name)}: {escape(text)}" for name, text in pairs)
