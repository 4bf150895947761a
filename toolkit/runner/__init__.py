"""Measuring a bundle: every variant and the estimator itself, the same way, against gates.

`toolkit.runner.flow.bench` does it; the records of what it found are light.
"""

from toolkit.runner.outcome import Report
from toolkit.runner.records import PROOF, REFERENCE, GateOutcome, Recommendation, Row

__all__ = ["PROOF", "REFERENCE", "GateOutcome", "Recommendation", "Report", "Row"]
