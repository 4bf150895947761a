"""The table on the screen."""

from __future__ import annotations

import functools
import io
import os
import shutil
import sys

from toolkit.bundle import OK
from toolkit.errors import ToolkitError, install
from toolkit.report import answer, opening, tables
from toolkit.report.figures import printable
from toolkit.runner import Report, Row

LOG_WIDTH = 160  # where there is no terminal: a log must not lose columns
GAP = 2  # characters between two columns
UNLIMITED = 100_000  # `_fit` keeps to the width, and rich must not cut anything off
COLOURS = {"ok": "green", "failed": "bold red", "not-applicable": "yellow"}


def render_table(
    report: Report,
    width: int | None = None,
    colour: bool | None = None,
    every: bool = False,
) -> str:
    """Return the answer, the variants as a table, what is to be said of each, and the gates.

    width: in characters; the terminal's, or 160 where standard output is none. Columns that do not
    fit go into a further table, so nothing is cut off. colour: on a terminal, unless NO_COLOR is
    set. every: methods that gave no file, too; else they are counted in a line. Raises
    ToolkitError where rich is missing.
    """
    try:
        from rich.console import Console
        from rich.text import Text
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
    say = functools.partial(console.print, soft_wrap=True)  # the terminal folds long lines
    title = f"{report.model}: {report.task}, {report.rows:,} rows"
    say(Text(printable(title), style="bold"))
    for name, text in answer.lines(report):
        style = "bold green" if name == "recommended" else ""
        say(Text(f"{name:>11}  {printable(text)}", style=style))
    alarm = "bold red" if opening.unproved(report) else ""
    for said, style in (
        (opening.proof_line(report), alarm),
        (opening.proof_details(report), alarm),
        (opening.scores_line(report), ""),
    ):
        if said:
            say(Text(printable(said), style=style))
    table, rows = tables.variants(report, every), tables.shown(report, every)
    for columns in _fit(table, width):
        console.print(_rich_table(rows, table, columns))
    for row in rows:
        line = Text("  ").append(printable(row.method), style=COLOURS.get(row.status, ""))
        say(line.append(f": {printable(tables.standing(row))}"))
    if not every and (others := tables.folded(report)):
        names = ", ".join(row.method for row in others)
        number = "1 method" if len(others) == 1 else f"{len(others)} methods"
        say(Text(printable(f"  {number} gave no file: {names}; --all says why")))
    say(Text(tables.outcome(report), style="green" if report.passed else "bold red"))
    return "\n".join(line.rstrip() for line in out.getvalue().splitlines()) + "\n"


def _fit(table: tables.Table, width: int) -> list[list[int]]:
    """Return the columns of one table after the other, each with the method in front."""
    from rich.cells import cell_len

    sizes = [
        max(cell_len(text) for text in (header, *(row[k] for row in table.rows))) + GAP
        for k, header in enumerate(table.headers)
    ]
    parts, used = [[0]], sizes[0]
    for k in range(1, len(sizes)):
        if used + sizes[k] > width and len(parts[-1]) > 1:
            parts.append([0])
            used = sizes[0]
        parts[-1].append(k)
        used += sizes[k]
    return parts


def _rich_table(rows: list[Row], table: tables.Table, columns: list[int]) -> object:
    from rich.box import SIMPLE_HEAD
    from rich.table import Table
    from rich.text import Text

    rich_table = Table(box=SIMPLE_HEAD, padding=(0, GAP - 1, 0, 0), pad_edge=False, show_edge=False)
    for k in columns:
        rich_table.add_column(
            Text(table.headers[k]),
            justify="right" if table.numeric[k] else "left",
            no_wrap=True,
        )
    for row, cells in zip(rows, table.rows, strict=True):
        style = COLOURS.get(row.status, "") if row.status != OK else ""
        rich_table.add_row(*(Text(printable(cells[k]), style=style) for k in columns))
    return rich_table
