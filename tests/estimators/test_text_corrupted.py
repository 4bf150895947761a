"""A graph of this family with one number changed fails its proof."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import numpy_helper
from sklearn.feature_extraction.text import CountVectorizer, TfidfVectorizer
from sklearn.feature_selection import SelectKBest, f_regression
from sklearn.impute import SimpleImputer
from sklearn.preprocessing import (
    FunctionTransformer,
    KBinsDiscretizer,
    OneHotEncoder,
    OrdinalEncoder,
    PowerTransformer,
    QuantileTransformer,
    SplineTransformer,
    TargetEncoder,
)

from tests.estimators.data import categories, numbers, regression, texts, with_missing
from toolkit.exporter.flow import convert_and_prove
from toolkit.exporter.proof.prove import prove

Mend = Callable[[onnx.ModelProto], None]


def shift(name: str, by: float = 0.01, at: int | None = None) -> Mend:
    """Return what adds `by` to one number (the middle one) of the first constant so named."""

    def change(model: onnx.ModelProto) -> None:
        for tensor in model.graph.initializer:
            if tensor.name.rstrip("0123456789") == name:
                values = numpy_helper.to_array(tensor).copy()
                place = values.size // 2 if at is None else at
                values.reshape(-1)[place] += by if values.dtype.kind == "f" else 1
                tensor.CopyFrom(numpy_helper.from_array(values, tensor.name))
                return
        raise AssertionError(f"no constant {name}: {[t.name for t in model.graph.initializer]}")

    return change


def swap(operator: str, attribute: str) -> Mend:
    """Return what swaps the first two entries of a node's attribute."""

    def change(model: onnx.ModelProto) -> None:
        node = next(n for n in model.graph.node if n.op_type == operator)
        entries = next(a for a in node.attribute if a.name == attribute)
        values = entries.strings or entries.ints or entries.floats
        values[0], values[1] = values[1], values[0]

    return change


def goal() -> np.ndarray:
    return regression()[1]


FAMILIES: dict[str, tuple[Any, Callable[[], Any], Mend]] = {
    "words": (CountVectorizer(), texts, swap("LabelEncoder", "values_int64s")),
    "characters": (
        CountVectorizer(analyzer="char"),
        texts,
        swap("TfIdfVectorizer", "ngram_indexes"),
    ),
    "weights": (TfidfVectorizer(norm=None), texts, shift("factor", at=0)),
    "categories": (OneHotEncoder(), categories, swap("OneHotEncoder", "cats_strings")),
    "codes": (OrdinalEncoder(), categories, shift("encoding", at=0)),
    "means": (TargetEncoder(), categories, shift("encoding", at=0)),
    "imputer": (
        SimpleImputer(),
        lambda: with_missing()[0],
        swap("Imputer", "imputed_value_floats"),
    ),
    "bins": (KBinsDiscretizer(4, encode="ordinal"), numbers, shift("table", 0.5, at=0)),
    "quantiles": (QuantileTransformer(n_quantiles=20), numbers, shift("value", at=8)),
    "powers": (PowerTransformer(), numbers, shift("lambda", at=0)),
    "splines": (SplineTransformer(), numbers, shift("pieces")),
    "functions": (
        FunctionTransformer(np.clip, kw_args={"a_min": -1, "a_max": 1}),
        numbers,
        shift("low", at=0),
    ),
    "selectors": (SelectKBest(f_regression, k=2), numbers, shift("columns", at=0)),
}


@pytest.mark.parametrize("family", FAMILIES)
def test_corrupted_graph_fails_its_proof(family: str) -> None:
    estimator, rows, corrupt = FAMILIES[family]
    X = rows()
    needs_target = family in ("means", "selectors")
    estimator.fit(X, goal()) if needs_target else estimator.fit(X)
    proven = convert_and_prove(estimator, X)
    assert proven.chosen.proof.passed

    model = onnx.ModelProto.FromString(proven.chosen.content)
    corrupt(model)
    proof = prove(model.SerializeToString(), proven.evidence, proven.chosen.schema)

    assert not proof.passed
