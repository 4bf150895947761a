"""Rows from a CSV or npz file (or standard input), and predictions to CSV, npz or JSON."""

from __future__ import annotations

import csv
import io
import os
import sys
import warnings
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from toolkit.errors import InvalidInput, first_line
from toolkit.runtime import fields
from toolkit.runtime.files import read_bytes, read_stream
from toolkit.runtime.inputs import listed
from toolkit.runtime.listed import refuse_own
from toolkit.runtime.schema import Input

STANDARD = "-"
BYTE_ORDER_MARK = b"\xef\xbb\xbf"  # Windows writes it before UTF-8 text
# Of a CSV file. A row takes some 150 bytes of memory beside its fields, so that a file of blank
# lines would take 180 times its size: beyond FREE_ROWS a row needs so many bytes on average.
WIDEST, LONGEST_LINE, FREE_ROWS, BYTES_A_ROW = 100_000, 1 << 24, 1_000_000, 8


def read_rows(source: str, inputs: Sequence[Input]) -> Any:
    """Return what `prepare` takes, from a `.csv` or `.npz` file, or CSV on standard input ("-").

    CSV: the first line names the columns where it holds no number, or the names of the model's
    columns; a model that takes text, or its columns one by one, needs that line. Named columns are
    taken by their names, further ones are passed over. An empty field is a missing value, and so is
    one that pandas takes for that (NA, null, …) where the column is of numbers.
    npz: the array `X`, or one array for each input by its name. Raises InvalidInput where the file
    is empty, ragged, damaged or of another kind, or does not fit the model.
    """
    if source == STANDARD:
        return _from_csv(read_stream(sys.stdin.buffer, "standard input"), "standard input", inputs)
    suffix = os.path.splitext(source)[1]
    if suffix == ".npz":
        return _from_npz(source, inputs)
    if suffix == ".csv":
        return _from_csv(read_bytes(source), source, inputs)
    raise InvalidInput(
        f"{source}: rows are read from .csv or .npz, not from {suffix or 'this'!r}; convert it"
    )


def read_npz(content: bytes, origin: str) -> dict[str, np.ndarray]:
    """Return the arrays of an npz file, by name; never unpickles.

    Raises InvalidInput where it is damaged, holds pickled objects, or would unpack to more than
    `toolkit.runtime.archive` allows.
    """
    from toolkit.runtime.archive import check_archive, check_arrays  # not for a CSV file

    check_archive(content, origin)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what numpy guesses of a damaged header
            with np.load(io.BytesIO(content), allow_pickle=False) as archive:
                check_arrays(archive.zip, origin)
                arrays = {name: archive[name] for name in archive.files}
    except InvalidInput:
        raise
    except Exception as error:  # besides zipfile's and numpy's own, zlib's and struct's errors
        raise InvalidInput(
            f"{origin}: is not a readable npz file of plain arrays ({first_line(error)}); write it "
            "again with numpy.savez"
        ) from None
    for name, array in arrays.items():
        if not isinstance(array, np.ndarray):  # numpy gives what is no array as bytes
            raise InvalidInput(
                f"{origin}: its member {name!r} is no array; write it again with numpy.savez"
            )
    return arrays


def read_csv(content: bytes, origin: str) -> list[list[str]]:
    """Return the rows of a CSV file as lists of fields, all of one length.

    The last line may be blank; any other blank line is a row with one empty field. Raises
    InvalidInput where the file is empty, not UTF-8, ragged, or larger than is read: rows of more
    than WIDEST fields, lines of more than LONGEST_LINE letters, more than FREE_ROWS rows of less
    than BYTES_A_ROW bytes on average.
    """
    return [texts for _, texts in _numbered(content, origin)]


def _numbered(content: bytes, origin: str) -> list[tuple[int, list[str]]]:
    """Return the rows as in `read_csv`, each with the number of the line on which it begins."""
    rows: list[tuple[int, list[str]]] = []
    blank = [""]  # one list for all of them
    begin, most = 1, FREE_ROWS + len(content) // BYTES_A_ROW
    try:
        text = content.removeprefix(BYTE_ORDER_MARK).decode("utf-8")
        reader = csv.reader(_lines(text, origin), strict=True)
        for texts in reader:
            rows.append((begin, texts or blank))
            begin = reader.line_num + 1
            if len(texts) > WIDEST or len(rows) > most:
                _refuse_size(rows, most, origin)
    except UnicodeDecodeError as error:
        raise InvalidInput(
            f"{origin}: is not UTF-8 text ({error.reason}); save it as UTF-8"
        ) from None
    except csv.Error as error:
        raise InvalidInput(
            f"{origin}: line {begin} is not well-formed CSV ({error}); mend its quotes"
        ) from None
    if rows and rows[-1][1] == [""] and _ends_blank(content):
        rows.pop()
    if all(texts == [""] for _, texts in rows):
        raise InvalidInput(f"{origin}: is empty; give at least one row")
    width = len(rows[0][1])
    for line, texts in rows:
        if len(texts) != width:
            raise InvalidInput(
                f"{origin}: line {line} {_counted(texts)}, the first has {width}; every row needs "
                "as many"
            )
    return rows


