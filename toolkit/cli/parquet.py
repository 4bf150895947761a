"""Parquet for `toolkit predict`: rows by record batches, answers as row groups (needs pyarrow)."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any

import numpy as np

from toolkit.errors import InvalidInput, first_line
from toolkit.runtime.rows.answers import Asked, chosen, columns
from toolkit.runtime.rows.block import ROWS, Block, wanted
from toolkit.runtime.rows.written import even
from toolkit.runtime.schema import Input

SUFFIX = ".parquet"


def read(path: str, inputs: Sequence[Input]) -> Iterator[Block]:
    """Yield the rows of a Parquet file as columns by name, ROWS at a time.

    A null is a missing value. Raises InvalidInput where the file is missing, is no Parquet file, or
    lacks a column of the model.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(path) as file:
            names = file.schema_arrow.names
            for name in wanted(inputs) or ():
                if names.count(name) != 1:
                    what = "has twice" if name in names else "lacks"
                    raise InvalidInput(f"{path}: {what} the column {name!r}; it has {names}")
            at = 1
            for batch in file.iter_batches(ROWS, columns=list(wanted(inputs) or names)):
                if not batch.num_rows:
                    continue
                rows = {n: _values(batch.column(k)) for k, n in enumerate(batch.schema.names)}
                yield Block(rows, path, "row", range(at, at + batch.num_rows))
                at += batch.num_rows
            if at == 1:
                raise InvalidInput(f"{path}: has no rows; give at least one")
    except FileNotFoundError:
        raise InvalidInput(f"{path}: no such file; check the path") from None
    except (pa.ArrowException, OSError) as error:
        raise InvalidInput(f"{path}: is no readable Parquet file ({first_line(error)})") from None


def _values(column: Any) -> np.ndarray:
    """Return a column's values; nulls are NaN among numbers, None among others."""
    import pyarrow as pa

    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    if pa.types.is_boolean(column.type) and column.null_count:
        column = column.cast(pa.float64())
    if pa.types.is_decimal(column.type):
        column = column.cast(pa.float64())
    return column.to_numpy(zero_copy_only=False)


class _Parquet:
    """A row group a block of answers."""

    def __init__(self, path: str, asked: Asked, classes: Sequence[Any] | None) -> None:
        self._path, self._asked, self._classes = path, asked, classes
        self._writer: Any = None

    def write(self, outputs: dict[str, np.ndarray]) -> None:
        import pyarrow as pa
        import pyarrow.parquet as pq

        found = even(chosen(self._asked, columns(outputs, self._classes), outputs))
        arrays = {n: a.astype(str) if a.dtype == object else a for n, a in found.items()}
        table = pa.table({n: pa.array(np.ascontiguousarray(a)) for n, a in arrays.items()})
        if self._writer is None:
            self._writer = pq.ParquetWriter(self._path, table.schema)
        self._writer.write_table(table)

    def close(self) -> None:
        if self._writer is not None:
            self._writer.close()


@contextmanager
def sink(target: str, asked: Asked, classes: Sequence[Any] | None = None) -> Iterator[_Parquet]:
    """Open what takes the outputs of blocks; the file is there when all of them are written.

    pyarrow writes to a scratch file, whose bytes are then put in the target's place at once.
    """
    from toolkit.runtime.listed import refuse_own
    from toolkit.runtime.writing import CHUNK, written_atomic

    refuse_own(target)
    handle, scratch = tempfile.mkstemp(suffix=SUFFIX)
    os.close(handle)
    try:
        one = _Parquet(scratch, asked, classes)
        yield one
        one.close()
        with written_atomic(target) as write, open(scratch, "rb") as stream:
            while block := stream.read(CHUNK):
                write(block)
    finally:
        with suppress(OSError):
            os.unlink(scratch)


def available() -> bool:
    """Tell whether pyarrow is installed."""
    from importlib.util import find_spec

    return find_spec("pyarrow") is not None
