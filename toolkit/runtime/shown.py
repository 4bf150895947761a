"""How an opened model is shown: in a line, and as a table in a notebook."""

from __future__ import annotations

import html
from collections.abc import Iterable, Sequence

from toolkit.runtime.schema import Input

LISTED = 12  # columns of an input that a table names


def one_line(origin: str, task: str | None, inputs: Sequence[Input], outputs: Sequence[str]) -> str:
    """Return what a model takes and gives, in a line; arguments as a Predictor has them."""
    takes = ", ".join(f"{i.name} [N, {i.width or '?'}] {i.dtype}" for i in inputs[:3])
    takes += f" and {len(inputs) - 3} more" if len(inputs) > 3 else ""
    return f"<Predictor {origin}: {task or 'graph'}, {takes} -> {', '.join(outputs)}>"


def as_notebook(
    origin: str, task: str | None, inputs: Sequence[Input], outputs: Sequence[str]
) -> str:
    """Return HTML with a line an input: its name, shape, type, missing values and columns."""
    rows = []
    for i in inputs:
        names = list(i.columns or ())
        more = f" and {len(names) - LISTED} more" if len(names) > LISTED else ""
        shape = f"[N, {i.width or '?'}]"
        rows.append((i.name, shape, i.dtype, i.non_finite, ", ".join(names[:LISTED]) + more))
    headers = ("input", "shape", "type", "takes", "columns")
    title, line = f"{origin}: {task or 'graph'}", f"gives {', '.join(outputs)}"
    return page(title, line, table(headers, rows))


def page(title: str, line: str, content: str) -> str:
    """Return HTML with a title and a line above the content; both are escaped, it is not."""
    return f"<div><strong>{_text(title)}</strong><p>{_text(line)}</p>{content}</div>"


def table(headers: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Return an HTML table; every text in it is escaped."""
    head = "".join(f"<th>{_text(h)}</th>" for h in headers)
    body = "".join("<tr>" + "".join(f"<td>{_text(c)}</td>" for c in row) + "</tr>" for row in rows)
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _text(value: object) -> str:
    return html.escape("".join(c if c.isprintable() else "�" for c in str(value)))
