"""What a report opens with: whether the model was proved, and on which rows it was scored."""

from __future__ import annotations

from toolkit.bundle import FAILED, FLOAT
from toolkit.report.figures import number, percent
from toolkit.report.tables import Table
from toolkit.runner import REFERENCE, Report
from toolkit.runtime.proof import Comparison, Proof, read_proof

# The score by its key in a row's metrics, the first of which there is.
SCORES = (("r2", "R²"), ("accuracy", "accuracy"))
SEEN = ", so they say nothing of new data: give rows that it has not seen with --data to bench"
SHOWN = 3  # rows that a proof failed on
UNTOLD = "; if it was, they say nothing of new data"
ADVICE = {"yes": SEEN, "unknown": UNTOLD}


def proof_line(report: Report) -> str:
    """Return the proof in a line, "" where the report has none."""
    if report.proof is None:
        return ""
    said, word = report.proof["says"], "passed" if report.proof["passed"] else "FAILED"
    return f"Proof: {word}{' ' if said.startswith('on ') else ': '}{said}"


def proof_details(report: Report) -> str:
    """Return what a proof that failed covered, and what that means; "" where it passed."""
    proof = _proof(report)
    if proof is None or proof.passed:
        return ""
    numbers = proof.input_dtype not in (None, "none")
    inputs = f", for {proof.input_dtype} inputs" if numbers else ""
    covered = (
        f"It covered {proof.rows()}, against scikit-learn on {proof.references()}{inputs}. "
        if proof.comparisons
        else ""
    )
    worst = "".join(f"It is wrong on {row}. " for row in proof.failed_rows[:SHOWN])
    advice = f"To try: {proof.advice}. " if proof.advice else ""
    return (
        f"{covered}{worst}{advice}Every variant is made from this graph: none is to be used, and "
        "all of toolkit refuses them without --unproved."
    )


def proof_kinds(report: Report) -> str:
    """Return what the adversarial rows were, and the row that is furthest off; "" without."""
    proof = _proof(report)
    if proof is None or not proof.kinds:
        return ""
    kinds = ", ".join(f"{n:,} {kind}" for kind, n in sorted(proof.kinds, key=lambda k: -k[1]))
    furthest = f" Furthest off: {proof.furthest}." if proof.furthest and proof.passed else ""
    return f"Adversarial rows: {kinds}.{furthest}"


def proof_table(report: Report) -> Table | None:
    """Return a line a comparison of the proof; None where there is none."""
    proof = _proof(report)
    if proof is None or not proof.comparisons:
        return None
    rows = tuple(
        (
            c.rows,
            f"{c.number:,}",
            f"{c.reference} values",
            number(c.deviation, 3),
            number(proof.tolerance, 3),
            percent(c.labels),
            _outcome(c),
        )
        for c in proof.comparisons
    )
    headers = ("rows", "number", "scikit-learn on", "deviation", "allowed", "labels", "outcome")
    return Table(headers, rows, (False, True, False, True, True, True, False))


def _outcome(c: Comparison) -> str:
    if c.passed:
        return "passed" if c.required else "alike, not required"
    return FAILED.upper() if c.required else "differs, not required"


def scores_line(report: Report) -> str:
    """Return on which rows the scores were measured, "" where the report does not say."""
    scored = report.scores
    if scored is None:
        return ""
    first = (REFERENCE, FLOAT)  # a graph from elsewhere has no estimator's row
    metrics = next((r.metrics for r in report.variants if r.method in first), None) or {}
    score = next((f"{n} {number(metrics[k])}" for k, n in SCORES if metrics.get(k) is not None), "")
    where = f"{scored['rows']:,} rows, {scored['note']}"
    if not score:
        return f"Scores: none; differences from {report.reference} on {where}."
    return f"Scores: {score} on {where}{ADVICE.get(scored['fitted'], '')}."


def unproved(report: Report) -> bool:
    """Tell whether the report's proof failed."""
    proof = _proof(report)
    return proof is not None and not proof.passed


def _proof(report: Report) -> Proof | None:
    return None if report.proof is None else read_proof({"proof": report.proof}, report.model)
