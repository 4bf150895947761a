"""What a graph is proved with: rows of both sets, scikit-learn's answers, and their scale."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from toolkit.errors import InvalidInput, UnsupportedEstimator, first_line
from toolkit.exporter.grid import Grids, grids_of, refined
from toolkit.exporter.proof.acceptance import accepted_positions, answers, non_finite_accepted
from toolkit.exporter.proof.adversarial import adversarial_rows
from toolkit.exporter.proof.comparison import compare
from toolkit.exporter.proof.converted_trees import Forest, converted_trees, plain_trees
from toolkit.exporter.proof.edits import Adversarial, Cell, Rows, Sample, rows_of
from toolkit.exporter.proof.rounding import own_rounding
from toolkit.exporter.proof.ties import Ties, ties_of
from toolkit.exporter.schema import Schema, frame, rounded
from toolkit.exporter.sparse import takers_of_sparse
from toolkit.exporter.split import Split
from toolkit.exporter.tasks import reference_outputs
from toolkit.metrics import Scale, scales_of

HELD_OUT, ADVERSARIAL = "held_out", "adversarial"
ALONE = 64  # so many rows at most are asked again by themselves

Outputs = dict[str, np.ndarray]


@dataclass(frozen=True)
class Evidence:
    """Held-out and adversarial rows, and what scikit-learn makes of them.

    sets: rows by input name, by set; expected: scikit-learn's answers to them as given; ties: which
    rows may differ, None where none may. scales: of the numeric outputs, on the held-out rows.
    positions: which of the caller's rows the held-out ones are. non_finite: see
    `non_finite_accepted`; grids: of the columns; sparse: see `takers_of_sparse`.
    """

    estimator: Any
    schema: Schema
    task: str
    non_finite: str
    grids: Grids
    adversarial: Adversarial
    sets: dict[str, Rows]
    expected: dict[str, Outputs]
    ties: dict[str, Ties | None]
    scales: dict[str, Scale]
    sparse: frozenset[int]
    positions: np.ndarray = field(repr=False)

    @cached_property
    def narrow(self) -> dict[str, tuple[Rows, Outputs, list[int]]]:
        """By set: the rows rounded to float32, scikit-learn's answers, and which rows they are.

        Some may be missing: an encoder fitted on 0.1 knows no category 0.10000000149.
        """
        return {name: self._narrow(name) for name in self.sets}

    def _narrow(self, name: str) -> tuple[Rows, Outputs, list[int]]:
        rows_given = self.sets[name]
        rows = rounded(rows_given)
        whole = list(range(rows_of(rows)))
        if all(
            np.array_equal(rows[n], a, equal_nan=a.dtype.kind == "f") for n, a in rows_given.items()
        ):
            return rows, self.expected[name], whole
        positions = accepted_positions(self.estimator, rows, self.schema)
        if not positions:
            return rows, {}, positions
        rows = {n: a[positions] for n, a in rows.items()}
        return rows, answers_to(self.estimator, rows, self.schema, self.task), positions

    def answers_alike(self, other: Any) -> bool:
        """Tell whether another estimator gives the answers that this one gave.

        But for rounding, such as the order in which threads add up, by the rule of the proof.
        """
        return all(
            compare(
                self.expected[name], answers_to(other, rows, self.schema, self.task), self.scales
            ).passed
            for name, rows in self.sets.items()
        )

    def unsteady(self, name: str, positions: np.ndarray) -> np.ndarray:
        """Return which of these rows scikit-learn refuses alone, or answers otherwise, bool [N].

        An iteration that stops when the whole batch has converged tells nothing of a single row.
        """
        is_unsteady = np.zeros(rows_of(self.sets[name]), dtype=bool)
        if len(positions) > ALONE:
            return is_unsteady
        for at in positions.tolist():
            row = {n: a[[at]] for n, a in self.sets[name].items()}
            whole = {n: a[[at]] for n, a in self.expected[name].items()}
            try:
                alone = answers_to(self.estimator, row, self.schema, self.task)
            except Exception:  # what it refuses is no evidence
                is_unsteady[at] = True
                continue
            is_unsteady[at] = not compare(whole, alone, self.scales).passed
        return is_unsteady


def proof_rows(estimator: Any, schema: Schema, task: str, split: Split) -> Evidence:
    """Return what an estimator's graphs are proved with.

    Raises InvalidInput where scikit-learn refuses a held-out row, UnsupportedEstimator where its
    answers have no columns.
    """
    held_out = split.held_out
    with takers_of_sparse() as sparse:
        expected = _expected(estimator, schema, task, split)
    grids = grids_of(held_out, split.calibration)
    trees = [] if plain_trees(estimator) else list(converted_trees(estimator, schema))
    grids = dict(refined(grids, _thresholds(trees, grids)))
    non_finite = non_finite_accepted(estimator, held_out, schema)
    sample = Sample(held_out, split.calibration, schema, non_finite, grids, trees)
    adversarial = adversarial_rows(estimator, sample)
    adversarial = adversarial.only(accepted_positions(estimator, adversarial.rows, schema))
    sets = {HELD_OUT: held_out, ADVERSARIAL: adversarial.rows}
    answers = {HELD_OUT: expected, ADVERSARIAL: expected}
    if len(adversarial):
        answers[ADVERSARIAL] = answers_to(estimator, adversarial.rows, schema, task)
    else:  # whatever was changed, scikit-learn refused it
        sets[ADVERSARIAL] = held_out
    return Evidence(
        estimator=estimator,
        schema=schema,
        task=task,
        non_finite=non_finite,
        grids=grids,
        adversarial=adversarial,
        sets=sets,
        expected=answers,
        ties={n: _ties(estimator, frame(rows, schema), answers[n]) for n, rows in sets.items()},
        scales=scales_of(expected, own_rounding(estimator, held_out, expected, schema)),
        sparse=frozenset(sparse),
        positions=split.positions,
    )


def _thresholds(trees: Sequence[Forest], grids: Grids) -> dict[Cell, np.ndarray]:
    """Return the thresholds of each numeric column of the inputs that trees compare."""
    thresholds: dict[Cell, list[np.ndarray]] = {}
    for members, cells in trees:
        features = np.concatenate([t.feature[t.ordered] for t in members])
        limits = np.concatenate([t.threshold[t.ordered] for t in members])
        for feature, cell in enumerate(cells):
            if cell is not None and cell[0] in grids:
                thresholds.setdefault(cell, []).append(limits[features == feature])
    return {cell: np.concatenate(parts) for cell, parts in thresholds.items()}


def answers_to(
    estimator: Any, rows: Mapping[str, np.ndarray], schema: Schema, task: str
) -> Outputs:
    """Return scikit-learn's answers to rows by input name."""
    return reference_outputs(estimator, frame(rows, schema), task)


