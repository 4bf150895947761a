"""Every way in which a pack may store one tensor of floating-point numbers, by one function.

    encode(values, Format("affine", bits=5, scales="block"), moments)

gives codes (`.decode()` is what a reader sees, `len(.to_bytes())` what they take before the file
is compressed). With the second moments of the layer's inputs, affine and mantissa codes of a matrix
are rounded so that the layer's output is kept (`rounding.refine`); without them to the nearest.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from toolkit.quantizer.codes import affine, companded, mantissa, plain
from toolkit.quantizer.codes.affine import Affine
from toolkit.quantizer.codes.companded import Companded
from toolkit.quantizer.codes.mantissa import Mantissa
from toolkit.quantizer.codes.plain import Half, Integers, Single
from toolkit.quantizer.codes.rounding import refine

Codes = Affine | Companded | Mantissa | Half | Single | Integers

# Rows that share their scales in the layout "block".
BLOCK = 32
# Up to so many bits a scale of 11 bits, rounded up, makes no grid noticeably coarser.
SHORT = 8


@dataclass(frozen=True)
class Format:
    """An encoding and its layout.

    encoding: float32, float16, affine, companded or mantissa; bits: of an affine or companded code,
    2 to 16; scales: what has a scale of its own: the tensor, a "column", a "row" (companded only)
    or a "block" of 32 rows in each column; exponents: the power of two that
    each row is divided by: none, that of its largest "magnitude", or of its input's "deviation";
    levels: of an affine grid, where fewer than the bits have room for, 0 for all. Few levels in
    eight bits are for compressed files: they take less there than codes packed to their bits.
    """

    encoding: str
    bits: int = 8
    scales: str = "tensor"
    exponents: str = ""
    symmetric: bool = False
    levels: int = 0

    def __str__(self) -> str:
        """Return the format in words."""
        if self.encoding not in ("affine", "companded"):
            return self.encoding
        width = f"{self.levels} levels" if self.levels else f"{self.bits} bits"
        by = "" if self.scales == "tensor" else f" per {self.scales}"
        further = f", {self.exponents} exponents" if self.exponents else ""
        return width + by + (", companded" if self.encoding == "companded" else further)


def encode(values: np.ndarray, form: Format, moments: np.ndarray | None = None) -> Codes | None:
    """Return a float32 or float64 tensor of rank ≥ 1 in a format; None where it stays as it is.

    moments: [inputs, inputs] float64 of the operand that a matrix is multiplied with, None for
    other tensors. Raises ValueError where the format cannot hold the values (not finite, beyond
    its range, not a matrix where it must be one).
    """
    if not np.isfinite(values).all():
        raise ValueError("holds values that are not finite")
    codes = ENCODERS[form.encoding](values, form, moments)
    return None if codes is None else refined(values, codes, moments)


def refined(values: np.ndarray, codes: Codes, moments: np.ndarray | None) -> Codes:
    """Return a tensor's nearest codes rounded for its product, if it is in one and they can be."""
    if moments is not None and isinstance(codes, Affine | Mantissa):
        return refine(values, codes, moments)
    return codes


def _affine(values: np.ndarray, form: Format, moments: np.ndarray | None) -> Affine:
    exponent = None
    if form.exponents == "magnitude":
        exponent = affine.magnitude_exponents(values)
    elif form.exponents == "deviation":
        if moments is None:
            raise ValueError("has no inputs whose deviation is known")
        exponent = affine.standardising_exponents(np.sqrt(np.maximum(np.diag(moments), 0.0)))
    block = form.scales == "block"
    return affine.encode(
        values,
        per_column=form.scales in ("column", "block") and values.ndim > 1,
        exponent=exponent,
        bits=form.bits,
        block=BLOCK * block,
        symmetric=form.symmetric,
        short=form.bits <= SHORT,
        steps=form.levels - 1 if form.levels else None,
    )


def _companded(values: np.ndarray, form: Format, moments: np.ndarray | None) -> Companded:
    if values.ndim != 2 or not values.size:
        raise ValueError(f"has the shape {values.shape}, companded codes are for matrices")
    return companded.encode(values, int(form.scales == "column"), form.bits)


def _mantissa(values: np.ndarray, form: Format, moments: np.ndarray | None) -> Mantissa:
    if values.ndim != 2 or values.shape[1] != 1:
        raise ValueError(f"has the shape {values.shape}, mantissa codes are for one column")
    return mantissa.encode(values)


def _float16(values: np.ndarray, form: Format, moments: np.ndarray | None) -> Half:
    return plain.half(values)


def _float32(values: np.ndarray, form: Format, moments: np.ndarray | None) -> Single | None:
    return plain.single(values) if values.dtype == np.float64 else None


ENCODERS: dict[str, Callable[[np.ndarray, Format, np.ndarray | None], Codes | None]] = {
    "affine": _affine,
    "companded": _companded,
    "mantissa": _mantissa,
    "float16": _float16,
    "float32": _float32,
}
