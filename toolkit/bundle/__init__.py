"""The model directory: reading it, and writing into it so that all of a command shows at once."""

from __future__ import annotations

from toolkit.bundle.directory import (
    BUDGET,
    CALIBRATION,
    ESTIMATOR,
    EVALUATION,
    FLOAT,
    FRONT,
    MODEL,
    REPORTS,
    Bundle,
    Rows,
    open_bundle,
)
from toolkit.bundle.transaction import is_empty
from toolkit.bundle.variants import FAILED, LARGER, NO_OP, NOT_APPLICABLE, OK, Variant, Variants
from toolkit.bundle.writing import (
    file_entry,
    to_npz,
    with_reports,
    with_variants,
    write_files,
)

__all__ = [
    "BUDGET",
    "CALIBRATION",
    "ESTIMATOR",
    "EVALUATION",
    "FAILED",
    "FLOAT",
    "FRONT",
    "LARGER",
    "MODEL",
    "NOT_APPLICABLE",
    "NO_OP",
    "OK",
    "REPORTS",
    "Bundle",
    "Rows",
    "Variant",
    "Variants",
    "file_entry",
    "is_empty",
    "open_bundle",
    "to_npz",
    "with_reports",
    "with_variants",
    "write_files",
]
