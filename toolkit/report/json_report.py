"""report.json: the report for machines."""

from __future__ import annotations

import json

from toolkit.runner import Report


def as_json(report: Report) -> str:
    """Return strict JSON (no NaN, no Infinity), indented, with a final newline."""
    return json.dumps(report.to_json(), indent=2, ensure_ascii=False, allow_nan=False) + "\n"
