"""Shorter codes that lose nothing: whole numbers, few different values, doubles that are floats."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from functools import partial

import numpy as np

from toolkit.quantizer.codes.affine import encode
from toolkit.quantizer.codes.formats import Codes
from toolkit.quantizer.codes.plain import half, integers, single

# In so many numbers most tensors show that they have no short codes: no value comes twice.
SAMPLE = 512
WIDTHS = (2, 3, 4, 5, 6, 7, 8, 16)


def shortest(values: np.ndarray) -> Codes | None:
    """Return the codes that stand for exactly these values and deflate best; None if raw does."""
    if values.dtype.kind not in "fiu" or values.dtype.itemsize < 2 or not values.size:
        return None
    options = _integers(values) if values.dtype.kind in "iu" else _floats(values)
    exact = [c for c in options if _same(c.decode(), values)]
    return min([None, *exact], key=lambda c: _deflated(c, values))


def _integers(values: np.ndarray) -> list[Codes]:
    return _made(partial(integers, values))


def _floats(values: np.ndarray) -> list[Codes]:
    if values.ndim == 0 or values.dtype.itemsize < 4:
        return []
    options = _made(partial(half, values))
    if values.dtype == np.float64:
        options += _made(partial(single, values))
    different = len(np.unique(values.ravel()[:SAMPLE]))
    if np.isfinite(values).all() and different < min(SAMPLE, values.size):
        for bits in (w for w in WIDTHS if different <= 1 << w):
            grid = partial(encode, values, per_column=False, bits=bits)
            options += [*_made(grid), *_made(partial(grid, symmetric=True))]
    return options


def _made(make: Callable[[], Codes]) -> list[Codes]:
    """Return the codes that a function makes, nothing where they cannot hold the values."""
    try:
        return [make()]
    except ValueError:
        return []


def _same(decoded: np.ndarray, values: np.ndarray) -> bool:
    """Tell whether all bits are equal: -0 is not 0."""
    return decoded.tobytes() == np.ascontiguousarray(values).tobytes()


def _deflated(codes: Codes | None, values: np.ndarray) -> int:
    content = np.ascontiguousarray(values).tobytes() if codes is None else codes.to_bytes()
    return len(zlib.compress(content))
