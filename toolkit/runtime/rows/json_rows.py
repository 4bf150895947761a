"""Rows of JSON: a document of records or columns, or a record a line."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, BinaryIO

from toolkit.errors import InvalidInput, first_line
from toolkit.runtime.files import read_stream
from toolkit.runtime.inputs import listed
from toolkit.runtime.rows.block import LETTERS, ROWS, Block, wanted
from toolkit.runtime.rows.csv_rows import LONGEST_LINE
from toolkit.runtime.schema import Input


def read_document(stream: BinaryIO, origin: str, inputs: Sequence[Input]) -> Iterator[Block]:
    """Yield the rows of a JSON document, read whole.

    It is a list of records (objects by column) or of lists (rows in the model's order), one record,
    or an object of columns (or of the model's inputs, `{"X": [[…]]}`). null is a missing value.
    Raises InvalidInput where it is none of these, or does not fit the model, with the row and the
    column.
    """
    content = stream.read() if stream.seekable() else read_stream(stream, origin)
    document = _parsed(content, origin)
    if isinstance(document, Mapping) and any(isinstance(v, list) for v in document.values()):
        yield Block(document, origin, "row", ())
        return
    rows = [document] if isinstance(document, Mapping) else document
    if not isinstance(rows, list):
        raise InvalidInput(
            f"{origin}: is {_kind(rows)}; give a list of records, or one, as {_example(inputs)}"
        )
    if not rows:
        raise InvalidInput(f"{origin}: is an empty list; give at least one row")
    for at in range(0, len(rows), ROWS):
        part = rows[at : at + ROWS]
        yield _block(part, origin, "row", range(at + 1, at + 1 + len(part)), inputs)


def read_lines(stream: BinaryIO, origin: str, inputs: Sequence[Input]) -> Iterator[Block]:
    """Yield the rows of JSON lines: a record, or a list of values, on each; blank lines pass."""
    rows: list[Any] = []
    lines: list[int] = []
    letters, at_all = 0, False
    for number, line in _numbered(stream, origin):
        rows.append(_parsed(line, f"{origin}: line {number}"))
        lines.append(number)
        letters += len(line)
        at_all = True
        if len(rows) == ROWS or letters > LETTERS:
            yield _block(rows, origin, "line", lines, inputs)
            rows, lines, letters = [], [], 0
    if rows:
        yield _block(rows, origin, "line", lines, inputs)
    if not at_all:
        raise InvalidInput(f"{origin}: is empty; give at least one row")


def _numbered(stream: BinaryIO, origin: str) -> Iterator[tuple[int, bytes]]:
    number = 0
    while line := stream.readline(LONGEST_LINE + 1):
        number += 1
        if len(line) > LONGEST_LINE:
            raise InvalidInput(
                f"{origin}: line {number} has more than {LONGEST_LINE} bytes; give a record a line"
            )
        if line.strip():
            yield number, line


def _parsed(content: bytes, origin: str) -> Any:
    try:
        return json.loads(content.decode("utf-8-sig"), object_pairs_hook=_once)
    except UnicodeDecodeError as error:
        raise InvalidInput(
            f"{origin}: is not UTF-8 text ({error.reason}); save it as UTF-8"
        ) from None
    except _NamedTwiceError as error:
        raise InvalidInput(f"{origin}: names {error} twice in one record; mend it") from None
    except (ValueError, RecursionError) as error:
        raise InvalidInput(f"{origin}: is not JSON ({first_line(error)}); mend it") from None


class _NamedTwiceError(Exception):
    """A record names a column twice: json would take the last."""


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    record = dict(pairs)
    if len(record) < len(pairs):
        names = [name for name, _ in pairs]
        raise _NamedTwiceError(repr(next(n for n in names if names.count(n) > 1)))
    return record


def _block(
    rows: list[Any], origin: str, unit: str, places: Sequence[int], inputs: Sequence[Input]
) -> Block:
    """Return rows of one form, records by the names that the model takes."""
    records, names = isinstance(rows[0], Mapping), wanted(inputs)
    for row, place in zip(rows, places, strict=True):
        if isinstance(row, Mapping) != records or not isinstance(row, Mapping | list):
            raise InvalidInput(
                f"{origin}: {unit} {place} is {_kind(row)}; every row is a record, as "
                f"{_example(inputs)}, or every row a list"
            )
        lacking = next((n for n in names or () if records and n not in row), None)
        if lacking is not None:
            raise InvalidInput(
                f"{origin}: {unit} {place} lacks the column {lacking!r}; the model takes "
                f"{listed(names or ())}; null is a missing value"
            )
        if isinstance(row, Mapping):
            _check_values(row, f"{origin}: {unit} {place}")
    if records and names:
        rows = [{name: row[name] for name in names} for row in rows]
    return Block(rows, origin, unit, places)


def _check_values(record: Mapping[str, Any], origin: str) -> None:
    for name, value in record.items():
        if isinstance(value, list | dict):
            raise InvalidInput(
                f"{origin}, column {name} is {_kind(value)}; a record holds single values"
            )


def _example(inputs: Sequence[Input]) -> str:
    names = wanted(inputs) or ("a", "b")
    more = ", …" if len(names) > 2 else ""
    return "{" + ", ".join(f"{json.dumps(n)}: …" for n in names[:2]) + more + "}"


def _kind(value: Any) -> str:
    if isinstance(value, Mapping):
        return "a record"
    return "a list" if isinstance(value, list) else f"{json.dumps(value)!s:.40}"
