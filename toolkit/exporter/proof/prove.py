"""The proof: scikit-learn against onnxruntime, on held-out rows and on adversarial ones."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from toolkit.errors import InvalidInput
from toolkit.exporter.proof.batches import Run, batch_rows, in_batches
from toolkit.exporter.proof.comparison import Comparison, compare
from toolkit.exporter.proof.edits import Rows
from toolkit.exporter.proof.evidence import HELD_OUT, Evidence, answers_to, coarse
from toolkit.exporter.proof.failures import Failure, by_kind, furthest, worst_rows
from toolkit.exporter.proof.ties import NEIGHBOURS, Ties
from toolkit.exporter.schema import Schema
from toolkit.precision import TOLERANCE
from toolkit.runtime.predictor import Predictor

AS_GIVEN, ROUNDED = "float64", "float32"
# Kinds of adversarial rows that an estimator takes unless something is amiss.
NEEDED = ("known value", "known text")
ALONE = 8  # so many held-out rows are asked by themselves
TIE = "a tie, which scikit-learn decides by its own rounding"
TIED = 0.5  # a larger share of held-out rows that may differ proves nothing


@dataclass(frozen=True)
class Proof:
    """What was compared and whether it holds.

    comparisons, by reference and set of rows: "float64" is scikit-learn on the rows as given, which
    the graph must match; "float32" is scikit-learn on the numbers rounded to float32, which is told
    beside it, and required instead where float32 inputs were asked for by name. single_row: a batch
    of one gives the same row. no_rows: a batch of none gives none (told, not required:
    scikit-learn refuses it, and a graph that does too raises an error). lacking: why there were too
    few rows to prove anything, "" where there were enough. rows_by_kind, lost: adversarial rows
    that were compared, and that scikit-learn refused. failures: the worst rows; wrong_by_kind.
    furthest: the row that is furthest off of those on which the proof rests.
    """

    passed: bool
    tolerance: float
    input_dtype: str
    comparisons: dict[str, dict[str, Comparison]]
    single_row: bool
    no_rows: bool
    traps: tuple[str, ...]
    lacking: str
    rows_by_kind: dict[str, int]
    lost: dict[str, int]
    failures: tuple[Failure, ...]
    wrong_by_kind: dict[str, str]
    furthest: Failure | None = None

    @property
    def required(self) -> list[tuple[str, str, Comparison]]:
        """The comparisons on which the proof rests: reference, set of rows, comparison."""
        return [
            (reference, rows, c)
            for reference, by in self.comparisons.items()
            for rows, c in by.items()
            if c.required
        ]

    @property
    def reference(self) -> str:
        """Whose answers the graph owes: scikit-learn's to rows as given, or rounded to float32."""
        return next((reference for reference, _, _ in self.required), AS_GIVEN)

    def summary(self) -> dict[str, Any]:
        """Return the proof as the manifest keeps it."""
        return {
            "passed": self.passed,
            "tolerance": self.tolerance,
            "input_dtype": self.input_dtype,
            "comparisons": {
                reference: {rows: c.summary() for rows, c in by.items()}
                for reference, by in self.comparisons.items()
            },
            "single_row": self.single_row,
            "no_rows": self.no_rows,
            "traps": list(self.traps),
            "lacking": self.lacking,
            "rows_by_kind": self.rows_by_kind,
            "lost": self.lost,
            "failures": [f.summary() for f in self.failures],
            "wrong_by_kind": self.wrong_by_kind,
            "furthest": None if self.furthest is None else self.furthest.outline(),
            "advice": "" if self.passed else self.advice(),
        }

    def worst(self) -> str:
        """Return one line on the comparison that is furthest off, for messages."""
        if self.lacking:
            return self.lacking
        reference, rows, c = max(
            self.required, key=lambda item: (not item[2].passed, item[2].max_relative)
        )
        labels = "" if c.label_agreement is None else f", labels equal {c.label_agreement:.4%}"
        alone = "" if self.single_row else "; a row alone gives other numbers than in the batch"
        how = "as given" if reference == AS_GIVEN else "rounded to float32"
        row = "" if not self.failures else f"; {self.failures[0]}"
        return (
            f"on {c.wrong} of {c.rows} {rows.replace('_', '-')} rows {how}: deviation "
            f"{c.max_relative:.3g} (allowed {self.tolerance:g}){labels}{alone}{row}"
        )

    def advice(self) -> str:
        """Return what to try where the proof failed."""
        if self.lacking.endswith(TIE):
            return (
                "two runs of scikit-learn itself may differ there: fit on numbers that part the "
                "rows, or weight neighbours by their distance"
            )
        if self.lacking:
            return "give rows that the estimator answers, more than a few, of all kinds"
        narrow = [c for rows, c in self.comparisons[ROUNDED].items() if rows == HELD_OUT]
        rounding = self.input_dtype == "float32" and all(c.passed for c in narrow)
        if rounding and all(r == AS_GIVEN for r, _, c in self.required if not c.passed):
            return (
                "numbers rounded to float32 fall on the other side of a threshold, and no graph "
                "with float64 inputs was right: round the columns before fitting, or, where "
                "devices send float32 numbers, fit on these and give X as float32"
            )
        if not self.single_row:
            return "the estimator answers a row otherwise when others are with it"
        return "leave out the step that the row above points to, or replace it by one that exports"


