"""What the bench hands on: a Row a variant, the gates' outcomes, and the Report that holds them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypedDict

SCHEMA_VERSION = 1
REFERENCE = "scikit-learn"  # the method name of the estimator's own row
ITSELF = "model.onnx as given"  # the reference of a graph from elsewhere
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
