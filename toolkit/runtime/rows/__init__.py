"""Rows from files and streams of several kinds, a block at a time; answers to them, as they come.

A kind is the name of its suffix: csv, json, jsonl and npz here; whoever has another library hands
in readers and writers of more (`toolkit.cli.parquet`).
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, BinaryIO

from toolkit.errors import InvalidInput
from toolkit.runtime.files import unreadable
from toolkit.runtime.rows.block import Block
from toolkit.runtime.schema import Input

STANDARD = "-"
KINDS = {".csv": "csv", ".json": "json", ".jsonl": "jsonl", ".ndjson": "jsonl", ".npz": "npz"}
TEXTS = ("csv", "json", "jsonl")  # what standard input may be

Reader = Callable[[str, Sequence[Input]], Iterator[Block]]


def blocks(
    source: str,
    inputs: Sequence[Input],
    kind: str | None = None,
    more: Mapping[str, Reader] | None = None,
) -> Iterator[Block]:
    """Yield the rows of a file, or of standard input ("-"), as a model takes them.

    kind: what is read, by default what the suffix says, and CSV of standard input. more: readers
    of other suffixes. Raises InvalidInput where the file is missing, empty or damaged, is of
    another kind, or does not fit the model.
    """
    suffix = os.path.splitext(source)[1].lower()
    if kind is None and more and suffix in more:
        return more[suffix](source, inputs)
    kind = kind or ("csv" if source == STANDARD else KINDS.get(suffix))
    known = [*KINDS, *(more or ())]
    if kind is None or kind not in KINDS.values():
        raise InvalidInput(
            f"{source}: rows are read from {', '.join(known)}, not from "
            f"{kind or suffix or 'this'!r}; convert it"
        )
    return _read(source, inputs, kind)


def read_rows(source: str, inputs: Sequence[Input]) -> Any:
    """Return all rows of a file in one, in a form that `prepare` takes; errors as in `blocks`."""
    return joined([block.rows for block in blocks(source, inputs)])


def joined(parts: list[Any]) -> Any:
    """Return the rows of blocks in one."""
    import numpy as np

    if len(parts) == 1:
        return parts[0]
    if isinstance(parts[0], Mapping):
        return {n: joined([p[n] for p in parts]) for n in parts[0]}
    if isinstance(parts[0], list):
        return [row for part in parts for row in part]
    return np.concatenate(parts)


def _read(source: str, inputs: Sequence[Input], kind: str) -> Iterator[Block]:
    if kind == "npz":
        from toolkit.runtime.rows.npz_rows import read as read_npz_rows

        if source == STANDARD:
            raise InvalidInput("standard input: npz is not read from a stream; give a file")
        yield from read_npz_rows(source, inputs)
        return
    origin = "standard input" if source == STANDARD else source
    with opened(source) as stream:
        if kind == "csv":
            from toolkit.runtime.rows.csv_rows import read as read_csv_rows

            yield from read_csv_rows(stream, origin, inputs)
        elif kind == "jsonl":
            from toolkit.runtime.rows.json_rows import read_lines

            yield from read_lines(stream, origin, inputs)
        else:
            from toolkit.runtime.rows.json_rows import read_document

            yield from read_document(stream, origin, inputs)


@contextmanager
def opened(source: str) -> Iterator[BinaryIO]:
    """Open a file, or standard input; InvalidInput where it is missing or cannot be read."""
    if source == STANDARD:
        yield sys.stdin.buffer
        return
    try:
        with open(source, "rb") as stream:
            yield stream
    except FileNotFoundError:
        raise InvalidInput(f"{source}: no such file; check the path") from None
    except ValueError as error:
        if isinstance(error, UnicodeError) or "\0" not in source:
            raise
        raise InvalidInput(f"{source!r:.300}: is no name of a file; check the path") from None
    except OSError as error:
        raise unreadable(source, error) from None
