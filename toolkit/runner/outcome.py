"""The whole bench of one bundle, with what it recommends."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from typing import Any

from toolkit.bundle import FAILED, OK
from toolkit.runner.records import REFERENCE, SCHEMA_VERSION, GateOutcome, Recommendation, Row


@dataclass(frozen=True, repr=False)
class Report:
    """The whole bench of one bundle; `to_json` is what report.json holds.

    rows: the number of rows that were scored. all_rows: the exporter's figures over training and
    held-out rows together, None where it made none. samples: the first rows' true value, the
    reference's and each method's prediction. variants: the scikit-learn estimator first. budget:
    what `quantize --budget` could choose from, as `toolkit.quantizer.budget.record` describes it,
    None where there was no budget. proof: the manifest's, with its `worst` deviation and what it
    `says` in words. scores: what the rows are on which the scores were measured, see
    `toolkit.runner.scored`. recommended: the file to ship.
    reference: what errors are measured against.
    """

    model: str
    task: str
    environment: dict[str, Any]
    rows: int
    all_rows: dict[str, Any] | None
    samples: list[dict[str, Any]]
    variants: tuple[Row, ...]
    gates: tuple[GateOutcome, ...]
    budget: dict[str, Any] | None = None
    proof: dict[str, Any] | None = None
    scores: dict[str, Any] | None = None
    recommended: Recommendation | None = None
    reference: str = REFERENCE
    schema_version: int = field(default=SCHEMA_VERSION, kw_only=True)

    @property
    def passed(self) -> bool:
        """Whether every gate passed, the proof first, and every file that is there could be run."""
        return all(g["passed"] for g in self.gates) and not any(
            row.status == FAILED and row.file for row in self.variants
        )

    def best(self, for_: str = "balance", within: Iterable[str] = ()) -> Recommendation:
        """Return the file to ship for a goal, and why: see `toolkit.runner.recommendation`.

        Raises InvalidInput where there is no such goal, or where a limit is none.
        """
        from toolkit.runner.recommendation import recommend

        return recommend(self, for_, within)

    def __repr__(self) -> str:
        kept = sum(row.status == OK and row.file is not None for row in self.variants)
        word = "passed" if self.passed else "FAILED"
        file = self.recommended.file if self.recommended else None
        answer = f", ship {file}" if file else ""
        return f"<Report of {self.model}: {self.task}, {kept} files, gates {word}{answer}>"

    def to_pandas(self) -> Any:
        """Return a data frame with a line a variant, indexed by method.

        Columns: file, status, bytes, the scores and differences by their names in report.json, and
        by batch size p50_us_1, p90_us_1, p99_us_1 and rows_per_s_1. Raises ToolkitError where
        pandas is missing.
        """
        from toolkit.runner.shown import as_frame

        return as_frame(self.variants)

    def _repr_html_(self) -> str:
        from toolkit.runner.shown import as_notebook

        return as_notebook(self.model, repr(self)[1:-1], self.recommended, self.variants)

    def to_json(self) -> dict[str, Any]:
        """Return plain data for strict JSON: a figure that is NaN or infinite becomes None."""
        return {
            "schema_version": self.schema_version,
            "model": self.model,
            "task": self.task,
            "reference": self.reference,
            "passed": self.passed,
            "recommended": None if self.recommended is None else asdict(self.recommended),
            "proof": _finite(self.proof),
            "environment": _finite(self.environment),
            "rows": self.rows,
            "scores": self.scores,
            "all_rows": _finite(self.all_rows),
            "samples": _finite(self.samples),
            "variants": [_finite(asdict(row)) for row in self.variants],
            "gates": [_finite(gate) for gate in self.gates],
            "budget": self.budget,
        }


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _finite(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(inner) for inner in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
