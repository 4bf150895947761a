"""Answers written as they come: CSV and JSON lines a block at a time, JSON and npz at the end."""

from __future__ import annotations

import csv
import io
import math
import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Protocol

import numpy as np

from toolkit.errors import InvalidInput
from toolkit.runtime.rows import KINDS, STANDARD, TEXTS
from toolkit.runtime.rows.answers import Asked, Columns, chosen, columns, restricted


class Sink(Protocol):
    """What takes the outputs of block after block."""

    def write(self, outputs: dict[str, np.ndarray]) -> None:
        """Take the outputs of some rows."""

    def close(self) -> None:
        """Write what is left."""


Write = Callable[[bytes], Any]


def kind_of(target: str, kind: str | None, more: Mapping[str, Any] | None = None) -> str:
    """Return in what answers are written: as asked, or as the target's suffix says.

    Raises InvalidInput where it says nothing that is known, or is no text for standard output.
    """
    suffix = os.path.splitext(target)[1].lower()
    known = [*KINDS, *(more or ())]
    if target == STANDARD:
        kind = kind or "csv"
        if kind not in TEXTS:
            raise InvalidInput(
                f"--to {kind}: standard output takes {', '.join(TEXTS)}; name a file"
            )
        return kind
    if kind is None and suffix in (more or ()):
        return suffix
    kind = kind or KINDS.get(suffix)
    if kind is None:
        raise InvalidInput(
            f"--output {target}: the suffix is none of {', '.join(known)}; choose one"
        )
    return kind


@contextmanager
def sink(
    target: str,
    kind: str,
    asked: Asked,
    classes: Sequence[Any] | None = None,
) -> Iterator[Sink]:
    """Open what takes the outputs of blocks; a file is there when all of them have been written.

    Raises InvalidInput where it cannot be written, or is a model directory's own.
    """
    made: dict[str, Callable[[Write, Asked, Sequence[Any] | None], Sink]]
    made = {"csv": _Csv, "jsonl": _Lines, "json": _Document, "npz": _Arrays}
    make = made[kind]
    if target == STANDARD:
        one = make(sys.stdout.buffer.write, asked, classes)
        yield one
        one.close()
        sys.stdout.buffer.flush()
        return
    from toolkit.runtime.listed import refuse_own  # few starts write a file
    from toolkit.runtime.writing import written_atomic

    refuse_own(target)
    with written_atomic(target) as write:
        one = make(write, asked, classes)
        yield one
        one.close()


class _Csv:
    """A line a row, below one of the columns' names."""

    def __init__(self, write: Write, asked: Asked, classes: Sequence[Any] | None) -> None:
        self._write, self._asked, self._classes = write, asked, classes
        self._begun = False

    def write(self, outputs: dict[str, np.ndarray]) -> None:
        found = even(chosen(self._asked, columns(outputs, self._classes), outputs))
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        if not self._begun:
            writer.writerow(found)
            self._begun = True
        writer.writerows(zip(*(c.tolist() for c in found.values()), strict=True))
        self._write(text.getvalue().encode())

    def close(self) -> None:
        """Do nothing: every block has been written."""


class _Lines(_Csv):
    """A record a line: column by column, null for a number that is none."""

    def write(self, outputs: dict[str, np.ndarray]) -> None:
        import json

        found = even(chosen(self._asked, columns(outputs, self._classes), outputs))
        values = [plain(c.tolist()) for c in found.values()]
        lines = [
            json.dumps(dict(zip(found, row, strict=True))) for row in zip(*values, strict=True)
        ]
        self._write("".join(f"{line}\n" for line in lines).encode())


class _Arrays:
    """All outputs at the end, as arrays by name."""

    def __init__(self, write: Write, asked: Asked, classes: Sequence[Any] | None) -> None:
        self._write, self._asked, self._classes = write, asked, classes
        self._parts: list[dict[str, np.ndarray]] = []

    def write(self, outputs: dict[str, np.ndarray]) -> None:
        self._parts.append(outputs)

    def close(self) -> None:
        outputs = restricted(self._asked, self._all())
        text = {n: a.astype(str) if a.dtype == object else a for n, a in outputs.items()}
        buffer = io.BytesIO()
        np.savez_compressed(buffer, **text)  # type: ignore[arg-type]
        self._write(buffer.getvalue())

    def _all(self) -> dict[str, np.ndarray]:
        if len(self._parts) == 1:
            return self._parts[0]
        return {n: np.concatenate([p[n] for p in self._parts]) for n in self._parts[0]}


class _Document(_Arrays):
    """All outputs at the end, as lists by name; by column where columns were asked for."""

    def close(self) -> None:
        import json

        outputs: Mapping[str, np.ndarray] = self._all()
        if self._asked.columns:
            outputs = chosen(self._asked, columns(outputs, self._classes), outputs)
        else:
            outputs = restricted(self._asked, dict(outputs))
        document = {n: plain(a.tolist()) for n, a in outputs.items()}
        self._write((json.dumps(document) + "\n").encode())


def plain(value: Any) -> Any:
    """Return nested lists as strict JSON has them: null for what is no finite number."""
    if isinstance(value, list):
        return [plain(v) for v in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def even(found: Columns) -> Columns:
    """Return the columns; InvalidInput where they differ in their rows, which no table holds."""
    if len({len(values) for values in found.values()}) > 1:
        raise InvalidInput(
            "the model's outputs differ in their number of rows; write .json or .npz"
        )
    return found
