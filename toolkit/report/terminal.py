"""The table on the screen."""

from __future__ import annotations

import io
import os
import shutil
import sys
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from toolkit.bundle import OK
from toolkit.errors import ToolkitError, install
from toolkit.report import answer, columns, opening, tables
from toolkit.report.figures import printable
from toolkit.runner import Report, Row

if TYPE_CHECKING:
    from rich.text import Text

LOG_WIDTH = 160  # where there is no terminal: a log must not lose columns
GAP = 2  # characters between two columns
UNLIMITED = 100_000  # `_fit` keeps to the width, and rich must not cut anything off
COLOURS = {"ok": "green", "failed": "bold red", "not-applicable": "yellow"}


def render_table(
    report: Report,
    width: int | None = None,
    colour: bool | None = None,
    every: bool = False,
    legend: bool = False,
) -> str:
    """Return the answer, the variants as a table, what is to be said of each, and the gates.

    width: in characters; the terminal's, or 160 where standard output is none. A narrow one shows
    the columns that decide, and says how many there are elsewhere; no text is cut off. colour: on a
    terminal, unless NO_COLOR is set. every: methods that gave no file, too; else they are counted
    in a line. legend: what the columns say. Raises ToolkitError where rich is missing.
    """
    try:
        from rich.console import Console
    except ImportError:
        raise ToolkitError(
            f"the table needs rich, which is not installed; {install('report')}"
        ) from None
    terminal = sys.stdout.isatty()
    width = width or (shutil.get_terminal_size().columns if terminal else LOG_WIDTH)
    if colour is None:
        colour = terminal and not os.environ.get("NO_COLOR")
    out = io.StringIO()
    console = Console(
        file=out,
        width=UNLIMITED,
        force_terminal=colour,
        no_color=not colour,
        color_system="standard" if colour else None,
        legacy_windows=False,
    )
    for text in _opening(report):
        console.print(text, soft_wrap=True)  # the terminal folds long lines
    table, rows = tables.variants(report, every), tables.shown(report, every)
    places = _fit(table, [c.rank for c in columns.of(report)], width)
    console.print(_rich_table(rows, table.only(places)))
    for text in _remarks(report, rows, len(table.headers) - len(places), legend):
        console.print(text, soft_wrap=True)
    return "\n".join(line.rstrip() for line in out.getvalue().splitlines()) + "\n"


def _opening(report: Report) -> Iterator[Text]:
    """Yield the lines above the table: the answer, the proof, and what was scored on."""
    from rich.text import Text

    yield Text(printable(f"{report.model}: {report.task}, {report.rows:,} rows"), style="bold")
    for name, text in answer.lines(report):
        style = "bold green" if name == "recommended" else ""
        yield Text(f"{name:>11}  {printable(text)}", style=style)
    alarm = "bold red" if opening.unproved(report) else ""
    for said, style in (
        (opening.proof_line(report), alarm),
        (opening.proof_details(report), alarm),
        (opening.scores_line(report), ""),
    ):
        if said:
            yield Text(printable(said), style=style)


def _remarks(report: Report, rows: list[Row], hidden: int, legend: bool) -> Iterator[Text]:
    """Yield the lines below the table: on its columns, its rows, what is not in it, the gates."""
    from rich.text import Text

    if hidden:
        there = "1 more column" if hidden == 1 else f"{hidden} more columns"
        yield Text(f"  {there} in a wider window, and in report.md", style="dim")
    for name, text in columns.LEGEND.items() if legend else ():
        yield Text(f"  {name}: {text}", style="dim")
    for row in rows:
        line = Text("  ").append(printable(row.method), style=COLOURS.get(row.status, ""))
        yield line.append(f": {printable(tables.standing(row))}")
    others = [row.method for row in tables.folded(report) if row not in rows]
    if others:
        number = "1 method" if len(others) == 1 else f"{len(others)} methods"
        yield Text(printable(f"  {number} gave no file: {', '.join(others)}; --all says why"))
    yield Text(tables.outcome(report), style="green" if report.passed else "bold red")


def _fit(table: tables.Table, ranks: Sequence[int], width: int) -> list[int]:
    """Return the places of the columns that fit, those of the lowest ranks, from left to right."""
    from rich.cells import cell_len

    sizes = [
        max(cell_len(text) for text in (header, *(row[k] for row in table.rows))) + GAP
        for k, header in enumerate(table.headers)
    ]
    kept: list[int] = []
    left = width + GAP  # no gap behind the last
    for k in sorted(range(len(sizes)), key=ranks.__getitem__):
        if sizes[k] <= left or not kept:
            kept.append(k)
            left -= sizes[k]
    return sorted(kept)


def _rich_table(rows: list[Row], table: tables.Table) -> object:
    from rich.box import SIMPLE_HEAD
    from rich.table import Table
    from rich.text import Text

    rich_table = Table(box=SIMPLE_HEAD, padding=(0, GAP - 1, 0, 0), pad_edge=False, show_edge=False)
    for header, numeric in zip(table.headers, table.numeric, strict=True):
        rich_table.add_column(Text(header), justify="right" if numeric else "left", no_wrap=True)
    for row, cells in zip(rows, table.rows, strict=True):
        style = COLOURS.get(row.status, "") if row.status != OK else ""
        rich_table.add_row(*(Text(printable(cell), style=style) for cell in cells))
    return rich_table
