"""Standardised inputs for a graph whose scaler was folded into its first product.

The fastest float graph multiplies raw features by weights of very different sizes. Formats that
round all of a matrix, or all of a batch, on one grid want features and weights of one size:
`x @ W + b = ((x − μ) / σ) @ (σ W) + (b + μ W)`, μ and σ being those of the calibration rows.
"""

from __future__ import annotations

import numpy as np
import onnx
from onnx import helper, numpy_helper

from toolkit.onnx_graph.edits import copied
from toolkit.quantizer.calibration import Calibration
from toolkit.quantizer.parameters import Product, plain_products, replace_values

# Features whose deviations are within this factor of each other are of one size as they are.
ALIKE = 4.0


def standardised(model: onnx.ModelProto, calibration: Calibration) -> onnx.ModelProto:
    """Return the graph with features standardised before each product that takes them as they are.

    Features are what no other product has made. Only where a product has a bias and its features'
    sizes differ; else the model itself.
    """
    products = plain_products(model)
    computed = _made_by_products(model, {p.name for p in products})
    first = [p for p in products if p.source not in computed and p.bias is not None]
    changed = copied(model)
    sources = calibration.activations(model, [p.source for p in first])
    for product, source in zip(first, sources, strict=True):
        rows = source.astype(np.float64)
        mean, deviation = rows.mean(axis=0), rows.std(axis=0)
        varying = deviation > 0
        if _alike(mean[varying], deviation[varying]):
            continue
        _scale(changed, product, mean, np.where(varying, deviation, _usual(product, deviation)))
    return changed


def _usual(product: Product, deviation: np.ndarray) -> np.ndarray:
    """Return for each input the deviation with which its weights are as large as the others'.

    For inputs that do not vary in the calibration rows: where a scaler divided a rare one by next
    to nothing, its weights would leave no codes for all others.
    """
    size = np.sqrt(np.square(product.values.astype(np.float64)).sum(axis=1))
    known = (size * deviation)[(size > 0) & (deviation > 0)]
    usual = float(np.median(known)) if len(known) else 1.0
    return np.where(size > 0, usual / np.where(size > 0, size, 1.0), 1.0)


def _made_by_products(model: onnx.ModelProto, weights: set[str]) -> set[str]:
    """Return the tensors that a product with one of the weights had a part in."""
    computed: set[str] = set()
    for node in model.graph.node:
        if (weights | computed).intersection(node.input):
            computed.update(node.output)
    return computed


def _alike(mean: np.ndarray, deviation: np.ndarray) -> bool:
    if not len(deviation):
        return True
    sizes = np.sqrt(mean**2 + deviation**2)
    return bool(sizes.max() <= ALIKE * deviation.min())


def _scale(
    model: onnx.ModelProto, product: Product, mean: np.ndarray, deviation: np.ndarray
) -> None:
    """Put `(x − mean) / deviation` before the product, in place."""
    center, inverse = mean.astype(np.float32), (1.0 / deviation).astype(np.float32)
    values = product.values.astype(np.float64)
    assert product.bias is not None
    held = next(t for t in model.graph.initializer if t.name == product.bias)
    bias = numpy_helper.to_array(held).astype(np.float64)
    moved = bias + (center.astype(np.float64) @ values).reshape(bias.shape)
    scaled = values / inverse.astype(np.float64)[:, None]
    replace_values(model, {product.name: scaled, product.bias: moved})
    # onnxruntime's quantizer names a weight's own scale `…_scale`.
    names = [f"{product.name}_{part}" for part in ("mean", "inverse", "centred", "standardised")]
    model.graph.initializer.extend(
        [numpy_helper.from_array(center, names[0]), numpy_helper.from_array(inverse, names[1])]
    )
    at = next(k for k, n in enumerate(model.graph.node) if product.name in n.input)
    model.graph.node[at].input[0] = names[3]
    steps = [
        helper.make_node("Sub", [product.source, names[0]], [names[2]]),
        helper.make_node("Mul", [names[2], names[1]], [names[3]]),
    ]
    for step in reversed(steps):
        model.graph.node.insert(at, step)
