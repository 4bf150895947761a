"""Sparse matrices: rows that begin where the one before ends, and columns that there are."""

from __future__ import annotations

from typing import Any

import numpy as np

from toolkit.estimators.restored.refusal import Damaged, require, within


def check_sparse(matrix: Any, _width: int | None) -> None:
    """Check a scipy matrix or array in one of the formats that skops keeps."""
    shape = tuple(int(n) for n in matrix.shape)
    require(len(shape) == 2 and min(shape) >= 0, f"has the shape {shape}")
    data = matrix.data
    require(isinstance(data, np.ndarray) and data.dtype.kind in "biufc", "holds no numbers")
    if matrix.format in ("csr", "csc", "bsr"):
        rows, columns = shape if matrix.format != "csc" else shape[::-1]
        if matrix.format == "bsr":
            require(data.ndim == 3 and min(data.shape[1:]) > 0, "holds no blocks")
            require(rows % data.shape[1] == columns % data.shape[2] == 0, "has parts of blocks")
            rows, columns = rows // data.shape[1], columns // data.shape[2]
        _check_compressed(matrix.indptr, matrix.indices, len(data), rows, columns)
    elif matrix.format == "coo":
        for indices, size in ((matrix.row, shape[0]), (matrix.col, shape[1])):
            require(indices.shape == data.shape, "holds other numbers than places")
            within(indices, 0, size, "has the row or column")
    elif matrix.format == "dia":
        require(data.ndim == 2 and len(matrix.offsets) == len(data), "has other diagonals")
    else:
        raise Damaged(f"is in the format {matrix.format!r}, which is not read")


def _check_compressed(
    pointers: np.ndarray, indices: np.ndarray, stored: int, rows: int, columns: int
) -> None:
    for array in (pointers, indices):
        require(array.ndim == 1 and array.dtype.kind in "iu", "has indices that are no integers")
    require(len(pointers) == rows + 1, f"has {len(pointers) - 1} rows, its shape {rows}")
    require(pointers[0] == 0 and (np.diff(pointers) >= 0).all(), "has a row before the one before")
    require(pointers[-1] <= min(stored, len(indices)), f"ends at {pointers[-1]} of {stored} values")
    within(indices, 0, columns, "has the column")
