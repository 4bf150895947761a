"""What an artifact takes and gives: read from the session, and from the manifest beside it."""

from __future__ import annotations

from itertools import groupby
from typing import NamedTuple

import numpy as np

# onnxruntime's names of tensor types -> numpy's.
DTYPES = {
    "tensor(float)": "float32",
    "tensor(double)": "float64",
    "tensor(float16)": "float16",
    "tensor(int64)": "int64",
    "tensor(int32)": "int32",
    "tensor(int16)": "int16",
    "tensor(int8)": "int8",
    "tensor(uint8)": "uint8",
    "tensor(uint16)": "uint16",
    "tensor(uint32)": "uint32",
    "tensor(uint64)": "uint64",
    "tensor(bool)": "bool",
    "tensor(string)": "string",
}

# Which non-finite values an input takes: none, NaN (a missing value), or infinities as well.
FINITE, MISSING, ANY = "finite", "nan", "any"


def takes_of_columns(takes: str, width: int) -> tuple[str, ...]:
    """Return what each column takes, from "nan" (all alike) or runs of columns, "nan*3|finite*2".

    Columns beyond the last run take what it takes.
    """
    found: list[str] = []
    for run in takes.split("|"):
        value, _, count = run.partition("*")
        found += [value] * (int(count) if count.isdecimal() else 1)
    return tuple(found[:width]) + (found[-1],) * (width - len(found))


def runs_of(takes: list[str]) -> str:
    """Return columns' takes as `takes_of_columns` reads it; one word where all are alike."""
    if len(set(takes)) < 2:
        return takes[0] if takes else FINITE
    runs = [(value, len(list(same))) for value, same in groupby(takes)]
    return "|".join(f"{value}*{count}" for value, count in runs)


# No dataclass, as records are elsewhere: importing that module and making the class takes a third
# of all that a device's process spends on importing toolkit.
class Input(NamedTuple):
    """One input of a graph: [N, width] of `dtype` ("string" for text), `width` None if unknown.

    `takes` says which non-finite or missing values are allowed: "finite", "nan" or "any", or by
    column, "nan*3|finite*2".
    `columns` are the feature names where the manifest knows them. `words`: of text, which of the
    fields that pandas reads as missing ("NA", "None", …) are texts all the same; None for all.
    """

    name: str
    dtype: str
    width: int | None
    takes: str = FINITE
    columns: tuple[str, ...] | None = None
    words: tuple[str, ...] | None = None

    @property
    def numpy_dtype(self) -> np.dtype:
        """The dtype that onnxruntime wants for this input."""
        return np.dtype(object) if self.dtype == "string" else np.dtype(self.dtype)
