"""Measuring a bundle: every variant and the estimator itself, the same way, against gates.

`toolkit.runner.flow.bench` does it; the records of what it found are light.
"""

from toolkit.runner.records import PROOF, REFERENCE, GateOutcome, Recommendation, Report, Row

__all__ = ["PROOF", "REFERENCE", "GateOutcome", "Recommendation", "Report", "Row"]
