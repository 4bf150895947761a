"""The records of a schema: inputs of a graph, and columns of an estimator's data frame."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from toolkit.estimators.frames import Column

FLOATS = ("float32", "float64")


@dataclass(frozen=True)
class Spec:
    """One graph input: [N, width] of `dtype`; `columns` are the feature names where known.

    missing: how the estimator's data marks missing text, "none", "nan" or "na" (pandas' own);
    scikit-learn's encoders take them for different categories. "kept" where no text is missing and
    "" is a text of its own; None where the column is no text. words: of text, those that pandas
    reads as missing and are texts here ("NA" for Namibia), None for all of them.
    """

    name: str
    dtype: str
    width: int
    columns: tuple[str, ...] | None = None
    missing: str | None = None
    words: tuple[str, ...] | None = None


@dataclass(frozen=True)
class Schema:
    """The inputs, and the form in which the estimator wants its rows.

    form: "array" (one matrix), "sparse" (one matrix, a scipy matrix for the estimator), "texts",
    "labels" and "vector" (one text, integer or number a row), "frame" (one matrix, a data frame
    for the estimator), "columns" (an input a column, a data frame for the estimator), "objects"
    (an input a column, an array of objects for the estimator). columns: those of the data frame
    that are not simply numbers or text under their name. places: which of the estimator's
    columns these are, where some are left out.
    """

    form: str
    inputs: tuple[Spec, ...]
    columns: tuple[Column, ...] = ()
    places: tuple[int, ...] | None = None

    def with_floats(self, dtype: str) -> Schema:
        """Return the schema with floating-point inputs of this type."""
        specs = tuple(replace(s, dtype=dtype) if s.dtype in FLOATS else s for s in self.inputs)
        return replace(self, inputs=specs)

    def summary(self) -> dict[str, Any]:
        """Return the form and the columns as the manifest keeps them."""
        columns = [c.summary() for c in self.columns]
        return {"input": self.form} | ({"columns": columns} if columns else {})
