"""What an artifact takes and gives: read from the session, and from the manifest beside it."""

from __future__ import annotations

from itertools import groupby
from typing import Any, NamedTuple

import numpy as np

from toolkit.errors import InvalidInput

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

# The policy of an input for values that are not finite: none is accepted, NaN (a missing value),
# or infinities as well.
FINITE, MISSING, ANY = "finite", "nan", "any"


def non_finite_of_columns(non_finite: str, width: int) -> tuple[str, ...]:
    """Return each column's policy, from "nan" (all alike) or runs of columns, "nan*3|finite*2".

    Columns beyond the last run have the policy of that.
    """
    policies: list[str] = []
    for run in non_finite.split("|"):
        value, _, count = run.partition("*")
        policies += [value] * (int(count) if count.isdecimal() else 1)
    return tuple(policies[:width]) + (policies[-1],) * (width - len(policies))


def runs_of(non_finite: list[str]) -> str:
    """Return columns' policies as `non_finite_of_columns` reads them; one word for like ones."""
    if len(set(non_finite)) < 2:
        return non_finite[0] if non_finite else FINITE
    runs = [(value, len(list(same))) for value, same in groupby(non_finite)]
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
    non_finite: str = FINITE
    columns: tuple[str, ...] | None = None
    words: tuple[str, ...] | None = None

    @property
    def numpy_dtype(self) -> np.dtype:
        """The dtype that onnxruntime wants for this input."""
        return np.dtype(object) if self.dtype == "string" else np.dtype(self.dtype)


def require_tensors(session: Any, origin: str) -> None:
    """Raise InvalidInput where a session takes or gives anything but tensors."""
    if not session.get_inputs() or not session.get_outputs():
        raise InvalidInput(f"{origin}: takes no input or gives no output; it is no model of rows")
    for node in session.get_inputs():
        if node.type not in DTYPES:
            raise InvalidInput(
                f"{origin}: takes the input {node.name!r} of type {node.type}; toolkit gives "
                f"{', '.join(sorted(set(DTYPES.values())))}"
            )
    for node in session.get_outputs():
        if not node.type.startswith("tensor("):
            raise InvalidInput(
                f"{origin}: gives {node.name!r} as {node.type}, no tensor; export it with toolkit, "
                "or with skl2onnx and the option zipmap=False"
            )


def read_inputs(
    session: Any, non_finite: str | None, columns: dict[str, Any], words: dict[str, Any]
) -> tuple[Input, ...]:
    """Return what a session takes; non_finite, columns and words are what its files say of it."""
    nodes = session.get_inputs()
    allowed = non_finite.split(",") if non_finite else [ANY]
    allowed = allowed if len(allowed) == len(nodes) else allowed[:1] * len(nodes)
    return tuple(
        Input(
            name=node.name,
            dtype=DTYPES[node.type],
            width=width_of(node.shape),
            non_finite=allowed[k],
            columns=tuple(columns[node.name]) if columns.get(node.name) else None,
            words=words_of(words.get(node.name)),
        )
        for k, node in enumerate(nodes)
    )


def width_of(shape: list) -> int | None:
    """Return the columns of an input of this shape, None where the graph leaves them open."""
    return shape[1] if len(shape) == 2 and isinstance(shape[1], int) else None


def words_of(value: Any) -> tuple[str, ...] | None:
    """Return a manifest's list of words, None where there is none."""
    return tuple(w for w in value if isinstance(w, str)) if isinstance(value, list) else None
