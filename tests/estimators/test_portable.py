"""The matrix elsewhere: at the oldest opset, and in ONNX's own reference evaluator."""

from __future__ import annotations

import locale
import os
import warnings

import numpy as np
import onnx
import pytest
from onnx.reference import ReferenceEvaluator
from onnx.reference.op_run import RuntimeContextError, RuntimeImplementationError

from tests.estimators.harness import Case, all_cases
from toolkit.errors import UnsupportedEstimator
from toolkit.exporter.bundle_writer import Proven
from toolkit.exporter.flow import convert_and_prove
from toolkit.exporter.opsets import OPSETS
from toolkit.exporter.tuning import THROUGHPUT
from toolkit.metrics import deviation
from toolkit.onnx_graph.subgraphs import operators
from toolkit.runtime.inputs import prepare
from toolkit.runtime.predictor import Predictor

SHARE = 3  # of the cases one in so many, and the first of each estimator


def a_share(cases: list[Case]) -> list[Case]:
    """Return the cases to run: all of them where TOOLKIT_ALL_CASES is set."""
    if os.environ.get("TOOLKIT_ALL_CASES"):
        return cases
    first = {case.estimators: case for case in reversed(cases)}
    chosen = {case.name for case in [*first.values(), *cases[::SHARE]]}
    return [case for case in cases if case.name in chosen]


CASES = a_share([case for case in all_cases() if not case.refused])
NAMES = [case.name for case in CASES]

# Operators on whose graphs the evaluator itself breaks, and how.
BREAKS = {
    "TreeEnsembleRegressor": (TypeError, "float64 attributes, which are tensors"),
    "GatherElements": (ValueError, "numpy.choose, which has at most 64 rows to choose from"),
    "RegexFullMatch": (ValueError, "Python's expressions, which are not RE2's"),
}


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES, ids=NAMES)
def test_the_oldest_opset_and_the_reference_evaluator(case: Case) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        estimator, X, y = case.fit()
        try:
            opset = OPSETS[0]
            proven = convert_and_prove(estimator, X, y, opset=opset, tune=THROUGHPUT)
        except UnsupportedEstimator as error:
            if "its operators are of opset 20" not in str(error):  # text, and nothing else
                raise
            opset = 20
            proven = convert_and_prove(estimator, X, y, opset=opset, tune=THROUGHPUT)
    proof = proven.chosen.proof
    assert proof.passed, proof.worst()
    model = proven.chosen.exported.model
    versions = {o.domain: o.version for o in model.opset_import}
    assert versions[""] == opset
    # No standard operator takes texts apart, nor gives a text's hash; onnxruntime's own do.
    used = {"Tokenizer", "MurmurHash3"} & set(operators(model.graph))
    assert set(versions) - {"", "ai.onnx.ml"} == ({"com.microsoft"} if used else set())
    assert used != {"Tokenizer"} or "accents" in case.name
    got = evaluated(model, proven)
    if got is None:
        return
    predictor = Predictor(proven.chosen.content, case.name)
    named = dict(zip(predictor.outputs, got, strict=True))
    worst, agreement = deviation(predictor.run(few(proven)), named, proven.evidence.scales)
    assert worst <= 1e-4
    assert agreement == 1.0


def few(proven: Proven) -> dict[str, np.ndarray]:
    return {n: a[:8] for n, a in proven.split.held_out.items()}


def evaluated(model: onnx.ModelProto, proven: Proven) -> list[np.ndarray] | None:
    """Return the evaluator's outputs for a few rows; None where it lacks or breaks an operator."""
    inputs = Predictor(proven.chosen.content, "here").inputs
    before = locale.setlocale(locale.LC_ALL)
    try:
        got = ReferenceEvaluator(model).run(None, prepare(few(proven), inputs))
    except (NotImplementedError, RuntimeImplementationError, RuntimeContextError):
        return None
    except (TypeError, ValueError) as error:
        used = operators(model.graph)
        known = [kind for op, (kind, _) in BREAKS.items() if op in used]
        if type(error) in known:
            return None
        raise
    finally:
        locale.setlocale(locale.LC_ALL, before)  # its StringNormalizer sets the whole process's
    return [np.asarray(g) for g in got]
