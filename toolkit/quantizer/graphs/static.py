"""Graphs whose products multiply integers, on grids that are fixed by calibration rows.

The operand of each product is rounded by QuantizeLinear and DequantizeLinear to 8 or 16 bits, its
weights are symmetric int8 with a scale a column, its bias int32 in units of both scales; 0 is exact
everywhere. Only operands of products are rounded: what is between them stays float32.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import onnx

from toolkit.quantizer.ablation import Ablation
from toolkit.quantizer.calibration import Calibration
from toolkit.quantizer.codes.affine import Affine
from toolkit.quantizer.codes.choice import MOST_INPUTS, second_moments
from toolkit.quantizer.codes.formats import Format, encode
from toolkit.quantizer.graphs.qdq import rebuilt, signed, whole, with_pairs
from toolkit.quantizer.graphs.ranges import RANGES, grid, rounded
from toolkit.quantizer.parameters import Product, plain_products, replace_values
from toolkit.quantizer.refitting import Refitting
from toolkit.quantizer.refusals import NotApplicable

Values = dict[str, np.ndarray]
Grids = Mapping[str, tuple[np.float32, int]]
# A graph is good enough at this part of what its method allows: other rows will be worse.
SHARE = 0.2
# A device meets rows that lie further out than any calibration row. Grids from the tamest 90 % of
# these must reach the goal on all of them: what is then clipped is what will be clipped later.
TAME = 0.9
# Integers save little in products of fewer inputs; raw features, whose tails are long, lose most.
FEWEST_INPUTS = 16


@dataclass(frozen=True)
class Plan:
    """One way to quantize a graph: which products, on which grids, and what comes of it.

    grids: scale and zero point by operand; values: what replaces biases; error: the normalised MSE
    and SHARE of the share of labels that differ, with these grids or with those of the tamest rows,
    whichever is worse.
    """

    products: tuple[Product, ...]
    grids: Grids
    values: Values
    error: float

    @property
    def weights(self) -> int:
        """How many weights are multiplied as integers."""
        return sum(p.values.size for p in self.products)


@dataclass(frozen=True)
class Layers:
    """What all plans share: products, their codes, and the float graph's tensors."""

    model: onnx.ModelProto
    calibration: Calibration
    products: tuple[Product, ...]
    codes: dict[str, Affine]
    exact: Values
    bits: int


def quantized(
    model: onnx.ModelProto,
    calibration: Calibration,
    *,
    bits: int,
    weight_bits: int,
    limits: Mapping[str, float],
) -> bytes:
    """Return the graph with rounded operands and weights, in that way of `RANGES` that does best.

    bits: of operands, 8 or 16; weight_bits: at most 8. A product whose operand would cost more than
    the limits allow stays float32. Raises NotApplicable where none is left.
    """
    layers = _layers(model, calibration, bits, weight_bits)
    goal = SHARE * limits["nmse"]
    plans = [_plan(layers, kind, goal) for kind in RANGES[bits]]
    best = min(plans, key=lambda plan: (plan.error > goal, -plan.weights, plan.error))
    if not best.products:
        raise NotApplicable(
            f"operands of {bits} bits cost too much accuracy in every product of this graph"
        )
    try:
        return _written(layers, best).SerializeToString(deterministic=True)
    except ValueError as error:
        raise NotApplicable(str(error)) from None


def _layers(
    model: onnx.ModelProto, calibration: Calibration, bits: int, weight_bits: int
) -> Layers:
    products = [p for p in plain_products(model) if len(p.values) >= FEWEST_INPUTS]
    if not products:
        raise NotApplicable(
            f"the graph has no product of float32 numbers with {FEWEST_INPUTS} inputs or more; in "
            "integers, fewer save nothing"
        )
    tensors = [n for p in products for n in (p.source, p.output)]
    probe = Ablation(model, calibration, [], tensors)
    exact = probe.run([*tensors, *probe.outputs], {})
    form, codes = Format("affine", weight_bits, "column", symmetric=True), {}
    for product in products:
        few = len(product.values) <= MOST_INPUTS
        moments = second_moments(exact[product.source]) if few else None
        try:
            encoded = encode(product.values, form, moments)
        except ValueError as error:
            raise NotApplicable(f"initializer {product.name!r} {error}") from None
        assert isinstance(encoded, Affine)
        codes[product.name] = encoded
    return Layers(model, calibration, tuple(products), codes, exact, bits)


def _plan(layers: Layers, kind: str, goal: float) -> Plan:
    """Return the plan that reaches the goal after leaving out the costliest products."""
    every, tame = (_grids(layers, kind, share) for share in (1.0, TAME))
    order = sorted(layers.products, key=lambda p: _cost(p, layers, every[p.source]))
    while True:
        chosen = tuple(p for p in layers.products if p in order)
        plan = _tried(layers, chosen, every)
        error = max(plan.error, _tried(layers, chosen, tame).error)
        if error <= goal or not order:
            return replace(plan, error=error)
        order.pop()


def _grids(layers: Layers, kind: str, share: float) -> Grids:
    """Return every operand's scale and zero point, from its rows of the smallest magnitudes."""
    choose, grids = RANGES[layers.bits][kind], {}
    for product in layers.products:
        operand = layers.exact[product.source]
        order = np.argsort(np.abs(operand).max(axis=1), kind="stable")
        rows = operand[order[: max(1, int(share * len(order)))]]
        grids[product.source] = grid(*choose(rows, layers.bits), layers.bits)
    return grids


def _cost(product: Product, layers: Layers, step: tuple[np.float32, int]) -> float:
    """Return the error of a product by its operand's rounding, as a share of its variance."""
    operand = layers.exact[product.source].astype(np.float64)
    lost = (rounded(operand, *step, layers.bits) - operand) @ product.values
    spread = float((operand @ product.values).var())
    return float(np.square(lost).mean()) / spread if spread > 0 else 0.0


def _tried(layers: Layers, products: Sequence[Product], every: Grids) -> Plan:
    """Return a plan with its biases refitted and its error measured, in float32 arithmetic."""
    names = {p.name for p in products}
    grids = {p.source: every[p.source] for p in products}
    model = with_pairs(layers.model, grids, names, layers.bits)
    changeable = [n for p in products for n in (p.name, p.bias) if n]
    probe = Ablation(model, layers.calibration, changeable, [p.output for p in products])
    refitting = Refitting(probe, layers.exact)
    changed = {p.name: layers.codes[p.name].decode() for p in products}
    for product in products:
        if product.bias:
            changed[product.bias] = refitting.bias(product, changed)
    error, agreement = probe.differences(changed, layers.exact)
    biases = {n: v for n, v in changed.items() if n not in names}
    return Plan(tuple(products), grids, biases, error + SHARE * (1 - agreement))


def _written(layers: Layers, plan: Plan) -> onnx.ModelProto:
    names = {p.name for p in plan.products}
    model = with_pairs(layers.model, plan.grids, names, layers.bits)
    replace_values(model, plan.values)
    pieces, gone = [], set()
    for product in plan.products:
        codes = layers.codes[product.name]
        pieces.append(signed(product.name, codes))
        gone.add(product.name)
        if product.bias and layers.bits == 8:
            unit = plan.grids[product.source][0] * codes.scale
            pieces.append(whole(product.bias, plan.values[product.bias], unit))
            gone.add(product.bias)
    return rebuilt(model, gone, pieces)
