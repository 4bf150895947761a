"""Weight matrices and their biases as parameters: 2 to 16 bits, by tensor, column or block."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import onnx

from toolkit.quantizer.affine import Affine
from toolkit.quantizer.budget.allocation import unbeaten
from toolkit.quantizer.budget.parameters import EXACT, Option, Parameter, compressed_size
from toolkit.quantizer.budget.probe import Probe
from toolkit.quantizer.calibration import Calibration
from toolkit.quantizer.choice import output_error, second_moments
from toolkit.quantizer.formats import ENCODERS, Codes, Format, encode
from toolkit.quantizer.mantissa import Mantissa
from toolkit.quantizer.refit import values_of
from toolkit.quantizer.rounding import refine
from toolkit.quantizer.weights import Weight, find_weights

WIDTHS = (2, 3, 4, 5, 6, 7, 10, 12, 14, 16)
LEVELS = tuple(round(2 ** (half / 2)) for half in range(3, 17))
LAYOUTS = [(s, e) for s in ("tensor", "column") for e in ("", "magnitude", "deviation")]
# What a matrix can be stored as. Few levels a byte, half a bit apart, are for large ones (the
# file's compression takes them below their bits, since most weights are near the middle), codes
# packed to their bits for small ones.
FORMATS = (
    Format("float16"),
    Format("mantissa"),
    *(Format("affine", 8, s, e, levels=levels) for levels in LEVELS for s, e in LAYOUTS),
    *(Format("affine", bits, s, e) for bits in WIDTHS for s, e in LAYOUTS),
    *(Format("affine", bits, "block") for bits in range(2, 9)),
    *(Format("companded", bits, s) for bits in (4, 5, 6, 7, 8, 10, 12) for s in ("row", "column")),
)
VECTORS = (Format("float16"), *(Format("affine", bits) for bits in (12, 10, 8, 7, 6, 5, 4)))
# A tensor keeps at most so many options: neighbours on its front differ by little.
OPTIONS = 32
SMALLEST_ERROR = 1e-12


@dataclass(frozen=True)
class Matrices:
    """The weights of a graph that is open with all of them as inputs.

    means: each weight's mean input on the fitting rows, float64 [inputs], in the float graph.
    """

    model: onnx.ModelProto
    weights: list[Weight]
    probe: Probe
    means: dict[str, np.ndarray]

    @staticmethod
    def of(model: onnx.ModelProto, fitting: Calibration) -> Matrices:
        """Return the weights of a graph, with rows to fit them to."""
        weights = find_weights(model)
        free = [n for w in weights for n in (w.name, w.bias) if n]
        probe = Probe(model, fitting.feed, free, watched=[w.source for w in weights])
        means = {w.name: probe.watch(w.source, {}).mean(axis=0, dtype=np.float64) for w in weights}
        return Matrices(model, weights, probe, means)

    def parameters(self) -> Iterator[Parameter]:
        """Yield each weight and each bias with its options."""
        for weight in self.weights:
            yield self._weight(weight)
            if weight.bias:
                yield self._bias(weight.bias)

    def coded(self, chosen: Mapping[str, Option]) -> tuple[dict[str, Codes], dict[str, np.ndarray]]:
        """Return the codes by initializer, and the graph's tensors that they and refitting change.

        Layer by layer: each bias is refitted to what the layer's inputs and weights have become.
        """
        codes: dict[str, Codes] = {}
        replaced: dict[str, np.ndarray] = {}
        for weight in self.weights:
            _store(weight.name, weight.values, chosen[weight.name], codes, replaced)
            if weight.bias:
                inputs = self.probe.watch(weight.source, replaced).mean(axis=0, dtype=np.float64)
                bias = self._refitted(weight, replaced.get(weight.name, weight.values), inputs)
                _store(weight.bias, bias, chosen[weight.bias], codes, replaced)
        return codes, replaced

    def _refitted(self, weight: Weight, decoded: np.ndarray, inputs: np.ndarray) -> np.ndarray:
        """Return the bias that keeps the layer's mean output: `b + mean(x)W − mean(x′)W′`."""
        bias = values_of(self.model, weight.bias or "")
        kept = self.means[weight.name] @ weight.values.astype(np.float64)
        lost = kept - inputs @ decoded.astype(np.float64)
        return (bias + lost.reshape(bias.shape)).astype(bias.dtype)

    def _weight(self, weight: Weight) -> Parameter:
        inputs = self.probe.watch(weight.source, {})
        options = [Option(EXACT, compressed_size(weight.values.tobytes()), _as_it_is)]
        for form, codes in best_codes(weight.values, second_moments(inputs)):
            alone = {weight.name: codes.decode()}
            if weight.bias:
                refitted = self._refitted(weight, codes.decode(), self.means[weight.name])
                alone[weight.bias] = refitted
            size = compressed_size(codes.to_bytes())
            options.append(Option(str(form), size, _always(codes), alone))
        return Parameter(weight.name, tuple(options))

    def _bias(self, name: str) -> Parameter:
        values = values_of(self.model, name)
        options = [Option(EXACT, compressed_size(values.tobytes()), _as_it_is)]
        for form in VECTORS:
            codes = encode(values, form)
            if codes is not None:
                size, alone = compressed_size(codes.to_bytes()), {name: codes.decode()}
                options.append(Option(str(form), size, _in(form), alone))
        return Parameter(name, tuple(options))


def _store(
    name: str,
    values: np.ndarray,
    option: Option,
    codes: dict[str, Codes],
    replaced: dict[str, np.ndarray],
) -> None:
    found = option.encode(values)
    if found is None:
        replaced[name] = values
    else:
        codes[name], replaced[name] = found, found.decode()


def _as_it_is(_: np.ndarray) -> None:
    return None


def _always(codes: Codes) -> Callable[[np.ndarray], Codes]:
    return lambda _: codes


def _in(form: Format) -> Callable[[np.ndarray], Codes | None]:
    return lambda values: encode(values, form)


def best_codes(values: np.ndarray, covariance: np.ndarray) -> list[tuple[Format, Codes]]:
    """Return the codes of the formats worth a measurement, the largest first.

    Nearest codes of every layout are held against each other by bytes and by the layer's output
    error; those that no other beats are rounded for the layer's output (`rounding.refine`).
    """
    found = []
    for form in FORMATS:
        try:
            codes = ENCODERS[form.encoding](values, form, covariance)
        except ValueError:  # the format does not hold these values
            continue
        if codes is not None:
            found.append((form, codes))
    sizes = np.array([compressed_size(c.to_bytes()) for _, c in found])
    errors = np.array([output_error(values, c, covariance) for _, c in found])
    best = unbeaten(sizes, errors)[::-1]
    # Evenly in the logarithm of the error, whose square root a bit halves.
    place = np.log(np.maximum(errors[best], SMALLEST_ERROR))
    wanted = np.linspace(place[0], place[-1], OPTIONS)
    best = best[np.unique(np.searchsorted(place, wanted).clip(0, len(best) - 1))]
    return [(found[k][0], _rounded(values, found[k][1], covariance)) for k in best]


def _rounded(values: np.ndarray, codes: Codes, covariance: np.ndarray) -> Codes:
    return refine(values, codes, covariance) if isinstance(codes, Affine | Mantissa) else codes
