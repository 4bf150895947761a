"""Weights as uint8 codes with scales and zero points in a pack; biases refitted, float32 kept."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import onnx
from onnx import numpy_helper

from toolkit.quantizer import companded, mantissa
from toolkit.quantizer.affine import encode, magnitude_exponents, standardising_exponents
from toolkit.quantizer.calibration import Calibration
from toolkit.quantizer.forests import encode_leaves, find_forests, with_short_thresholds
from toolkit.quantizer.formats import Codes
from toolkit.quantizer.methods import NotApplicable
from toolkit.quantizer.packing import write_pack
from toolkit.quantizer.refit import find_readouts, refit, values_of
from toolkit.quantizer.rounding import refine
from toolkit.quantizer.weights import Weight, attribute_operator, find_weights, replace

SUFFIX = ".pack"
LIMITS = {"nmse": 0.01, "agreement": 0.99}

# A layer's error below this share of its output's variance is not worth a byte.
NEGLIGIBLE = 1e-7
# Below this size no byte is saved at the expense of accuracy: the file has more of them anyway.
FEW_BYTES = 128
# What a single extreme value counts beside the rows' covariance.
TAIL = 0.01


def apply(model: onnx.ModelProto, calibration: Calibration) -> bytes:
    """Return the pack; NotApplicable where the graph has neither weight matrices nor trees.

    Layer by layer, in the graph's order: choose the layout of the codes by the layer's output error
    on the calibration rows, put the dequantized weights into the graph, and refit the bias to what
    the layer's inputs and weights have become. Trees keep their splits (float64 thresholds as the
    nearest float32); their leaves become codes.
    """
    operator = attribute_operator(model)
    if operator:
        raise NotApplicable(
            f"the parameters are attributes of {operator}, which this method does not code"
        )
    weights, forests = find_weights(model), find_forests(model)
    if not weights and not forests:
        raise NotApplicable("the graph has no weight matrix among its initializers, and no trees")
    changed = onnx.ModelProto()
    changed.CopyFrom(model)
    encoded: dict[str, Codes] = {}
    for weight in weights:
        before, after = _inputs(weight, model, changed, calibration)
        codes = choose(weight, before)
        encoded[weight.name] = codes
        decoded = codes.decode()
        replace(
            changed, {weight.name: decoded} | _refitted(weight, changed, decoded, before, after)
        )
    _refit_readouts(model, changed, calibration)
    inputs = calibration.activations(model, [f.source for f in forests])
    shortened = [with_short_thresholds(f) for f in forests]
    positions = _positions(model)
    trees = []
    for forest, rows in zip(shortened, inputs, strict=True):
        leaves = encode_leaves(forest, rows)
        exact = np.array_equal(leaves.decode(forest.leaves), forest.values)
        trees.append((forest, None if forest.output in positions and not exact else leaves))
    return write_pack(changed, encoded, trees)


def _positions(model: onnx.ModelProto) -> set[str]:
    """Return the tensors that become integers: trees that give positions must give them exactly."""
    casts = [n for n in model.graph.node if n.op_type == "Cast"]
    integers = {onnx.TensorProto.INT64, onnx.TensorProto.INT32}
    return {n.input[0] for n in casts if n.attribute[0].i in integers}


def choose(weight: Weight, inputs: np.ndarray) -> Codes:
    """Return the smallest encoding whose error is within twice that of the best one.

    Among encodings of a few bytes it is the most accurate one.

    The error is that of the layer's outputs on `inputs` [rows, inputs], once the bias has taken up
    its mean: `trace(Δᵀ Cov(x) Δ) / trace(Wᵀ Cov(x) W)`, Δ = W − decode(codes).
    """
    covariance = second_moments(inputs)
    found = [
        (output_error(weight.values, c, covariance), c) for c in _candidates(weight, covariance)
    ]
    bound = max(NEGLIGIBLE, 2 * min(error for error, _ in found))
    good = [(len(c.to_bytes()), error, c) for error, c in found if error <= bound]
    spare = max(FEW_BYTES, min(size for size, _, _ in good))
    return min((g for g in good if g[0] <= spare), key=lambda g: g[1])[2]


def second_moments(inputs: np.ndarray) -> np.ndarray:
    """Return what the error of a layer's weights is measured in, float64 [inputs, inputs].

    The covariance of the layer's inputs [rows, inputs], and TAIL times the square of each input's
    largest deviation from its mean on the diagonal: a row like that may come alone, where no other
    input makes good for it.
    """
    centred = inputs.astype(np.float64) - inputs.astype(np.float64).mean(axis=0)
    covariance = centred.T @ centred / len(centred)
    return covariance + TAIL * np.diag(np.square(centred).max(axis=0))


def output_error(values: np.ndarray, codes: Codes, covariance: np.ndarray) -> float:
    """Return the layer's output error as a share of its output variance (formula in `choose`)."""
    delta = values.astype(np.float64) - codes.decode()
    spread = float(np.einsum("io,ij,jo->", values, covariance, values, optimize=True))
    error = float(np.einsum("io,ij,jo->", delta, covariance, delta, optimize=True))
    return error / spread if spread > 0 else float(np.square(delta).mean())


