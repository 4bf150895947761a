"""Rows of CSV text, a block at a time: a file of any length is read in bounded memory."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from itertools import chain
from typing import Any, BinaryIO

import numpy as np

from toolkit.errors import InvalidInput
from toolkit.runtime import fields
from toolkit.runtime.inputs import listed
from toolkit.runtime.rows.block import LETTERS, ROWS, Block, wanted
from toolkit.runtime.schema import Input

# Of a table that is read whole: a row takes some 150 bytes of memory beside its fields, so that a
# file of blank lines would take 180 times its size: beyond FREE_ROWS a row needs so many bytes.
WIDEST, LONGEST_LINE, FREE_ROWS, BYTES_A_ROW = 100_000, 1 << 24, 1_000_000, 8

Row = tuple[int, list[str]]  # the line on which it begins, and its fields


def read(stream: BinaryIO, origin: str, inputs: Sequence[Input]) -> Iterator[Block]:
    """Yield the rows of CSV text in UTF-8 as blocks of what the inputs take.

    The first line names the columns where it holds no number, or the names of the model's columns;
    a model that takes text, or its columns one by one, needs that line. Named columns are taken by
    their names, further ones are passed over. An empty field is a missing value, and so is one that
    pandas takes for that (NA, null, …) where the column is of numbers. Raises InvalidInput where
    the text is empty, ragged or damaged, or does not fit the model, with the line and the column.
    """
    rows = _rows(stream, origin)
    first = next(rows, None)
    if first is None:
        raise InvalidInput(f"{origin}: is empty; give at least one row")
    names = wanted(inputs)
    header = _header(first[1], inputs, names, origin)
    given = rows if header is not None else chain([first], rows)
    at_all = False
    for part in _parts(given):
        at_all = True
        yield _block(part, inputs, names, header, origin)
    if not at_all:
        raise InvalidInput(f"{origin}: has a header and no rows; give at least one row")


def read_csv(content: bytes, origin: str) -> list[list[str]]:
    """Return the rows of a CSV file as lists of fields, all of one length.

    The last line may be blank; any other blank line is a row with one empty field. Raises
    InvalidInput where the file is empty, not UTF-8, ragged, or larger than is read: rows of more
    than WIDEST fields, lines of more than LONGEST_LINE letters, more than FREE_ROWS rows of less
    than BYTES_A_ROW bytes on average.
    """
    most, rows = FREE_ROWS + len(content) // BYTES_A_ROW, []
    for _, texts in _rows(io.BytesIO(content), origin):
        rows.append(texts)
        if len(rows) > most:
            raise InvalidInput(
                f"{origin}: has more than {most} rows of less than {BYTES_A_ROW} bytes; remove its "
                "blank lines, or give rows as .npz"
            )
    if not rows:
        raise InvalidInput(f"{origin}: is empty; give at least one row")
    return rows


def _rows(stream: BinaryIO, origin: str) -> Iterator[Row]:
    """Yield the rows, all of one length; none where every line is blank."""
    text = io.TextIOWrapper(stream, encoding="utf-8-sig", errors="strict", newline="")
    begin, width = 1, 0
    blanks = range(1, 1)  # lines that are rows of one empty field if anything else comes after them
    try:
        reader = csv.reader(_lines(text, origin), strict=True)
        for texts in reader:
            row, begin = (begin, texts or [""]), reader.line_num + 1
            if len(texts) > WIDEST:
                raise InvalidInput(
                    f"{origin}: line {row[0]} has {len(texts)} fields, up to {WIDEST} are read; "
                    "give rows as .npz"
                )
            if not width and row[1] == [""]:
                blanks = range(blanks.start, row[0] + 1)
                continue
            width = width or (1 if blanks else len(row[1]))
            for line in blanks:
                yield _checked((line, [""]), width, origin)
            blanks = range(row[0], row[0] + 1) if not texts else range(0)
            if texts:
                yield _checked(row, width, origin)
    except UnicodeDecodeError as error:
        raise InvalidInput(
            f"{origin}: is not UTF-8 text ({error.reason}); save it as UTF-8"
        ) from None
    except csv.Error as error:
        raise InvalidInput(
            f"{origin}: line {begin} is not well-formed CSV ({error}); mend its quotes"
        ) from None
    finally:
        with suppress(ValueError):  # that it is closed, which is for whoever opened it
            text.detach()


def _lines(text: io.TextIOWrapper, origin: str) -> Iterator[str]:
    number = 0
    while line := text.readline(LONGEST_LINE + 1):
        number += 1
        if len(line) > LONGEST_LINE:
            raise InvalidInput(
                f"{origin}: line {number} has more than {LONGEST_LINE} letters; give rows as .npz"
            )
        yield line


def _checked(row: Row, width: int, origin: str) -> Row:
    line, texts = row
    if len(texts) != width:
        has = "is blank" if texts == [""] else f"has {len(texts)} fields"
        raise InvalidInput(
            f"{origin}: line {line} {has}, the first has {width}; every row needs as many"
        )
    return row


def _parts(rows: Iterable[Row]) -> Iterator[list[Row]]:
    """Yield the rows in lists of ROWS at most, and of LETTERS in their fields."""
    part: list[Row] = []
    letters = 0
    for row in rows:
        part.append(row)
        letters += sum(map(len, row[1]))
        if len(part) == ROWS or letters > LETTERS:
            yield part
            part, letters = [], 0
    if part:
        yield part


def _block(
    rows: list[Row],
    inputs: Sequence[Input],
    names: tuple[str, ...] | None,
    header: list[str] | None,
    origin: str,
) -> Block:
    lines = [line for line, _ in rows]
    if header is None or names is None:
        found: Any = _parse(rows, inputs[0], range(len(rows[0][1])), header, origin)
        return Block(found, origin, "line", lines)
    at = [header.index(name) for name in names]
    if len(inputs) == 1:
        found = {inputs[0].name: _parse(rows, inputs[0], at, header, origin)}
    else:
        pairs = zip(inputs, at, strict=True)
        found = {i.name: _parse(rows, i, [k], header, origin) for i, k in pairs}
    return Block(found, origin, "line", lines)


def _header(
    line: list[str], inputs: Sequence[Input], wanted: tuple[str, ...] | None, origin: str
) -> list[str] | None:
    """Return the first line if it is a header, None where it is a row of numbers."""
    known = set(wanted or ())
    if len(inputs) == 1 and inputs[0].dtype != "string" and not (known and known <= set(line)):
        texts = [f for f in line if not (fields.is_missing(f) or fields.is_number(f))]
        if not texts:
            return None
        if any(fields.is_number(field) for field in line) and not known & set(line):
            raise InvalidInput(
                f"{origin}: line 1 has {texts[0]!r} among numbers, so it is neither a header nor a "
                "row; mend it"
            )
    line = [name or f"Unnamed: {place}" for place, name in enumerate(line)]  # as pandas has it
    for name in wanted or ():
        if line.count(name) != 1:
            what = "names twice" if name in line else "lacks"
            raise InvalidInput(
                f"{origin}: its first line {what} the column {name!r}; the model takes "
                f"{listed(wanted or ())}"
            )
    return line


def _parse(
    rows: list[Row],
    spec: Input,
    at: Sequence[int],
    header: list[str] | None,
    origin: str,
) -> np.ndarray:
    """Return the fields at these positions as an array [N, len(at)] of what the input takes."""
    convert = fields.converter(spec)
    out = np.empty((len(rows), len(at)), dtype=fields.parsed_dtype(spec))
    for r, (line, texts) in enumerate(rows):
        for c, k in enumerate(at):
            try:
                out[r, c] = convert(texts[k])
            except (ValueError, OverflowError):
                field = repr(texts[k]) if texts[k].strip() else "an empty field"
                column = header[k] if header else k + 1
                raise InvalidInput(
                    f"{origin}: line {line}, column {column} has {field}; the model takes "
                    f"{fields.described(spec)}; mend it or leave the row out"
                ) from None
    return out
