"""Rows from a CSV or npz file (or standard input), and predictions to CSV, npz or JSON."""

from __future__ import annotations

import csv
import io
import json
import sys
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from toolkit.errors import InvalidInput
from toolkit.runtime.files import read_bytes, write_atomic
from toolkit.runtime.schema import Input

STANDARD = "-"


def read_rows(source: str, inputs: Sequence[Input]) -> Any:
    """Return what `prepare` takes, from a `.csv` or `.npz` file, or CSV on standard input ("-").

    CSV: a first line that is not all numbers names the columns; an empty field is a missing value.
    npz: the array `X`, or one array for each input by its name. Raises InvalidInput where the file
    is empty, ragged, damaged or of another kind.
    """
    if source == STANDARD:
        return _from_csv(sys.stdin.buffer.read(), "standard input", inputs)
    path = Path(source)
    if path.suffix == ".npz":
        return _from_npz(path, inputs)
    if path.suffix == ".csv":
        return _from_csv(read_bytes(path), str(path), inputs)
    raise InvalidInput(
        f"{path}: rows are read from .csv or .npz, not from {path.suffix or 'this'!r}"
    )


def read_npz(content: bytes, origin: str) -> dict[str, np.ndarray]:
    """Return the arrays of an npz file, by name; never unpickles.

    Raises InvalidInput where it is damaged or holds pickled objects.
    """
    try:
        with np.load(io.BytesIO(content), allow_pickle=False) as archive:
            return {name: archive[name] for name in archive.files}
    except (
        ValueError,
        OSError,
        EOFError,
        KeyError,
        zipfile.BadZipFile,
        NotImplementedError,
    ) as error:
        raise InvalidInput(
            f"{origin}: is not a readable npz file of plain arrays ({error}); write it with numpy.savez"
        ) from None
    except Exception as error:  # zlib.error and struct errors of a damaged member
        raise InvalidInput(f"{origin}: is a damaged npz file ({error}); write it again") from None


def read_csv(content: bytes, origin: str) -> list[list[str]]:
    """Return the lines of a CSV file as lists of fields, all of one length; blank lines dropped.

    Raises InvalidInput where it is empty, not UTF-8 or ragged.
    """
    try:
        text = content.decode("utf-8-sig")
        lines = [line for line in csv.reader(io.StringIO(text, newline=""), strict=True) if line]
    except UnicodeDecodeError as error:
        raise InvalidInput(
            f"{origin}: is not UTF-8 text ({error.reason}); save it as UTF-8"
        ) from None
    except csv.Error as error:
        raise InvalidInput(f"{origin}: is not well-formed CSV ({error})") from None
    if not lines:
        raise InvalidInput(f"{origin}: is empty; give at least one row")
    for number, line in enumerate(lines, start=1):
        if len(line) != len(lines[0]):
            raise InvalidInput(
                f"{origin}: row {number} has {len(line)} fields, the first has {len(lines[0])}; "
                "every row needs as many"
            )
    return lines


def _from_npz(path: Path, inputs: Sequence[Input]) -> Any:
    arrays = read_npz(read_bytes(path), str(path))
    if all(i.name in arrays for i in inputs):
        return {i.name: arrays[i.name] for i in inputs}
    if "X" in arrays:
        return arrays["X"]
    raise InvalidInput(
        f"{path}: has the arrays {', '.join(arrays) or 'none'}; the model takes X or "
        f"{', '.join(i.name for i in inputs)}"
    )


def _from_csv(content: bytes, origin: str, inputs: Sequence[Input]) -> Any:
    lines = read_csv(content, origin)
    header = lines[0] if _is_header(lines[0], inputs) else None
    rows = lines[1:] if header else lines
    if not rows:
        raise InvalidInput(f"{origin}: has a header and no rows; give at least one row")
    if len(inputs) > 1:
        return _columns(header or [i.name for i in inputs], rows, inputs, origin)
    wanted = inputs[0].columns
    if header and wanted and set(wanted) <= set(header):
        rows = [[row[header.index(c)] for c in wanted] for row in rows]
        header = list(wanted)
    return _parse(rows, inputs[0], header, origin)


def _is_header(line: list[str], inputs: Sequence[Input]) -> bool:
    if len(inputs) > 1:
        return {i.name for i in inputs} <= set(line)
    return not all(_is_number(field) for field in line)


def _columns(
    names: list[str], rows: list[list[str]], inputs: Sequence[Input], origin: str
) -> Mapping[str, np.ndarray]:
    if len(names) != len(rows[0]):
        raise InvalidInput(
            f"{origin}: has {len(rows[0])} columns and no header with the model's columns: "
            f"{', '.join(i.name for i in inputs)}"
        )
    return {
        i.name: _parse([[row[names.index(i.name)]] for row in rows], i, [i.name], origin)
        for i in inputs
    }


def _parse(
    rows: list[list[str]], spec: Input, names: Sequence[str] | None, origin: str
) -> np.ndarray:
    if spec.dtype == "string":
        return np.array(rows, dtype=object)
    out = np.empty((len(rows), len(rows[0])))
    for r, row in enumerate(rows):
        for c, field in enumerate(row):
            if not _is_number(field):
                where = names[c] if names and c < len(names) else f"{c + 1}"
                raise InvalidInput(
                    f"{origin}: {field!r} in row {r + 1}, column {where} is no number; mend it or "
                    "leave the field empty for a missing value"
                )
            out[r, c] = float(field) if field.strip() else np.nan
    return out


def _is_number(field: str) -> bool:
    if not field.strip():
        return True
    try:
        float(field)
    except ValueError:
        return False
    return True


def render(outputs: Mapping[str, np.ndarray], kind: str) -> bytes:
    """Return predictions as bytes: `kind` is "csv", "json" or "npz"."""
    if kind == "npz":
        buffer = io.BytesIO()
        np.savez_compressed(buffer, **{n: _plain(a) for n, a in outputs.items()})  # type: ignore[arg-type]
        return buffer.getvalue()
    if kind == "json":
        return (json.dumps({n: a.tolist() for n, a in outputs.items()}) + "\n").encode()
    columns: dict[str, list] = {}
    for name, array in outputs.items():
        if array.ndim == 1 or array.shape[1] == 1:
            columns[name] = array.ravel().tolist()
        else:
            columns |= {f"{name}_{k}": array[:, k].tolist() for k in range(array.shape[1])}
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(zip(*columns.values(), strict=True))
    return text.getvalue().encode()


def write_output(content: bytes, target: str) -> None:
    """Write to a file (temporary name, then rename) or to standard output ("-")."""
    if target == STANDARD:
        sys.stdout.buffer.write(content)
        sys.stdout.buffer.flush()
    else:
        write_atomic(Path(target), content)


def _plain(array: np.ndarray) -> np.ndarray:
    return array.astype(str) if array.dtype == object else array