def _expected(estimator: Any, schema: Schema, task: str, split: Split) -> Outputs:
    try:
        expected = answers_to(estimator, split.held_out, schema, task)
    except MemoryError:
        raise
    except Exception as error:
        at = _refused(estimator, split, schema)
        texts = [repr(i.name) for i in schema.inputs if i.dtype == "string"]
        held = f"; as text were read: {', '.join(texts)}" if texts else ""
        raise InvalidInput(
            f"the rows do not fit {type(estimator).__name__} ({at}{first_line(error)}){held}; give "
            "the data that it was fitted on"
        ) from error
    for name, values in expected.items():
        if len(values) != split.rows:
            raise InvalidInput(
                f"{type(estimator).__name__} answers {split.rows} rows with {len(values)} of "
                f"{name}; give one row an answer, texts as a list or a single column"
            )
        if values.ndim == 2 and not values.shape[1]:
            raise UnsupportedEstimator(
                f"{type(estimator).__name__}: answers with no column at all, and a graph has to "
                "give something; fit it so that it keeps a column"
            )
    return expected


def _refused(estimator: Any, split: Split, schema: Schema) -> str:
    """Say which row is refused by itself, where some rows are not, and for which column.

    That is the one with whose value from an accepted row it is answered.
    """
    rows = split.held_out
    accepted = accepted_positions(estimator, rows, schema)
    refused = next((i for i in range(rows_of(rows)) if i not in set(accepted)), None)
    if not accepted or refused is None:
        return ""
    for spec in schema.inputs:
        values = rows[spec.name]
        for c in range(values.shape[1]):
            mended = {n: a[[refused]].copy() for n, a in rows.items()}
            mended[spec.name][0, c] = values[accepted[0], c]
            if answers(estimator, mended, schema):
                name = spec.columns[c] if spec.columns else spec.name
                place = "" if spec.columns or values.shape[1] == 1 else f"[{c}]"
                column = f", column {name!r}{place}, {values[refused, c]}"
                return f"row {int(split.positions[refused])}{column}: "
    return f"row {int(split.positions[refused])}: "


def _ties(estimator: Any, X: Any, expected: Outputs) -> Ties | None:
    try:
        return ties_of(estimator, X, expected)
    except Exception:  # it was asked with rows that it answers: what it lacks is this question
        return None


def coarse(kinds: Sequence[str]) -> dict[str, int]:
    """Return how many rows there are of each kind, whatever their columns."""
    counts: dict[str, int] = {}
    for kind in kinds:
        what = kind.partition(" of ")[0].partition(" in ")[0]
        counts[what] = counts.get(what, 0) + 1
    return counts
