"""A pack whose parameters are codes of one nominal width, whatever graph they are in.

Parameter by parameter, in the graph's order: choose codes, put what they stand for into the graph,
and refit what comes behind (a layer's bias, a read-out's coefficients) to what its inputs have
become. At last the whole is held against the float graph on the calibration rows; where it is too
far away, the parameter that is most to blame takes wider codes, until it is not.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import onnx

from toolkit.onnx_graph.edits import copied
from toolkit.quantizer.ablation import rows_for_choice
from toolkit.quantizer.calibration import Calibration
from toolkit.quantizer.codes.choice import FEW_BYTES, choose, choose_stored
from toolkit.quantizer.codes.exact import shortest
from toolkit.quantizer.codes.formats import Codes
from toolkit.quantizer.packs.expanded import expanded
from toolkit.quantizer.packs.packing import write_pack
from toolkit.quantizer.parameters import (
    Parameter,
    Product,
    Stored,
    attribute_operator,
    find_doubles,
    find_parameters,
    replace_values,
)
from toolkit.quantizer.refitting import Refitting
from toolkit.quantizer.refusals import NotApplicable
from toolkit.quantizer.trees.coded import coded_trees
from toolkit.quantizer.trees.forests import find_forests

# Rows on which formats of stored tensors are compared.
CHOICE_ROWS = 512
# A parameter is little beside the rest where it is less than this part of all numbers.
MINOR = 8
# The widest codes; beyond them is the tensor's own type.
MOST_BITS = 16
# Widths that are tried one after the other where a limit is broken, by the nominal width.
WIDER = {4: (6, 8), 8: (10, 12, 16, 64), 16: (64,)}


def coded_pack(
    model: onnx.ModelProto,
    calibration: Calibration,
    bits: int,
    limits: Mapping[str, float],
    thresholds: int | None = None,
) -> bytes:
    """Return a pack of the model with codes of `bits` bits, or more where it must be.

    thresholds: how many a feature trees keep at most, None for all of them. Raises NotApplicable
    where the graph has neither parameters nor trees, or holds them where a pack cannot.
    """
    operator = attribute_operator(model)
    if operator:
        raise NotApplicable(
            f"the parameters are attributes of {operator}, which this method does not code"
        )
    model = expanded(model, calibration)
    parameters, forests = find_parameters(model), find_forests(model)
    if not parameters and not forests:
        raise NotApplicable("the graph has no weight matrix among its initializers, and no trees")
    changed = copied(model)
    encoded: dict[str, Codes] = {}
    if parameters:
        coder = Coder(model, calibration, parameters, bits)
        coder.code_within(limits)
        coder.shorten()
        encoded = coder.encoded
        replace_values(changed, coder.changed)
    return write_pack(changed, encoded, coded_trees(model, calibration, 1 << bits, thresholds))


class Coder:
    """The parameters coded so far: `encoded` by name, and in `changed` what they stand for.

    changed also has the biases and read-outs that were refitted.
    """

    def __init__(
        self,
        model: onnx.ModelProto,
        calibration: Calibration,
        parameters: Sequence[Parameter],
        bits: int,
    ) -> None:
        self.bits = bits
        self.goal = 4.0**-bits  # what an error of codes of so many bits is like
        self.parameters = parameters
        self.short = {p.name for p in parameters if shortest(p.values) is not None}
        self.total = sum(p.values.size for p in parameters if p.name not in self.short)
        self.doubles = find_doubles(model)
        self.refitting = Refitting.of(model, calibration, parameters, self.doubles)
        self.probe, self.exact = self.refitting.probe, self.refitting.exact
        self.trial = rows_for_choice(calibration.feed, CHOICE_ROWS)
        self.expected = self.probe.run(self.probe.outputs, {}, self.trial)
        self.encoded: dict[str, Codes] = {}
        self.changed: dict[str, np.ndarray] = {}
        self.errors: dict[str, float] = {}
        self.stored: dict[tuple[str, int], tuple[float, Codes]] = {}

    def code_within(self, limits: Mapping[str, float]) -> None:
        """Code all parameters; those that are most to blame take wider codes where it must be.

        One or two bits more where the outputs' normalised MSE is above 4**-bits (a stored tensor)
        or four times that (a matrix in a product); any tensor takes more, at last its own type,
        while the error is above half a limit.
        """
        widths = {p.name: self._first_width(p) for p in self.parameters}
        stored = {p.name for p in self.parameters if not isinstance(p, Product)}
        while True:
            self.code(widths)
            error, agreement = self.probe.differences(self.changed, self.exact)
            unseen, _ = self.probe.differences(self.changed, self.expected, self.trial)
            if error > limits["nmse"] / 2 or 1 - agreement > (1 - limits["agreement"]) / 2:
                wider = {n: _next(widths[n], self.bits) for n in self.errors}
            elif max(error, unseen / 2) > self.goal:
                near = max(error, unseen / 2) <= 4 * self.goal
                every = stored & self.errors.keys() if near else self.errors
                wider = {n: min(MOST_BITS, self.bits + 2, widths[n] + 1) for n in every}
            else:
                return
            wider = {n: w for n, w in wider.items() if w > widths[n]}
            if not wider:
                return
            worst = max(wider, key=lambda n: self.errors[n])
            widths[worst] = wider[worst]

    def code(self, widths: Mapping[str, int]) -> None:
        """Code all parameters anew, each with its width, and refit what depends on them."""
        self.encoded, self.changed, self.errors = {}, {}, {}
        for parameter in self.parameters:
            finite = bool(np.isfinite(parameter.values).all())
            if not finite and isinstance(parameter, Product):
                raise NotApplicable(
                    f"initializer {parameter.name!r} holds values that are not finite"
                )
            width = widths[parameter.name]
            if width > MOST_BITS or not finite or parameter.name in self.short:
                continue
            if isinstance(parameter, Product):
                self._product(parameter, width)
            else:
                self._stored(parameter, width)

    def shorten(self) -> None:
        """Keep the float64 constants that are left in float32, if the outputs hardly notice it."""
        left = {
            n: self.changed.get(n, self.probe.values[n])
            for n in self.doubles
            if n not in self.encoded and shortest(self.probe.values[n]) is None
        }
        with np.errstate(over="ignore"):
            short = {n: v.astype(np.float32).astype(np.float64) for n, v in left.items()}
        before, _ = self.probe.differences(self.changed, self.exact)
        after, _ = self.probe.differences(self.changed | short, self.exact)
        if after - before <= self.goal / 256:
            self.changed |= short

    def _product(self, product: Product, bits: int) -> None:
        values, inputs = self.refitting.readout(product, self.changed)
        error, codes = choose(values, inputs, bits, self.goal / 16)
        self.encoded[product.name], self.errors[product.name] = codes, error
        self.changed[product.name] = codes.decode()
        if product.bias:
            self.changed[product.bias] = self.refitting.short_bias(product, self.changed)

    def _stored(self, parameter: Stored, bits: int) -> None:
        def error(decoded: np.ndarray) -> float:
            difference, agreement = self.probe.differences(
                {parameter.name: decoded}, self.expected, self.trial
            )
            return difference + (1 - agreement if self.probe.outputs == ["label"] else 0.0)

        key = parameter.name, bits
        if key not in self.stored:
            self.stored[key] = choose_stored(parameter.values, bits, self.goal / 16, error)
        self.errors[parameter.name], codes = self.stored[key]
        self.encoded[parameter.name] = codes
        self.changed[parameter.name] = codes.decode()

    def _first_width(self, parameter: Parameter) -> int:
        """Return the width to begin with: twice as many bits for what is little beside the rest.

        Of few numbers the file is not made of: fewer than eight bits save nothing there.
        """
        bits = self.bits if parameter.values.size > FEW_BYTES else max(8, self.bits)
        minor = parameter.values.size * MINOR <= self.total
        return min(MOST_BITS, 2 * bits) if minor else bits


def _next(width: int, bits: int) -> int:
    """Return the next width that is tried where codes of `width` bits break a limit."""
    return next((w for w in WIDER[bits] if w > width), width)
