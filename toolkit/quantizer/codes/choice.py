"""Which codes of a nominal width suit one tensor best.

A matrix in a product is judged by the product's error on the calibration rows: it can be computed
from second moments, and codes can be rounded so as to keep it. Any other tensor is judged by what
happens to the model's outputs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from toolkit.quantizer.codes.formats import Codes, Format, encode

# Below this size no byte is saved at the expense of accuracy: the file has more of them anyway.
FEW_BYTES = 192
# What a single extreme value counts beside the rows' covariance.
TAIL = 0.01
# Beyond so many inputs there is no matrix of second moments: codes are rounded to the nearest.
MOST_INPUTS = 1024


def choose(
    values: np.ndarray, inputs: np.ndarray, bits: int, negligible: float
) -> tuple[float, Codes]:
    """Return (error, codes): a layer's weights in what loses least for its bytes (see `_best`).

    values: float32 or float64 [inputs, outputs], inputs: [rows, inputs] on the calibration rows;
    negligible: an error that is worth no byte.

    The error is that of the layer's outputs, once the bias has taken up its mean:
    `trace(Δᵀ Cov(x) Δ) / trace(Wᵀ Cov(x) W)`, Δ = W − decode(codes). Raises ValueError where no
    encoding can hold the values.
    """
    if len(values) > MOST_INPUTS:
        centred = _centred(inputs)
        options = [(product_error(values, c, centred), c) for c in _encoded(values, bits, None)]
    else:
        moments = second_moments(inputs)
        options = [(output_error(values, c, moments), c) for c in _encoded(values, bits, moments)]
    return _best(options, values.size, negligible)


def choose_stored(
    values: np.ndarray, bits: int, negligible: float, error: Callable[[np.ndarray], float]
) -> tuple[float, Codes]:
    """Return (error, codes): any other tensor in what loses least for its bytes (see `_best`).

    error: what the model's outputs lose where the tensor is replaced by what codes stand for.
    """
    options = [(error(c.decode()), c) for c in _encoded(values, bits, None)]
    return _best(options, values.size, negligible)


def _best(options: list[tuple[float, Codes]], count: int, negligible: float) -> tuple[float, Codes]:
    """Return what loses least for its bytes: the least `error · 4**(bits a number)`.

    A bit more a number makes an error of rounding a quarter, so whatever does better is worth its
    bytes. Among codes of a few bytes it is the most accurate one.
    """
    if not options:
        raise ValueError("holds values that no codes can hold")
    few = [(error, c) for error, c in options if len(c.to_bytes()) <= FEW_BYTES]
    if few:
        return min(few, key=lambda pair: pair[0])
    return min(
        options,
        key=lambda pair: max(pair[0], negligible) * 4.0 ** (8 * len(pair[1].to_bytes()) / count),
    )


def _encoded(values: np.ndarray, bits: int, moments: np.ndarray | None) -> Iterator[Codes]:
    """Yield the tensor in every format of a width that can hold it and may suit it."""
    for form in _formats(values, bits, moments is not None):
        try:
            codes = encode(values, form, moments)
        except ValueError:  # beyond this format's range
            continue
        if codes is not None:
            yield codes


def _formats(values: np.ndarray, bits: int, has_inputs: bool) -> Iterator[Format]:
    exponents = ("", "magnitude", "deviation") if has_inputs else ("", "magnitude")
    columns = values.ndim > 1 and values.shape[-1] > 1
    for exponent in exponents if values.ndim > 1 else ("",):
        yield Format("affine", bits, "tensor", exponent)
        if columns:
            yield Format("affine", bits, "column", exponent)
    yield Format("affine", bits, "tensor", symmetric=True)
    if bits < 8 and len(values) > 64:
        yield Format("affine", bits, "block")
    if values.ndim == 2 and values.shape[1] == 1:
        if 8 <= bits <= 10:  # it has 9
            yield Format("mantissa")
        if bits >= 8 and values.size * 2 <= FEW_BYTES:
            yield Format("float16")
    # Worth its three numbers a group only along the shorter side.
    if values.ndim == 2 and max(values.shape) > 64:
        shorter = "column" if values.shape[0] > values.shape[1] else "row"
        yield Format("companded", bits, shorter)


def second_moments(inputs: np.ndarray) -> np.ndarray:
    """Return what the error of a layer's weights is measured in, float64 [inputs, inputs].

    The covariance of the layer's inputs [rows, inputs], and TAIL times the square of each input's
    largest deviation from its mean on the diagonal: a row like that may come alone, where no other
    input makes good for it.
    """
    centred = _centred(inputs)
    covariance = centred.T @ centred / len(centred)
    return covariance + TAIL * np.diag(np.square(centred).max(axis=0))


def _centred(inputs: np.ndarray) -> np.ndarray:
    values = inputs.astype(np.float64)
    return values - values.mean(axis=0)


def output_error(values: np.ndarray, codes: Codes, moments: np.ndarray) -> float:
    """Return the layer's output error as a share of its output variance (formula in `choose`)."""
    delta = values.astype(np.float64) - codes.decode()
    spread = float(np.einsum("io,ij,jo->", values, moments, values, optimize=True))
    error = float(np.einsum("io,ij,jo->", delta, moments, delta, optimize=True))
    return error / spread if spread > 0 else float(np.square(delta).mean())


def product_error(values: np.ndarray, codes: Codes, centred: np.ndarray) -> float:
    """Return the same from the rows themselves [rows, inputs], their mean taken out."""
    delta = values.astype(np.float64) - codes.decode()
    spread = float(np.square(centred @ values).sum())
    return float(np.square(centred @ delta).sum()) / spread if spread > 0 else 0.0