def _candidates(weight: Weight, covariance: np.ndarray) -> Iterator[Codes]:
    if not np.isfinite(weight.values).all():
        raise NotApplicable(f"initializer {weight.name!r} holds values that are not finite")
    deviation = np.sqrt(np.maximum(np.diag(covariance), 0.0))
    exponents = (None, magnitude_exponents(weight.values), standardising_exponents(deviation))
    for exponent in exponents:
        for per_column in {False, weight.values.shape[1] > 1}:
            nearest = encode(weight.values, per_column=per_column, exponent=exponent)
            yield refine(weight.values, nearest, covariance)
    if weight.values.shape[1] == 1:
        yield refine(weight.values, mantissa.encode(weight.values), covariance)
    # Worth its three numbers a group only along the shorter side.
    shorter = int(weight.values.shape[0] > weight.values.shape[1])
    if max(weight.values.shape) > 64:
        yield companded.encode(weight.values, axis=shorter)


def _inputs(
    weight: Weight, model: onnx.ModelProto, changed: onnx.ModelProto, calibration: Calibration
) -> tuple[np.ndarray, np.ndarray]:
    """Return the layer's inputs in the float graph and in the graph that is quantized so far."""
    return (
        calibration.activations(model, [weight.source])[0],
        calibration.activations(changed, [weight.source])[0],
    )


def _refit_readouts(
    model: onnx.ModelProto, changed: onnx.ModelProto, calibration: Calibration
) -> None:
    """Refit what is summed in float64 to the coded layers before it, in place.

    Every fourth row chooses the ridge's strength.
    """
    for readout in find_readouts(model):
        wanted = calibration.activations(model, [readout.output])[0]
        activations = calibration.activations(changed, [readout.source])[0]
        weight = values_of(changed, readout.weight)
        alone = np.arange(len(wanted)) % 4 == 0
        replace(changed, {readout.weight: refit(weight, activations, wanted, alone)})


def _refitted(
    weight: Weight,
    changed: onnx.ModelProto,
    decoded: np.ndarray,
    before: np.ndarray,
    after: np.ndarray,
) -> dict[str, np.ndarray]:
    """Return the bias that keeps the mean of the layer's output: `b + mean(x)W − mean(x′)W′`."""
    if weight.bias is None:
        return {}
    tensor = next(t for t in changed.graph.initializer if t.name == weight.bias)
    bias = numpy_helper.to_array(tensor).astype(np.float64)
    lost = before.astype(np.float64).mean(axis=0) @ weight.values.astype(np.float64)
    lost -= after.astype(np.float64).mean(axis=0) @ decoded.astype(np.float64)
    return {weight.bias: bias + lost.reshape(bias.shape)}
