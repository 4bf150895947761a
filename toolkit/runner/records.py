"""What the bench hands on: a Row a variant, the gates' outcomes, and the Report that holds them."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from typing import Any, TypedDict

from toolkit.bundle import FAILED, OK

SCHEMA_VERSION = 1
REFERENCE = "scikit-learn"  # the method name of the estimator's own row
PROOF = "proof"  # the expression and metric of the first gate
Times = dict[str, dict[str, Any]]  # percentiles by batch size


@dataclass(frozen=True)
class Row:
    """The measurements of one variant; None for everything that was not or cannot be measured.

    bytes_compressed: zlib level 6. size_ratio: model.onnx's bytes / these. difference: against
    scikit-learn on float64 data. batch_consistency: in the output's unit. latency_us: by batch
    size, as text. standard: whether ONNX's own operators suffice. cold_start_ms: process start to
    first prediction, the median of some runs, whose
    (fastest, slowest) is cold_start_range_ms. dominated_by: the method that makes this one
    needless, see `toolkit.runner.dominance`. verdict: what the figures mean, or why there are none,
    in words; summary: the same in a few, such as "smaller, slower".
    """

    method: str
    file: str | None
    status: str
    reason: str = ""
    bytes: int | None = None
    bytes_compressed: int | None = None
    size_ratio: float | None = None
    metrics: dict[str, float | None] | None = None
    difference: dict[str, float | None] | None = None
    batch_consistency: float | None = None
    latency_us: dict[str, dict[str, Any]] | None = None
    cold_start_ms: float | None = None
    cold_start_range_ms: tuple[float, float] | None = None
    peak_rss_mb: float | None = None
    standard: bool | None = None
    dominated_by: str | None = None
    verdict: str = ""
    summary: str = ""


@dataclass(frozen=True)
class RunnerUp:
    """A file that could have been recommended, and why it was not."""

    method: str
    file: str
    reason: str


@dataclass(frozen=True)
class Recommendation:
    """The file to ship; method and file are None where none is.

    goal: one of `toolkit.runner.recommendation.GOALS`; within: the limits on what it may lose.
    loses, gains: what its figures mean beside scikit-learn's and model.onnx's, in words; reasons:
    why it, or why none.
    """

    goal: str
    within: tuple[str, ...]
    method: str | None
    file: str | None
    bytes: int | None
    loses: str
    gains: str
    reasons: tuple[str, ...]
    runners_up: tuple[RunnerUp, ...]


class GateOutcome(TypedDict):
    """One gate on one variant; `value` None where there was nothing to hold against the limit.

    The first is the proof of the float export, whose expression and metric are "proof"; its limit
    is None where the manifest records none.
    """

    expression: str
    method: str
    metric: str
    value: float | None
    limit: float | None
    passed: bool


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

    def to_json(self) -> dict[str, Any]:
        """Return plain data for strict JSON: a figure that is NaN or infinite becomes None."""
        return {
            "schema_version": self.schema_version,
            "model": self.model,
            "task": self.task,
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