def prove(
    model: bytes,
    evidence: Evidence,
    schema: Schema,
    traps: tuple[str, ...] = (),
    *,
    options: Mapping[str, Any] | None = None,
    rounded: bool = False,
) -> Proof:
    """Compare a model's bytes, opened with these session options, with its estimator.

    schema: with the types of this graph's inputs. rounded: scikit-learn on numbers rounded to
    float32 is what counts, since float32 inputs were asked for. Nothing is raised where they
    differ: `passed` says it. A graph that onnxruntime cannot even open is a failed proof as well
    (CorruptArtifact from the session, passed on).
    """
    run = Predictor(model, "the exported graph", options=options).run
    return prove_run(in_batches(run, batch_rows(model)), evidence, schema, traps, rounded=rounded)


def prove_run(
    run: Run,
    evidence: Evidence,
    schema: Schema,
    traps: tuple[str, ...] = (),
    *,
    rounded: bool = False,
) -> Proof:
    """Compare whatever `run` computes with the estimator; see `prove`.

    run: rows by input name -> the contract's outputs by name.
    """
    comparisons: dict[str, dict[str, Comparison]] = {ROUNDED: {}, AS_GIVEN: {}}
    failures: list[Failure] = []
    far: list[Failure | None] = []
    wrong: dict[str, str] = {}
    wide = any(s.dtype == "float64" for s in schema.inputs)
    for name, rows in evidence.sets.items():
        got = run(rows)
        ties = evidence.ties[name]
        c = compare(evidence.expected[name], got, evidence.scales, ties, required=not rounded)
        if not c.passed:
            unsteady = evidence.unsteady(name, np.flatnonzero(c.off > TOLERANCE))
            free = Ties(np.zeros(len(unsteady), dtype=bool), {}, {})
            ties = (ties or free).joined(unsteady)
            c = compare(evidence.expected[name], got, evidence.scales, ties, required=not rounded)
        comparisons[AS_GIVEN][name] = c
        if c.required:
            far.append(furthest(evidence, AS_GIVEN, name, c.off, got))
        if c.required and not c.passed:
            failures += worst_rows(evidence, AS_GIVEN, name, c.off, got)
            wrong |= by_kind(evidence, name, c.off)
        narrow, expected, positions = evidence.narrow[name]
        if len(positions):
            same = not wide and all(len(v) == len(next(iter(rows.values()))) for v in got.values())
            mine = {n: v[positions] for n, v in got.items()} if same else run(narrow)
            own = None if ties is None else ties.at(positions)
            c = compare(expected, mine, evidence.scales, own, required=rounded)
            comparisons[ROUNDED][name] = c
            if c.required:
                far.append(furthest(evidence, ROUNDED, name, c.off, mine, positions))
            if c.required and not c.passed:
                failures += worst_rows(evidence, ROUNDED, name, c.off, mine, positions)
                wrong |= by_kind(evidence, name, c.off)
    single = _one_row(run, evidence, rounded)
    lacking = _lacking(evidence, comparisons, rounded)
    required = [c for by in comparisons.values() for c in by.values() if c.required]
    failures.sort(key=_distance, reverse=True)
    return Proof(
        passed=all(c.passed for c in required) and single and not lacking,
        tolerance=TOLERANCE,
        input_dtype=next((s.dtype for s in schema.inputs if s.dtype.startswith("float")), "none"),
        comparisons=comparisons,
        single_row=single,
        no_rows=_no_rows(run, evidence.sets[HELD_OUT]),
        traps=traps,
        lacking=lacking,
        rows_by_kind=coarse(evidence.adversarial.kinds),
        lost=dict(evidence.adversarial.lost),
        failures=tuple(failures),
        wrong_by_kind=wrong,
        furthest=max(filter(None, far), key=_distance, default=None),
    )


