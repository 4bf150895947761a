"""Calibrated probabilities: sigmoid, isotonic and temperature calibrators over any classifier."""

from __future__ import annotations

from typing import Any

from toolkit.exporter.conversion import Conversion
from toolkit.exporter.converters.isotonic import isotonic_value
from toolkit.exporter.formulas.classes import both_shares, class_labels, largest_index
from toolkit.exporter.formulas.response import SCORES, response
from toolkit.exporter.values import Matrix, Outputs, Value

EPSILON = 1e-12  # what scikit-learn adds to probabilities before their logarithm


def calibrated(est: Any, x: Value, g: Conversion) -> Outputs:
    """CalibratedClassifierCV: the mean of its calibrated classifiers' probabilities.

    All in float64, the classifiers inside included: isotonic calibrators have steps as steep as
    the data's, and logarithms of probabilities near 0 show what float32 loses. (skl2onnx's
    isotonic calibration is off by up to 0.12; a later release may mend it.)
    """
    wide = g.widened(x)
    parts = [_one(c, wide, g) for c in est.calibrated_classifiers_]
    mean = g.binary("Div", g.total(parts), [float(len(parts))], "count")
    labels = class_labels(g, largest_index(g, mean), est.classes_)
    g.traps.append(f"calibration {est.method!r} in float64, as scikit-learn computes it")
    return {"predict": labels, "predict_proba": g.cast(mean, g.precision(x))}


def _one(part: Any, x: Value, g: Conversion) -> Matrix:
    """Return one calibrated classifier's probabilities [N, classes], none above 1."""
    scores, method = response(part.estimator, g.convert(part.estimator, x), g, SCORES)
    scores = g.cast(scores, "float64")
    if part.method == "temperature":
        p = _temperature(part.calibrators[0], scores, method, g)
    else:
        p = _a_class_each(part, scores, g)
    # Only what rounding put above 1 is cut, and there is nothing else above 1.
    return g.binary("Min", p, [1.0], "most")


def _a_class_each(part: Any, scores: Matrix, g: Conversion) -> Matrix:
    """One calibrator for each score's class; shares of their sum, all equal where that is 0."""
    classes = list(part.classes)
    places = [classes.index(c) for c in part.estimator.classes_]
    columns: dict[int, Matrix] = {}
    # With two classes the one score is the second's; scikit-learn's zip stops at the scores.
    for k, (place, calibrator) in enumerate(zip(places, part.calibrators, strict=False)):
        value = CALIBRATORS[part.method](calibrator, g.column(scores, k), g)
        columns[place + 1 if len(classes) == 2 else place] = value
    if len(classes) == 2:
        return both_shares(g, columns[1])
    for absent in set(range(len(classes))) - set(columns):
        columns[absent] = g.repeated([0.0], "float64", scores)
    p = g.join([columns[k] for k in range(len(classes))])
    total = g.row_sum(p)
    empty = g.compare("Equal", total, [0.0])
    shares = g.combine("Div", p, g.choose(empty, [1.0], total))
    return g.choose(empty, [1.0 / len(classes)], shares)


def _sigmoid(calibrator: Any, scores: Matrix, g: Conversion) -> Matrix:
    """Platt's `σ(−(a·t + b))`."""
    line = g.binary("Mul", scores, [-float(calibrator.a_)], "slope")
    return g.unary("Sigmoid", g.binary("Add", line, [-float(calibrator.b_)], "offset"))


def _isotonic(calibrator: Any, scores: Matrix, g: Conversion) -> Matrix:
    return isotonic_value(calibrator, scores, g)


def _temperature(calibrator: Any, scores: Matrix, method: str, g: Conversion) -> Matrix:
    """`softmax(β·logits)`: logits are log p of probabilities, [−d, d] of a binary score d.

    scikit-learn takes any batch of scores for probabilities in which all lie in [0, 1] and all
    rows sum to 1; decision functions do not.
    """
    if method == "predict_proba":
        p = both_shares(g, scores) if scores.width == 1 else scores
        logits = g.unary("Log", g.binary("Add", p, [EPSILON], "epsilon"))
    else:
        logits = g.join([g.unary("Neg", scores), scores]) if scores.width == 1 else scores
    return g.unary("Softmax", g.binary("Mul", logits, [float(calibrator.beta_)], "beta"), axis=1)


CALIBRATORS = {"sigmoid": _sigmoid, "isotonic": _isotonic}

CONVERTERS = {"sklearn.CalibratedClassifierCV": calibrated}
