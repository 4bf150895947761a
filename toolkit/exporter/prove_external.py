"""Proving a graph that came from elsewhere, such as one that skl2onnx wrote alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from toolkit.errors import InvalidInput, ParityError, guarded
from toolkit.estimators.asking import one_by_one
from toolkit.exporter.proof.batches import Run
from toolkit.exporter.proof.edits import rows_of
from toolkit.exporter.proof.evidence import Evidence, proof_rows
from toolkit.exporter.proof.prove import Proof, prove_run
from toolkit.exporter.raw_boosters import as_estimator
from toolkit.exporter.schema import Schema, as_fitted, infer
from toolkit.exporter.schema.given import Given
from toolkit.exporter.split import split_rows
from toolkit.exporter.tasks import task_of, wanted_outputs
from toolkit.runtime.predictor import Predictor

NUMBERS = ("float32", "float64")


@dataclass(frozen=True)
class Matched:
    """A graph and its estimator on the rows of a proof.

    run: rows by input name -> the graph's answers under the contract's names.
    """

    evidence: Evidence
    schema: Schema
    run: Run

    def prove(self) -> Proof:
        """Return the proof of the graph."""
        return prove_run(self.run, self.evidence, self.schema)


@one_by_one()
@guarded("estimator", InvalidInput, "give rows of the kind that it was fitted on")
def matched(model: bytes, origin: str, estimator: Any, X: Any, y: Any = None) -> Matched:
    """Return any ONNX model matched with a fitted estimator, on X and adversarial rows.

    model: serialized ONNX, or an artifact's bytes decoded; origin names it in messages; X, y as the
    estimator takes them. Inputs and outputs are matched by name, else by kind: labels are integers,
    text or booleans, everything else is numbers. Raises InvalidInput where they cannot be matched,
    CorruptArtifact where onnxruntime refuses the model.
    """
    if not isinstance(model, bytes):
        raise InvalidInput(f"the model is a {type(model).__name__}; give its serialized bytes")
    predictor, estimator = Predictor(model, origin), as_estimator(estimator)
    table = as_fitted(estimator, X)
    task, schema, X = task_of(estimator), _schema(predictor, table, estimator), table.X
    evidence = proof_rows(estimator, schema, task, split_rows(X, y, None, None, schema))
    names = _outputs(predictor, estimator, task)

    def run(rows: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        try:
            outputs = predictor.run(rows)
        except InvalidInput as refusal:
            if not rows_of(rows):
                raise
            raise ParityError(
                f"{origin}: refuses rows that {type(estimator).__name__} answers ({refusal}); do "
                "not ship it"
            ) from None
        return {ours: outputs[theirs] for ours, theirs in names.items()}

    return Matched(evidence, schema, run)


@one_by_one()
@guarded("estimator", InvalidInput, "give rows of the kind that it was fitted on")
def prove_graph(model: bytes, origin: str, estimator: Any, X: Any, y: Any = None) -> Proof:
    """Return the proof of any ONNX model against a fitted estimator; see `matched`."""
    return matched(model, origin, estimator, X, y).prove()


def _schema(predictor: Predictor, table: Given, estimator: Any) -> Schema:
    """Return the schema of X with the floating-point type that the graph takes."""
    schema = infer(table, None, estimator)
    if len(predictor.inputs) != len(schema.inputs):
        raise InvalidInput(
            f"{predictor.origin}: has {len(predictor.inputs)} inputs where the rows give "
            f"{len(schema.inputs)}; export it with one input for a matrix, or one a column"
        )
    dtypes = {i.dtype for i in predictor.inputs if i.dtype in NUMBERS}
    return schema.with_floats("float64") if dtypes == {"float64"} else schema


def _outputs(predictor: Predictor, estimator: Any, task: str) -> dict[str, str]:
    """Return the contract's output names -> the graph's own."""
    kinds = {o.name: o.type for o in predictor.session.get_outputs()}
    sequences = [n for n, kind in kinds.items() if not kind.startswith("tensor(")]
    if sequences:
        raise InvalidInput(
            f"{predictor.origin}: its output {sequences[0]!r} is no tensor (a ZipMap?); convert it "
            "with options={'zipmap': False}"
        )
    wanted = [name for name, _ in wanted_outputs(estimator, task)]
    numeric = [n for n, kind in kinds.items() if kind in ("tensor(float)", "tensor(double)")]
    others = [n for n in kinds if n not in numeric]
    outputs = {}
    for name in wanted:
        kind = others if name == "label" else numeric
        if name in kinds:
            outputs[name] = name
        elif kind:
            outputs[name] = kind[0]
        else:
            raise InvalidInput(
                f"{predictor.origin}: has no output for {name!r}, only {', '.join(kinds)}"
            )
    return outputs
