"""Parameters coded in turn: what lies behind each is fitted to what its inputs have become."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import onnx

from toolkit.quantizer.ablation import Ablation
from toolkit.quantizer.calibration import Calibration
from toolkit.quantizer.parameters import Parameter, Product
from toolkit.quantizer.refit import refitted_bias, refitted_readout, short_bias

Values = Mapping[str, np.ndarray]


@dataclass(frozen=True)
class Refitting:
    """A graph whose parameters are replaced, and what the float graph makes of the same rows.

    exact: the products' sources and outputs, and the model's outputs. `changed` is everywhere what
    initializers have been replaced by so far.
    """

    probe: Ablation
    exact: Values

    @staticmethod
    def of(
        model: onnx.ModelProto,
        calibration: Calibration,
        parameters: Sequence[Parameter],
        others: Sequence[str] = (),
    ) -> Refitting:
        """Open a graph in which parameters, their biases and other initializers can be replaced."""
        products = [p for p in parameters if isinstance(p, Product)]
        names = [p.name for p in parameters] + [p.bias for p in products if p.bias]
        tensors = [n for p in products for n in (p.source, p.output)]
        probe = Ablation(model, calibration, [*names, *others], tensors)
        return Refitting(probe, probe.run([*tensors, *probe.outputs], {}))

    def readout(self, product: Product, changed: Values) -> tuple[np.ndarray, np.ndarray]:
        """Return a product's coefficients, refitted where that helps, and its inputs as they are.

        The coefficients are `product.values` itself where they stay.
        """
        now = self.probe.run([product.source, product.output], changed)
        bias = self.probe.values[product.bias] if product.bias else None
        return refitted_readout(product, now, self.exact, bias), now[product.source]

    def bias(self, product: Product, changed: Values) -> np.ndarray:
        """Return a product's bias, shifted so that the mean of its output stays what it was."""
        assert product.bias is not None
        after = self.probe.run([product.output], changed)[product.output]
        return refitted_bias(self.probe.values[product.bias], self.exact[product.output], after)

    def short_bias(self, product: Product, changed: Values) -> np.ndarray:
        """Return the same as a pack keeps it: as float32 holds it, where that is enough."""
        return short_bias(self.bias(product, changed), self.exact[product.output])
