"""Which graph is written: candidates are built and proved, from the fastest on."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from toolkit import stages
from toolkit.errors import CorruptArtifact, UnsupportedEstimator
from toolkit.exporter.bundle_writer import Candidate
from toolkit.exporter.grid import FLOAT32, MERGED
from toolkit.exporter.model import Exported, build
from toolkit.exporter.opsets import Target
from toolkit.exporter.proof.edits import rows_of
from toolkit.exporter.proof.evidence import Evidence, answers_to
from toolkit.exporter.proof.prove import prove
from toolkit.exporter.schema import Schema
from toolkit.exporter.session import session_options
from toolkit.exporter.split import Split
from toolkit.exporter.tuning import AUTO, LATENCY, THROUGHPUT, Tuning, measured


@dataclass(frozen=True)
class Case:
    """All that a candidate is made and proved with, but for its inputs' type and its form.

    rounded: float32 inputs were asked for, so that what counts are numbers rounded to float32.
    """

    target: Target
    split: Split
    evidence: Evidence
    rounded: bool

    def build(self, schema: Schema, compute: str, tune: str) -> Exported:
        """Return the graph for this schema in the form for single rows or for large batches."""
        stages.at(f"converting to {compute}")
        e, known = self.evidence, self.split.calibration
        ends = e.adversarial.ends
        rows = {n: np.concatenate([a, e.adversarial.rows[n][ends]]) for n, a in known.items()}
        exported = build(
            e.estimator,
            schema,
            self.target.opset,
            e.task,
            e.non_finite,
            tune,
            rows,
            e.grids,
            scale=e.scales.get("variable"),
            compute=compute,
            newest_ml=self.target.ml_opset,
            sparse=e.sparse,
        )
        self.target.check(e.estimator, exported.content)
        return exported

    def proved(self, schema: Schema, compute: str, exported: Exported) -> Candidate:
        """Return the graph with its proof."""
        stages.at(f"proving on {sum(map(rows_of, self.evidence.sets.values())):,} rows")
        proof = prove(
            exported.content,
            self.evidence,
            schema,
            exported.traps,
            options=session_options(exported.model),
            rounded=self.rounded,
        )
        return Candidate(schema, compute, exported, exported.content, proof)

    @property
    def exact(self) -> bool:
        """Whether float32 holds every number of the data as it is."""
        grids = [grid for columns in self.evidence.grids.values() for grid in columns]
        return not self.merged and all(g.decimals == 0 or g.dtype == FLOAT32 for g in grids)

    def doubtful(self, candidate: Candidate) -> bool:
        """Tell whether rounding in float32 may decide of rows that the proof has not met.

        It may where trees compare what arithmetic made, and where two numbers of a column's grid
        are one float32 number.
        """
        computed = candidate.exported.compares_computed and candidate.compute == "float32"
        return bool(self.evidence.grids) and (computed or self.merged)

    @property
    def merged(self) -> bool:
        """Whether float32 holds no two neighbours of some column's decimals, or whole numbers."""
        inputs = self.split.held_out
        return any(
            grid.decimals is not None
            and np.nanmax(np.abs(inputs[name][:, c]), initial=0.0) * 10.0**grid.decimals > MERGED
            for name, columns in self.evidence.grids.items()
            for c, grid in enumerate(columns)
        )

    def answers(self, schema: Schema) -> Callable[[Mapping[str, np.ndarray]], Any]:
        """Return scikit-learn's own prediction of rows by input name."""
        e = self.evidence
        return lambda rows: answers_to(e.estimator, rows, schema, e.task)

    def candidate(self, schema: Schema, compute: str) -> Candidate:
        """Return the graph for this schema in the form for single rows, and its proof."""
        return self.proved(schema, compute, self.build(schema, compute, LATENCY))


def choose(case: Case, schema: Schema, input_dtype: str) -> Candidate:
    """Return the first candidate that is right, from the fastest on; else that with fewest wrong.

    Float32 inputs; float64 inputs; float64 throughout, whole numbers too. The first of them must
    convert; of the others, some lack an operator for float64. Where trees compare what arithmetic
    made of numbers, its rounding decides for rows that no proof may meet: what is right in float64
    is preferred then.
    """
    wide = schema.with_floats("float64")
    narrow = [] if input_dtype == "float64" else [(schema, "float32")]
    if input_dtype == "float32":
        forms = [*narrow, (schema, "float64")]
    elif case.exact:
        forms = [*narrow, (schema, "float64"), (wide, "float64")]
    else:
        forms = [*narrow, (wide, "float32"), (wide, "float64")]
    tried: list[Candidate] = []
    for form in dict.fromkeys(forms):
        try:
            tried.append(case.candidate(*form))
        except (UnsupportedEstimator, CorruptArtifact):
            if not tried:
                raise
            continue
        if tried[-1].proof.passed and not (tried[-1] is tried[0] and case.doubtful(tried[0])):
            return tried[-1]
    return min(tried, key=lambda one: sum(c.wrong for _, _, c in one.proof.required))


def tuned(case: Case, latency: Candidate, tune: str) -> tuple[Candidate, Tuning]:
    """Return the latency form, or the throughput form where that is wanted and proved as well."""
    if tune == LATENCY:
        return latency, Tuning(tune, LATENCY, "asked for")
    if not latency.proof.passed:
        return latency, Tuning(tune, LATENCY, "its proof failed, so that no other form was made")
    exported = case.build(latency.schema, latency.compute, THROUGHPUT)
    if exported.content == latency.content:
        chosen = LATENCY if tune == AUTO else tune
        return latency, Tuning(tune, chosen, "both forms are the same graph")
    tuning = Tuning(tune, THROUGHPUT, "asked for")
    if tune == AUTO:
        stages.at("timing the forms for single rows and for batches")
        rows, answers = case.split.calibration, case.answers(latency.schema)
        tuning = measured(latency.content, exported.content, rows, answers)
    if tuning.chosen == LATENCY:
        return latency, tuning
    throughput = case.proved(latency.schema, latency.compute, exported)
    if throughput.proof.passed:
        return throughput, tuning
    reason = f"the throughput form differs from scikit-learn {throughput.proof.worst()}"
    return latency, replace(tuning, chosen=LATENCY, reason=reason)
