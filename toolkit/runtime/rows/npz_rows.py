"""Rows of npz files: the array X, or one array for each input."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from toolkit.errors import InvalidInput
from toolkit.runtime.files import read_bytes
from toolkit.runtime.npz import read_npz
from toolkit.runtime.rows.block import Block
from toolkit.runtime.schema import Input


def read(path: str, inputs: Sequence[Input]) -> Iterator[Block]:
    """Yield all rows of an npz file: the array `X`, or one array for each input by its name.

    Raises InvalidInput where the file is damaged or lacks them.
    """
    arrays = read_npz(read_bytes(path), path)
    if all(i.name in arrays for i in inputs):
        rows: Any = {i.name: arrays[i.name] for i in inputs}
    elif "X" in arrays:
        rows = arrays["X"]
    else:
        raise InvalidInput(
            f"{path}: has the arrays {', '.join(arrays) or 'none'}; the model takes X or "
            f"{', '.join(i.name for i in inputs)}"
        )
    yield Block(rows, path, "row", ())
