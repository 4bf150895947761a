"""The proof as the first gate of a bench, and what its failure means for every variant."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from toolkit.bundle import FLOAT, MODEL, Bundle
from toolkit.runner.gates import failed
from toolkit.runner.records import PROOF, REFERENCE, GateOutcome, Row
from toolkit.runtime.proof import Proof, read_proof

UNPROVED = "unproved"


def proof_of(bundle: Bundle) -> Proof:
    """Return the proof that the bundle's manifest records."""
    return read_proof(bundle.manifest, str(bundle.path))


def gate(proof: Proof) -> GateOutcome:
    """Return the proof as a gate on the float export: its worst deviation against its tolerance."""
    return {
        "expression": PROOF,
        "method": FLOAT,
        "metric": PROOF,
        "value": proof.worst,
        "limit": proof.tolerance,
        "passed": proof.passed is True,
    }


def recorded(bundle: Bundle, proof: Proof) -> dict[str, Any]:
    """Return the proof as the report keeps it: the manifest's, its worst figure, and words."""
    own = {"passed": proof.passed is True, "worst": proof.worst, "says": proof.text()}
    return {**bundle.manifest["proof"], **own}


def marked(rows: Iterable[Row], proof: Proof) -> list[Row]:
    """Return the rows; without a proof every variant that has a file failed, and says why."""
    if proof.passed:
        return list(rows)
    return [row if row.method == REFERENCE or not row.file else _unproved(row) for row in rows]


def _unproved(row: Row) -> Row:
    """Return a variant's row, failed: it was made of a graph that is not known to be right."""
    failing = failed(row, [f"{UNPROVED}: the proof of {MODEL} failed"])
    return replace(failing, summary=", ".join(filter(None, (UNPROVED, row.summary))))
