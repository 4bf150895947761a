"""Initializers as parameters: weights and stored tensors in 2 to 16 bits, biases, doubles."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import onnx

from toolkit.quantizer.budget.allocation import unbeaten
from toolkit.quantizer.budget.figures import rows_between
from toolkit.quantizer.budget.parameters import EXACT, Option, Parameter, compressed_size
from toolkit.quantizer.calibration import Calibration
from toolkit.quantizer.codes.choice import MOST_INPUTS, output_error, product_error, second_moments
from toolkit.quantizer.codes.exact import shortest
from toolkit.quantizer.codes.formats import ENCODERS, Codes, Format, refined
from toolkit.quantizer.parameters import Product, Stored, find_doubles, find_parameters
from toolkit.quantizer.refitting import Refitting

WIDTHS = (2, 3, 4, 5, 6, 7, 8, 10, 12, 14, 16)
LEVELS = tuple(round(2 ** (half / 2)) for half in range(3, 17))
LAYOUTS = [(s, e) for s in ("tensor", "column") for e in ("", "magnitude", "deviation")]
# What a matrix in a product can be stored as. Few levels a byte, half a bit apart, are for large
# ones (the file's compression takes them below their bits, since most weights are near the middle),
# codes packed to their bits for small ones.
FORMATS = (
    Format("float32"),
    Format("float16"),
    Format("mantissa"),
    *(Format("affine", 8, s, e, levels=levels) for levels in LEVELS for s, e in LAYOUTS),
    *(Format("affine", bits, s, e) for bits in WIDTHS for s, e in LAYOUTS),
    *(Format("affine", bits, "block") for bits in range(2, 9)),
    *(Format("companded", bits, s) for bits in (4, 5, 6, 7, 8, 10, 12) for s in ("row", "column")),
)
# What other tensors can be stored as: each format is a run of the model.
STORED = (
    Format("float32"),
    Format("float16"),
    *(Format("affine", bits, s) for bits in (4, 6, 8, 10, 12) for s in ("tensor", "column")),
    *(Format("companded", bits, s) for bits in range(4, 13) for s in ("row", "column")),
)
VECTORS = (
    Format("float32"),
    Format("float16"),
    *(Format("affine", bits) for bits in (12, 10, 8, 7, 6, 5, 4)),
)
DOUBLES = (Format("float32"),)
# A matrix keeps at most so many options, evenly in the logarithm of the error.
OPTIONS = 32
SMALLEST_ERROR = 1e-12
TRIAL_ROWS = 512

Encoder = Callable[[np.ndarray, np.ndarray | None], Codes | None]


@dataclass(frozen=True)
class Tensors:
    """The initializers of a graph that is open with all of them as inputs.

    others: biases and float64 constants by name, and the formats that they may have; refitting: on
    the fitting rows; trial: rows between them, which sensitivities are measured on: nothing was
    refitted to them.
    """

    parts: Sequence[Product | Stored]
    others: Mapping[str, Sequence[Format]]
    refitting: Refitting
    trial: dict[str, np.ndarray]

    @staticmethod
    def of(model: onnx.ModelProto, fitting: Calibration) -> Tensors:
        """Return the initializers of a graph that can be coded, with rows to fit them to."""
        parts = [p for p in find_parameters(model) if np.isfinite(p.values).all()]
        products = [p for p in parts if isinstance(p, Product)]
        others: dict[str, Sequence[Format]] = dict.fromkeys(find_doubles(model), DOUBLES)
        others |= {p.bias: VECTORS for p in products if p.bias}
        others = {n: f for n, f in others.items() if n not in {p.name for p in parts}}
        refitting = Refitting.of(model, fitting, parts, list(others))
        return Tensors(parts, others, refitting, rows_between(fitting.feed, TRIAL_ROWS))

    @property
    def count(self) -> int:
        """The number of parameters."""
        return len(self.parts) + len(self.others)

    def parameters(self) -> Iterator[Parameter]:
        """Yield each tensor with its options."""
        for part in self.parts:
            options = (
                self._matrix(part) if isinstance(part, Product) else _codes(part.values, STORED)
            )
            yield _parameter(part.name, part.values, options)
        for name, forms in self.others.items():
            values = self.refitting.probe.values[name]
            yield _parameter(name, values, _codes(values, forms))

    def alone(self, name: str, option: Option) -> dict[str, np.ndarray]:
        """Return the graph's tensors where only one parameter is coded, and the rest refitted."""
        return self.coded({name: option})[1]

    def outputs(self, changed: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Return the model's outputs on the trial rows with tensors replaced."""
        probe = self.refitting.probe
        return probe.run(probe.outputs, changed, self.trial)

    def coded(self, chosen: Mapping[str, Option]) -> tuple[dict[str, Codes], dict[str, np.ndarray]]:
        """Return the codes by initializer, and the tensors that they and refitting change.

        In the graph's order: read-outs and biases are refitted to what their inputs have become. A
        parameter that is not named stays exact, and a bias beside it as it was.
        """
        state = _State(chosen)
        for part in self.parts:
            if isinstance(part, Product):
                self._code_product(part, state)
            else:
                state.store(part.name, part.values)
        biases = {p.bias for p in self.parts if isinstance(p, Product)}
        for name in self.others:
            if name not in biases:
                state.store(name, self.refitting.probe.values[name])
        return state.codes, state.changed

    def _code_product(self, part: Product, state: _State) -> None:
        values, inputs = part.values, self.refitting.exact[part.source]
        if state.changed and (part.direct or part.name in state.chosen):
            values, inputs = self.refitting.readout(part, state.changed)
        state.store(part.name, values, inputs, refitted=values is not part.values)
        if part.bias and {part.name, part.bias} & state.chosen.keys():
            shifted = self.refitting.short_bias(part, state.changed)
            state.store(part.bias, shifted, refitted=True)

    def _matrix(self, product: Product) -> list[tuple[Format, Codes]]:
        """Return the codes of the formats worth a measurement.

        Nearest codes of every format are held against each other by bytes and by the product's
        error; those that no other beats are rounded for the product (`refined`).
        """
        values, inputs = product.values, self.refitting.exact[product.source]
        moments = _moments(values, inputs)
        options = _codes(values, FORMATS, moments)
        if moments is None:
            centred = inputs.astype(np.float64) - inputs.mean(axis=0, dtype=np.float64)
            errors = np.array([product_error(values, c, centred) for _, c in options])
        else:
            errors = np.array([output_error(values, c, moments) for _, c in options])
        sizes = np.array([compressed_size(c.to_bytes()) for _, c in options])
        best = _thinned(unbeaten(sizes, errors)[::-1], errors)
        return [(options[k][0], refined(values, options[k][1], moments)) for k in best]


class _State:
    """What is coded so far: `codes` by name, and in `changed` what is not as it was."""

    def __init__(self, chosen: Mapping[str, Option]) -> None:
        self.chosen = chosen
        self.codes: dict[str, Codes] = {}
        self.changed: dict[str, np.ndarray] = {}

    def store(
        self,
        name: str,
        values: np.ndarray,
        inputs: np.ndarray | None = None,
        refitted: bool = False,
    ) -> None:
        """Code a tensor in its chosen format, if any; inputs: what it is multiplied with."""
        option = self.chosen.get(name)
        codes = None if option is None else option.encode(values, inputs)
        if codes is not None:
            self.codes[name], self.changed[name] = codes, codes.decode()
        elif refitted:
            self.changed[name] = values


def _parameter(name: str, values: np.ndarray, coded: Sequence[tuple[Format, Codes]]) -> Parameter:
    exact = shortest(values)
    raw = np.ascontiguousarray(values).tobytes() if exact is None else exact.to_bytes()
    options = [Option(EXACT, compressed_size(raw), _as_it_is)]
    options += [
        Option(str(form), compressed_size(codes.to_bytes()), _encoder(form, values, codes))
        for form, codes in coded
    ]
    return Parameter(name, tuple(options))


def _as_it_is(values: np.ndarray, inputs: np.ndarray | None) -> None:
    return None


def _encoder(form: Format, original: np.ndarray, codes: Codes) -> Encoder:
    """Return a function that gives these codes for the original values, and codes of others."""

    def encoded(values: np.ndarray, inputs: np.ndarray | None) -> Codes | None:
        if values is original:
            return codes
        moments = _moments(values, inputs)
        options = _codes(values, [form], moments)
        # Refitted, they may be beyond this format's range: then they stay as they are.
        return refined(values, options[0][1], moments) if options else None

    return encoded


def _moments(values: np.ndarray, inputs: np.ndarray | None) -> np.ndarray | None:
    return None if inputs is None or len(values) > MOST_INPUTS else second_moments(inputs)


def _codes(
    values: np.ndarray, forms: Sequence[Format], moments: np.ndarray | None = None
) -> list[tuple[Format, Codes]]:
    """Return a tensor's nearest codes in every format that can hold it."""
    options = []
    for form in forms:
        try:
            codes = ENCODERS[form.encoding](values, form, moments)
        except ValueError:  # beyond this format's range, or not a matrix
            continue
        if codes is not None:
            options.append((form, codes))
    return options


def _thinned(best: np.ndarray, errors: np.ndarray) -> np.ndarray:
    """Return OPTIONS of the positions at most, evenly in the logarithm of their errors."""
    place = np.log(np.maximum(errors[best], SMALLEST_ERROR))
    wanted = np.linspace(place[0], place[-1], OPTIONS)
    return best[np.unique(np.searchsorted(place, wanted).clip(0, len(best) - 1))]
