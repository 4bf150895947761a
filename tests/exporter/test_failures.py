"""A failed proof says which rows it failed on, what they are, and what to try."""

from __future__ import annotations

import json

import numpy as np
import onnx
import pandas as pd
import pytest
from onnx import numpy_helper
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.neighbors import KNeighborsRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder

from toolkit.errors import InvalidInput
from toolkit.exporter.flow import convert_and_prove
from toolkit.exporter.proof.evidence import answers_to, proof_rows
from toolkit.exporter.proof.prove import prove, prove_run
from toolkit.exporter.proof.ties import ties_of
from toolkit.exporter.schema import infer
from toolkit.exporter.split import split_rows
from toolkit.exporter.tasks import task_of

RNG = np.random.default_rng(0)
X = pd.DataFrame(RNG.normal(size=(120, 2)), columns=["depth", "salinity"])
Y = X.depth + 2 * X.salinity


def evidence_of(model, rows, y=None):
    schema = infer(rows)
    return proof_rows(model, schema, task_of(model), split_rows(rows, y, None, None, schema))


def other_proof(right, wrong, rows, y=None):
    """Return the proof of one model's graph against another."""
    graph = convert_and_prove(wrong, rows, y, tune="latency").chosen
    return prove(graph.content, evidence_of(right, rows, y), graph.schema)


def test_a_row_is_named_with_its_columns_and_both_answers():
    right, wrong = LinearRegression().fit(X, Y), LinearRegression().fit(X, -Y)
    proof = other_proof(right, wrong, X, Y)
    assert not proof.passed
    first = proof.failures[0]
    assert set(first.inputs) == {"depth", "salinity"}
    assert first.got == pytest.approx(-first.expected, rel=1e-4)
    text = proof.worst()
    for part in (f"row {first.row} ", "depth=", "salinity=", f"{first.expected:.9g}"):
        assert part in text
    json.dumps(proof.summary(), allow_nan=False)


def test_a_held_out_row_is_counted_among_the_callers_rows():
    right, wrong = LinearRegression().fit(X, Y), LinearRegression().fit(X, -Y)
    found = [f for f in other_proof(right, wrong, X, Y).failures if f.rows == "held_out"]
    assert found
    for failure in found:
        row = X.iloc[failure.row]
        assert failure.inputs == {"depth": row.depth, "salinity": row.salinity}
        assert failure.kind == "held out"


def test_a_wrong_threshold_is_named_by_its_column():
    y = np.sin(3 * X.depth) + X.salinity
    model = HistGradientBoostingRegressor(max_iter=5, min_samples_leaf=5).fit(X, y)
    chosen = convert_and_prove(model, X, y, tune="latency").chosen
    graph = onnx.load_from_string(chosen.content)
    node = next(n for n in graph.graph.node if n.op_type == "TreeEnsemble")
    splits = next(a for a in node.attribute if a.name == "nodes_splits")
    values = numpy_helper.to_array(splits.t).copy()
    values[0] = np.nextafter(values[0], np.inf)
    splits.t.CopyFrom(numpy_helper.from_array(values))
    proof = prove(graph.SerializeToString(), evidence_of(model, X, y), chosen.schema)
    assert not proof.passed
    assert any(f.kind.startswith("threshold of ") for f in proof.failures)
    assert any(k.startswith("threshold of ") for k in proof.wrong_by_kind)


MIXED = pd.DataFrame({"size": X.depth, "kind": RNG.choice(["a", "b", None], 120)})
PARTS = ColumnTransformer([("k", OneHotEncoder(), ["kind"])], remainder="passthrough")


def test_a_missing_text_is_named_by_its_column():
    model = make_pipeline(PARTS, LogisticRegression()).fit(MIXED, Y > 0)
    evidence = evidence_of(model, MIXED)

    def wrong_for_missing(rows):
        if not len(rows["kind"]):
            raise InvalidInput("no rows")
        found = answers_to(model, rows, evidence.schema, evidence.task)
        gone = rows["kind"].ravel() == ""
        return found | {"label": np.where(gone, ~found["label"], found["label"])}

    proof = prove_run(wrong_for_missing, evidence, evidence.schema)
    assert not proof.passed
    assert "missing text in kind" in proof.wrong_by_kind


def test_wide_rows_show_what_tells():
    wide = RNG.normal(size=(80, 60))
    right = LinearRegression().fit(wide, wide[:, 7])
    wrong = LinearRegression().fit(wide, -wide[:, 7])
    proof = other_proof(right, wrong, wide)
    for failure in proof.failures:
        assert len(failure.inputs) <= 8


def test_a_proof_that_lost_its_rows_is_not_passed():
    """A strict encoder of tenths refuses all rows that are rounded to float32."""
    rates = pd.DataFrame({"rate": RNG.choice([0.1, 0.2, 0.7], 80)})
    model = make_pipeline(OneHotEncoder(), LinearRegression()).fit(rates, rates.rate)
    asked = convert_and_prove(model, rates, input_dtype="float32", tune="latency").chosen.proof
    assert not asked.passed
    assert "0 of 60 held-out rows" in asked.worst()
    assert convert_and_prove(model, rates, tune="latency").chosen.proof.passed


def test_a_proof_of_nothing_but_ties_is_not_passed():
    corners = np.array([[a, b] for a in (0.0, 1.0) for b in (0.0, 1.0)])
    model = KNeighborsRegressor(2).fit(corners, [0.0, 1.0, 2.0, 5.0])
    evidence = evidence_of(model, np.repeat(corners, 5, axis=0))

    def other_choice(rows):
        if not len(rows["X"]):
            raise InvalidInput("no rows")
        wanted = answers_to(model, rows, evidence.schema, evidence.task)
        ties = ties_of(model, rows["X"], wanted)
        low, high = ties.low["variable"], ties.high["variable"]
        return {"variable": np.where(np.abs(low - wanted["variable"]) > 1e-6, low, high)}

    proof = prove_run(other_choice, evidence, evidence.schema)
    assert not proof.passed
    assert "tie" in proof.worst()


def test_a_tie_excuses_no_answer_that_none_of_its_points_gives():
    rng = np.random.default_rng(1)
    X = rng.integers(0, 6, (150, 2)).astype(float)
    right, wrong = (KNeighborsRegressor(3).fit(X, s * X.sum(axis=1)) for s in (1, 3))
    assert not other_proof(right, wrong, X).passed


def test_rounding_that_decides_says_so():
    """With float32 inputs asked for it is right on rounded rows, and the message tells of it."""
    y = np.sin(5 * X.depth)
    model = HistGradientBoostingRegressor(max_iter=20, min_samples_leaf=5).fit(X, y)
    asked = convert_and_prove(model, X, y, input_dtype="float32", tune="latency").chosen.proof
    assert asked.passed
    beside = asked.comparisons["float64"]["adversarial"]
    assert not beside.passed
    assert not beside.required
