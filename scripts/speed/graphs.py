"""The graphs' part of the benchmark: every way to run each model, checked, then timed in turns."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from cases import ROWS, Case, make, rows_at
from contestant import Absent, Contestant
from contestants import BASELINE, CONTESTANTS

from toolkit.runner import latency

BATCHES = (1, 1_000, 20_000)
CHECKED = 2_000  # rows on which all must answer as scikit-learn does
NEAR = 1e-3  # of the answers' deviation: more is another answer, not rounding

Figures = dict[str, Any]


def measure(name: str) -> Figures:
    """Return {"model", "nodes", "contestants": [{"name", "us", "ratio", …} or {"name", "absent"}]}.

    us: by batch size p50, p90, calls and rows used. ratio: the time over the plain graph's,
    turn by turn: its median and quartiles. error: the
    largest difference from scikit-learn over the answers' standard deviation, on CHECKED rows;
    refitted: that it was fitted anew, and the difference says nothing.
    """
    print(f"{name} …", file=sys.stderr, flush=True)
    case = make(name)
    with tempfile.TemporaryDirectory() as folder:
        found = {n: _prepared(n, case, Path(folder)) for n in CONTESTANTS}
        there = {n: c for n, c in found.items() if isinstance(c, Contestant)}
        times = _times(case, there)
        base = times[BASELINE]
        rows = []
        for contestant, who in found.items():
            if isinstance(who, str):
                rows.append({"name": contestant, "absent": who})
                continue
            ratio = {b: latency.paired(t, base[b]) for b, t in times[contestant].items()}
            rows.append(
                {
                    "name": contestant,
                    "bytes": who.bytes,
                    "error": deviation(case, who),
                    "refitted": who.refitted,
                    "us": times[contestant],
                    "ratio": ratio,
                }
            )
    return {"model": name, "nodes": case.nodes, "contestants": rows}


def _prepared(name: str, case: Case, folder: Path) -> Contestant | str:
    try:
        return CONTESTANTS[name](case, folder)
    except Absent as reason:
        return str(reason)


def _times(case: Case, there: dict[str, Contestant]) -> dict[str, dict[str, Figures]]:
    def form_of(contestant: Contestant) -> Any:
        return lambda inputs: contestant.formed(rows_at(case.rows, inputs["at"]))

    subjects = [(c.predict, form_of(c)) for c in there.values()]
    with latency.one_thread():
        figures = latency.by_batch_size(subjects, {"at": np.arange(ROWS)}, BATCHES)
    return dict(zip(there, figures, strict=True))


def deviation(case: Case, contestant: Contestant) -> float:
    """Return max |answer − scikit-learn's| over the standard deviation of scikit-learn's."""
    rows = rows_at(case.rows, np.arange(min(CHECKED, len(case.rows))))
    expected = np.asarray(getattr(case.estimator, case.call)(rows), dtype=np.float64)
    got = np.asarray(contestant.predict(contestant.formed(rows)))
    return float(np.abs(got.reshape(expected.shape) - expected).max() / expected.std())