def _distance(row: Failure) -> float:
    return np.inf if row.deviation is None else row.deviation


def _lacking(
    evidence: Evidence, comparisons: dict[str, dict[str, Comparison]], rounded: bool
) -> str:
    """Return why the rows that were compared prove nothing, "" where they do."""
    row_count = len(next(iter(evidence.sets[HELD_OUT].values())))
    compared = comparisons[ROUNDED if rounded else AS_GIVEN].get(HELD_OUT)
    if compared is None or compared.rows + compared.ties < row_count:
        count = 0 if compared is None else compared.rows + compared.ties
        return (
            f"on {count} of {row_count} held-out rows only: scikit-learn refuses the others once "
            "their numbers are rounded to float32; export with float64 inputs"
        )
    if compared.ties > TIED * row_count:
        ties = evidence.ties[HELD_OUT]
        what = NEIGHBOURS if ties is None else ties.what
        return f"on {compared.rows} of {row_count} held-out rows only: for the others {what} {TIE}"
    tried = coarse(evidence.adversarial.kinds)
    lost = coarse([k for k, n in evidence.adversarial.lost.items() for _ in range(n)])
    for kind in NEEDED:
        if kind in lost and kind not in tried:
            return f"on no row of a {kind}: scikit-learn refuses all {lost[kind]} of them"
    return ""


def _one_row(run: Run, evidence: Evidence, rounded: bool) -> bool:
    """Tell whether the first rows are right by themselves too, but for ties.

    What is right is scikit-learn's answer to the row in its batch, or to the row alone: iterations
    that stop when the whole batch has converged answer otherwise there.
    """
    rows, expected = evidence.sets[HELD_OUT], evidence.expected[HELD_OUT]
    ties = evidence.ties[HELD_OUT]
    if rounded:
        rows, expected, positions = evidence.narrow[HELD_OUT]
        ties = None if ties is None else ties.at(positions)
    for i in range(min(ALONE, len(next(iter(rows.values()))) if expected else 0)):
        row = {n: a[[i]] for n, a in rows.items()}
        alone, own = run(row), None if ties is None else ties.at([i])
        wanted = {n: a[[i]] for n, a in expected.items()}
        if not compare(wanted, alone, evidence.scales, own).passed:
            wanted = answers_to(evidence.estimator, row, evidence.schema, evidence.task)
            if not compare(wanted, alone, evidence.scales, own).passed:
                return False
    return True


def _no_rows(run: Run, rows: Rows) -> bool:
    try:
        empty = run({n: a[:0] for n, a in rows.items()})
    except InvalidInput:
        return False
    return all(len(v) == 0 for v in empty.values())
