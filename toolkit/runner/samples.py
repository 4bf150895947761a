"""A few predictions side by side: the true value, scikit-learn's, and each variant's."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from toolkit.bundle import Rows

COUNT = 10


def first_rows(rows: Rows, outputs: Mapping[str, Mapping[str, np.ndarray]]) -> list[dict[str, Any]]:
    """Return for the first rows {"true", "reference", and one entry a method of `outputs`}.

    The value is the label, else the first number of the first output; "true" is None without
    targets.
    """
    name = "label" if "label" in rows.outputs else next(iter(rows.outputs))
    columns: dict[str, np.ndarray | None] = {"true": rows.target, "reference": rows.outputs[name]}
    columns |= {method: arrays[name] for method, arrays in outputs.items()}
    return [
        {key: None if values is None else _first(values, k) for key, values in columns.items()}
        for k in range(min(COUNT, len(rows)))
    ]


def _first(values: np.ndarray, row: int) -> Any:
    value = np.asarray(values).reshape(len(values), -1)[row, 0]
    return value.item() if isinstance(value, np.generic) else value