def _lines(text: str, origin: str) -> Iterator[str]:
    for number, line in enumerate(io.StringIO(text, newline=""), 1):
        if len(line) > LONGEST_LINE:
            raise InvalidInput(
                f"{origin}: line {number} has {len(line)} letters, up to {LONGEST_LINE} are read; "
                "give rows as .npz"
            )
        yield line


def _refuse_size(rows: list[tuple[int, list[str]]], most: int, origin: str) -> None:
    line, texts = rows[-1]
    if len(texts) > WIDEST:
        raise InvalidInput(
            f"{origin}: line {line} has {len(texts)} fields, up to {WIDEST} are read; give rows as "
            ".npz"
        )
    raise InvalidInput(
        f"{origin}: has more than {most} rows of less than {BYTES_A_ROW} bytes; remove its blank "
        "lines, or give rows as .npz"
    )


def _ends_blank(content: bytes) -> bool:
    # Not so where a quoted empty field stands on the last line: that is a missing value.
    return content.replace(b"\r\n", b"\n").endswith((b"\n\n", b"\r\r"))


def _counted(texts: list[str]) -> str:
    return "is blank" if texts == [""] else f"has {len(texts)} fields"


def _from_npz(path: str, inputs: Sequence[Input]) -> Any:
    arrays = read_npz(read_bytes(path), path)
    if all(i.name in arrays for i in inputs):
        return {i.name: arrays[i.name] for i in inputs}
    if "X" in arrays:
        return arrays["X"]
    raise InvalidInput(
        f"{path}: has the arrays {', '.join(arrays) or 'none'}; the model takes X or "
        f"{', '.join(i.name for i in inputs)}"
    )


def _from_csv(content: bytes, origin: str, inputs: Sequence[Input]) -> Any:
    rows = _numbered(content, origin)
    wanted = _wanted(inputs)
    header = _header(rows[0][1], inputs, wanted, origin)
    if header is not None:
        rows = rows[1:]
    if not rows:
        raise InvalidInput(f"{origin}: has a header and no rows; give at least one row")
    if header is None or wanted is None:
        return _parse(rows, inputs[0], range(len(rows[0][1])), header, origin)
    at = [header.index(name) for name in wanted]
    if len(inputs) == 1:
        return {inputs[0].name: _parse(rows, inputs[0], at, header, origin)}
    return {i.name: _parse(rows, i, [k], header, origin) for i, k in zip(inputs, at, strict=True)}


def _wanted(inputs: Sequence[Input]) -> tuple[str, ...] | None:
    """Return the names of the columns to take from a header, None where they are not known."""
    if len(inputs) > 1 or (inputs[0].dtype == "string" and inputs[0].columns is None):
        return tuple(i.name for i in inputs)
    return inputs[0].columns


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
    rows: list[tuple[int, list[str]]],
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


def render(outputs: Mapping[str, np.ndarray], kind: str) -> bytes:
    """Return predictions as bytes: `kind` is "csv", "json" or "npz"."""
    if kind == "npz":
        buffer = io.BytesIO()
        np.savez_compressed(buffer, **{n: _plain(a) for n, a in outputs.items()})  # type: ignore[arg-type]
        return buffer.getvalue()
    if kind == "json":
        import json

        return (json.dumps({n: a.tolist() for n, a in outputs.items()}) + "\n").encode()
    columns: dict[str, list] = {}
    for name, array in outputs.items():
        flat = array.reshape(len(array), -1) if array.ndim else array.reshape(1, 1)
        if array.ndim < 2 or array.shape[1:] == (1,):
            columns[name] = flat[:, 0].tolist()
        else:
            columns |= {f"{name}_{k}": flat[:, k].tolist() for k in range(flat.shape[1])}
    if len({len(values) for values in columns.values()}) > 1:
        raise InvalidInput(
            "the model's outputs differ in their number of rows; write .json or .npz"
        )
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(zip(*columns.values(), strict=True))
    return text.getvalue().encode()


def write_output(content: bytes, target: str) -> None:
    """Write to a file, as `write_atomic` does, or to standard output ("-").

    Raises InvalidInput where the file cannot be written, or is a model directory's own.
    """
    if target == STANDARD:
        sys.stdout.buffer.write(content)
        sys.stdout.buffer.flush()
        return
    from toolkit.runtime.writing import write_atomic  # few starts write a file

    refuse_own(target)
    write_atomic(target, content)


def _plain(array: np.ndarray) -> np.ndarray:
    return array.astype(str) if array.dtype == object else array
