"""Parameters as affine codes for plain graphs, one after the other in the graph's order.

After each, what lies behind is fitted to what its inputs have become: the coefficients of a
read-out, and the bias, so that the mean of the layer's output stays.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from toolkit.quantizer.ablation import Ablation, rows_for_choice
from toolkit.quantizer.codes.affine import Affine
from toolkit.quantizer.codes.choice import (
    MOST_INPUTS,
    output_error,
    product_error,
    second_moments,
)
from toolkit.quantizer.codes.formats import Format, encode
from toolkit.quantizer.graphs.qdq import read_back
from toolkit.quantizer.parameters import Parameter, Product
from toolkit.quantizer.refitting import Refitting

# An error below this share of the output's variance is not worth a byte.
NEGLIGIBLE = 1e-7
# What scales and zero points, and the node that reads them, take in a file beside their numbers.
OVERHEAD = 110
# A product's error above this share of its output's variance is too much if there is another way.
FAR = 1e-4
# A parameter is little beside the rest where it is less than this part of all numbers.
MINOR = 8
# Rows on which formats of stored tensors are compared.
CHOICE_ROWS = 512

Values = dict[str, np.ndarray]
Choice = tuple[float, Affine | None]
Formats = Callable[[Parameter], Sequence[Format]]


def code(
    refitting: Refitting,
    parameters: Sequence[Parameter],
    formats: Formats,
    minor: Sequence[Format],
) -> tuple[dict[str, Affine], Values]:
    """Return codes by name, and what replaces each initializer: their values, and refitted biases.

    refitting: of the graph whose parameters these are; formats: those that a parameter may be
    stored in, none where it stays as it is; minor: those of a product that has few of all numbers
    and would lose too much in the others. A parameter also stays where codes are no smaller. Raises
    ValueError where one is not finite.
    """
    total = sum(p.values.size for p in parameters)
    encoded: dict[str, Affine] = {}
    changed: Values = {}
    for parameter in parameters:
        values = parameter.values
        if isinstance(parameter, Product):
            values, inputs = refitting.readout(parameter, changed)
            error, codes = _of_product(values, inputs, formats(parameter))
            if codes is not None and error > FAR and MINOR * values.size <= total:
                error, codes = _of_product(values, inputs, minor)
        else:
            error, codes = _of_stored(parameter.name, values, refitting.probe, formats(parameter))
        if codes is not None and stored_bytes(codes) < values.nbytes:
            encoded[parameter.name] = codes
            changed[parameter.name] = read_back(codes)
        elif values is not parameter.values:
            changed[parameter.name] = values
        if isinstance(parameter, Product) and parameter.bias and changed:
            changed[parameter.bias] = refitting.bias(parameter, changed)
    return encoded, changed


def _of_product(values: np.ndarray, inputs: np.ndarray, formats: Sequence[Format]) -> Choice:
    if len(values) > MOST_INPUTS:
        centred = inputs - inputs.mean(axis=0, dtype=np.float64)
        nearest = [_affine(values, f) for f in formats if f.exponents != "deviation"]
        return _smallest([(product_error(values, c, centred), c) for c in nearest])
    moments = second_moments(inputs)
    options = [_affine(values, form, moments) for form in formats]
    return _smallest([(output_error(values, c, moments), c) for c in options])


def _affine(values: np.ndarray, form: Format, moments: np.ndarray | None = None) -> Affine:
    codes = encode(values, form, moments)
    assert isinstance(codes, Affine)
    return codes


def _of_stored(name: str, values: np.ndarray, probe: Ablation, formats: Sequence[Format]) -> Choice:
    """Return the codes that change the model's outputs least, by the rule of `_smallest`."""
    feed = rows_for_choice(probe.feed, CHOICE_ROWS)
    expected = probe.run(probe.outputs, {}, feed)
    options = []
    for form in formats:
        if form.exponents != "deviation":
            codes = _affine(values, form)
            error, agreement = probe.differences({name: read_back(codes)}, expected, feed)
            options.append((error + 1 - agreement, codes))
    return _smallest(options)


def _smallest(options: list[tuple[float, Affine]]) -> Choice:
    """Return the smallest codes whose error is within twice that of the best, or negligible."""
    if not options:
        return 0.0, None
    bound = max(NEGLIGIBLE, 2 * min(error for error, _ in options))
    return min((f for f in options if f[0] <= bound), key=lambda f: stored_bytes(f[1]))


def stored_bytes(codes: Affine) -> int:
    """Return about how many bytes the codes take in a graph."""
    each = (2 if codes.block else 4) + codes.bits / 8
    rows = 0 if codes.exponent is None else OVERHEAD // 2 + 4 * len(codes.exponent)
    return int(codes.codes.size * codes.bits / 8 + codes.scale.size * each) + rows + OVERHEAD
