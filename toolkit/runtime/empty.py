"""What a model gives for no rows: told from its outputs' types, not computed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from toolkit.runtime.schema import DTYPES


def no_rows(session: Any, names: Sequence[str]) -> list[np.ndarray] | None:
    """Return the named outputs for no rows; None where a graph does not declare their widths.

    onnxruntime up to 1.24 divides by zero, and takes the process with it, where it is to find the
    largest of nothing (`TopK`), as neighbours and rows in order do.
    """
    outputs = {o.name: o for o in session.get_outputs()}
    arrays = []
    for name in names:
        shape, kind = outputs[name].shape, DTYPES[outputs[name].type]
        if not shape or not all(isinstance(width, int) for width in shape[1:]):
            return None
        arrays.append(np.zeros((0, *shape[1:]), dtype=object if kind == "string" else kind))
    return arrays
