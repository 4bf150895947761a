"""Conversion through the flow of an export, and a comparison that shares no code with its proof."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnxruntime
import pandas as pd

from toolkit.errors import UnsupportedEstimator
from toolkit.exporter.flow import convert_and_prove
from toolkit.exporter.model import build
from toolkit.exporter.schema import infer
from toolkit.exporter.tasks import task_of

TOLERANCE = 1e-4  # of max(1, |y|)
METHODS = {
    "variable": ("predict", "transform"),
    "label": ("predict",),
    "probabilities": ("predict_proba",),
    "scores": ("decision_function", "transform"),
}
NUMPY = {
    "tensor(float)": np.float32,
    "tensor(double)": np.float64,
    "tensor(int64)": np.int64,
    "tensor(bool)": np.bool_,
}


def export_proven(estimator: Any, X: Any, y: Any = None, **options: Any) -> bytes:
    """Return the graph that an export would write, after its proof passed."""
    proven = convert_and_prove(estimator, X, y, **options)
    assert proven.chosen.proof.passed, proven.chosen.proof.summary()
    return proven.chosen.content


def graph_of(estimator: Any, X: Any, floats: str = "float32", opset: int = 21) -> bytes:
    """Return the graph with inputs of this type, whatever an export would choose; not proved."""
    schema = infer(X).with_floats(floats)
    return build(estimator, schema, opset, task_of(estimator), "any").model.SerializeToString()


def answers(content: bytes, X: Any) -> dict[str, np.ndarray]:
    """Return the graph's outputs for rows, from onnxruntime alone."""
    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    inputs = session.get_inputs()
    if len(inputs) == 1 and inputs[0].name == "X":
        feed = {"X": np.asarray(X).astype(NUMPY[inputs[0].type])}
    else:
        feed = {i.name: _column(X[i.name], i.type) for i in inputs}
    return dict(zip([o.name for o in session.get_outputs()], session.run(None, feed), strict=True))


def _column(values: pd.Series, kind: str) -> np.ndarray:
    if kind != "tensor(string)":
        return values.to_numpy().astype(NUMPY[kind]).reshape(-1, 1)
    texts = ["" if v is None or v != v else v for v in values]
    return np.array(texts, dtype=object).reshape(-1, 1)


def rounded(X: Any) -> Any:
    """Return rows whose floating-point numbers are those that float32 can hold, as float64."""
    if isinstance(X, pd.DataFrame):
        floats = X.select_dtypes("floating").columns
        return X.assign(**{str(c): X[c].astype(np.float32).astype(np.float64) for c in floats})
    return np.asarray(X, dtype=np.float32).astype(np.float64)


def assert_answers(
    content: bytes, estimator: Any, X: Any, tolerance: float = TOLERANCE, exact_rows: bool = False
) -> None:
    """Hold every output against scikit-learn on the same float32 values (X itself if exact_rows).

    Numbers to `tolerance` of max(1, |y|), labels all equal and of scikit-learn's own type.
    """
    X = X if exact_rows else rounded(X)
    got = answers(content, X)
    assert got
    for name, values in got.items():
        method = next(m for m in METHODS[name] if hasattr(estimator, m))
        expected = getattr(estimator, method)(X)
        expected = np.asarray(expected.toarray() if hasattr(expected, "toarray") else expected)
        if name == "label":
            assert values.tolist() == expected.tolist()
            assert type(values.tolist()[0]) is type(expected.tolist()[0])
        else:
            expected = expected.reshape(len(values), -1)
            assert values.shape == expected.shape
            apart = np.abs(values - expected) / np.maximum(1.0, np.abs(expected))
            assert apart.max() <= tolerance, (name, apart.max())


def check(estimator: Any, X: Any, y: Any = None, **options: Any) -> bytes:
    """Export with proof, compare independently on all rows, and return the graph."""
    content = export_proven(estimator, X, y, **options)
    wide = "tensor(double)" in [
        i.type
        for i in onnxruntime.InferenceSession(
            content, providers=["CPUExecutionProvider"]
        ).get_inputs()
    ]
    assert_answers(content, estimator, X, exact_rows=wide)
    return content


def right_or_refused(estimator: Any, X: Any, y: Any = None, *, reason: str) -> None:
    """Check the export; where it is refused, hold the message against the reason.

    For settings that plain conversion gets wrong without a word: a graph that is proved, or a
    refusal that names the setting, and nothing else.
    """
    try:
        content = export_proven(estimator, X, y)
    except UnsupportedEstimator as error:
        message = str(error)
    else:
        message = reason
        assert_answers(content, estimator, X)
    assert reason in message
