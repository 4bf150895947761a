"""The rows that a proof failed on: inputs by column, both answers, what kind of rows they are."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from toolkit import metrics
from toolkit.exporter.proof.edits import Cell, column_name
from toolkit.exporter.proof.evidence import ADVERSARIAL, HELD_OUT, Evidence
from toolkit.precision import TOLERANCE
from toolkit.runtime.proof import row_text

WORST = 3  # rows of a comparison
SHOWN = 8  # columns of a row
KINDS = 10  # of adversarial rows, those with the most wrong ones


@dataclass(frozen=True)
class Failure:
    """One row on which the graph and scikit-learn differ.

    reference: "float64" (the row as given) or "float32" (rounded); rows: the set; row: its number,
    among the caller's rows for held-out ones, else among the adversarial ones; kind: what the row
    was made for; inputs: values by column, those that were changed or lie farthest out where there
    are many; output: its name, with the column in brackets where it has several; deviation: in
    that column's scale, None for labels.
    """

    reference: str
    rows: str
    row: int
    kind: str
    inputs: dict[str, Any]
    output: str
    expected: Any
    got: Any
    deviation: float | None

    def summary(self) -> dict[str, Any]:
        """Return plain data for the manifest."""
        return asdict(self)

    def outline(self) -> dict[str, Any]:
        """Return the same without what went in: a row that is right is not shown to everyone."""
        return asdict(self) | {"inputs": {}}

    def __str__(self) -> str:
        return row_text(asdict(self))


def worst_rows(
    evidence: Evidence,
    reference: str,
    name: str,
    off: np.ndarray,
    got: metrics.Outputs,
    positions: list[int] | None = None,
) -> list[Failure]:
    """Return the worst rows of a comparison on the set `name`.

    off [N]: as `Comparison.off`; got: the graph's answers; positions: which rows of the set were
    compared, all if None.
    """
    wrong = np.flatnonzero(off > TOLERANCE)
    order = wrong[np.argsort(-off[wrong], kind="stable")][:WORST]
    return _rows(evidence, reference, name, order, got, positions)


def furthest(
    evidence: Evidence,
    reference: str,
    name: str,
    off: np.ndarray,
    got: metrics.Outputs,
    positions: list[int] | None = None,
) -> Failure | None:
    """Return the row of a comparison that is furthest off, right as it may be; None without rows.

    Arguments as in `worst_rows`.
    """
    order = np.argsort(-off, kind="stable")[:1]
    return next(iter(_rows(evidence, reference, name, order, got, positions)), None)


def _rows(
    evidence: Evidence,
    reference: str,
    name: str,
    order: np.ndarray,
    got: metrics.Outputs,
    positions: list[int] | None,
) -> list[Failure]:
    expected = evidence.expected[name] if positions is None else evidence.narrow[name][1]
    rows = evidence.sets[name] if positions is None else evidence.narrow[name][0]
    worst = []
    for at in order.tolist():
        place = at if positions is None else positions[at]
        output, want, have, deviation = _answer(expected, got, evidence, at)
        number = int(evidence.positions[place]) if name == HELD_OUT else place
        worst.append(
            Failure(
                reference=reference,
                rows=name,
                row=number,
                kind=_kind(evidence, name, place),
                inputs=_inputs(evidence, name, place, {n: a[at] for n, a in rows.items()}),
                output=output,
                expected=want,
                got=have,
                deviation=deviation,
            )
        )
    return worst


def by_kind(evidence: Evidence, name: str, off: np.ndarray) -> dict[str, str]:
    """Return "wrong of all" for the kinds of rows with wrong ones, the most first."""
    if name != ADVERSARIAL or len(off) != len(evidence.adversarial):
        return {"held-out": f"{int((off > TOLERANCE).sum())} of {len(off)}"}
    kinds = np.array(evidence.adversarial.kinds, dtype=object)
    every, wrong = Counter(kinds.tolist()), Counter(kinds[off > TOLERANCE].tolist())
    return {kind: f"{n} of {every[kind]}" for kind, n in wrong.most_common(KINDS)}


def _kind(evidence: Evidence, name: str, place: int) -> str:
    if name == HELD_OUT or not len(evidence.adversarial):
        return "held out"
    return evidence.adversarial.kinds[place]


def _answer(
    expected: metrics.Outputs, got: metrics.Outputs, evidence: Evidence, at: int
) -> tuple[str, Any, Any, float | None]:
    """Return the output that is furthest off in a row: its name, both values, the deviation."""
    texts = metrics.labelled(expected)
    for name in texts:
        if len(got[name]) != len(expected[name]):
            return name, list(np.shape(expected[name])), list(np.shape(got[name])), None
        want, have = expected[name][[at]], got[name][[at]]
        if not metrics.same_labels(want, have)[0]:
            return name, _plain(want[0]), _plain(have[0]), None
    best: tuple[str, Any, Any, float | None] = ("", None, None, None)
    for name in metrics.numeric(expected):
        want = metrics.columns(expected[name])
        if np.size(got[name]) != want.size:
            return name, list(want.shape), list(np.shape(got[name])), None
        have = metrics.columns(got[name])
        row = metrics.deviations(want[[at]], have[[at]], evidence.scales[name])[0]
        column = int(row.argmax())
        if best[3] is None or row[column] > best[3]:
            where = f"{name}[{column}]" if want.shape[1] > 1 else name
            best = where, float(want[at, column]), float(have[at, column]), float(row[column])
    return best


def _inputs(
    evidence: Evidence, name: str, place: int, row: dict[str, np.ndarray]
) -> dict[str, Any]:
    """Return a row's values by the caller's column names, SHOWN of them at most."""
    cells = [(n, c) for n, a in row.items() for c in range(len(a))]
    changed = evidence.adversarial.changed[place] if _is_made(evidence, name) else ()
    if len(cells) > SHOWN:
        cells = _telling(evidence, cells, row, changed)
    return {column_name(evidence.schema, c): _plain(row[c[0]][c[1]]) for c in cells}


def _is_made(evidence: Evidence, name: str) -> bool:
    return name == ADVERSARIAL and len(evidence.adversarial) > 0


def _telling(
    evidence: Evidence, cells: list[Cell], row: dict[str, np.ndarray], changed: tuple[Cell, ...]
) -> list[Cell]:
    """Return the cells that were changed, and of the others those farthest from their median."""
    sample = evidence.sets[HELD_OUT]

    def distance(cell: Cell) -> float:
        values = sample[cell[0]][:, cell[1]]
        if cell in changed:
            return np.inf
        if values.dtype.kind != "f" or not np.isfinite(values).any():
            return 0.0
        apart = abs(row[cell[0]][cell[1]] - np.nanmedian(values))
        spread = float(np.nanstd(values))
        return float(apart / spread) if spread > 0 else 0.0

    chosen = sorted(cells, key=lambda c: -np.nan_to_num(distance(c), nan=1e9))[:SHOWN]
    return [c for c in cells if c in chosen]


def _plain(value: Any) -> Any:
    """Return a value as JSON has it."""
    if isinstance(value, np.ndarray):
        return value.tolist()
    value = value.item() if isinstance(value, np.generic) else value
    if isinstance(value, float) and not np.isfinite(value):
        return str(value)
    return value if isinstance(value, str | int | float | bool | list) else str(value)
