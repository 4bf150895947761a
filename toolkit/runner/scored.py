"""On which rows a bench's scores were measured, and whether the estimator was fitted on them."""

from __future__ import annotations

from typing import Any

from toolkit.bundle import Bundle, Rows
from toolkit.exporter.fitted_on import UNKNOWN, fitted_on, in_words

UNTOLD = "held out when the model was exported; " + in_words(UNKNOWN)


def about(bundle: Bundle, estimator: Any, rows: Rows, rows_given: bool) -> dict[str, Any]:
    """Return {"rows": how many, "on": "given" or "held-out", "fitted", "note"}.

    rows_given: whether they were given to bench. fitted: "yes", "no" or "unknown"; of held-out
    rows the export has found it out. note: what these rows are, in words.
    """
    if rows_given and bundle.is_own_reference:
        return {"rows": len(rows), "on": "given", "fitted": UNKNOWN.short, "note": "given to bench"}
    if rows_given:
        finding = fitted_on(estimator, bundle.estimator_input(rows.inputs), rows.target)
        note = f"given to bench; {in_words(finding)}"
        return {"rows": len(rows), "on": "given", "fitted": finding.short, "note": note}
    told = bundle.manifest.get("rows") or {}  # of a bundle of an earlier version: without `fitted`
    known = "fitted" in told
    return {
        "rows": len(rows),
        "on": "held-out",
        "fitted": told["fitted"] if known else UNKNOWN.short,
        "note": told["note"] if known else UNTOLD,
    }
