"""How large a variant is, as a file and as a download."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from typing import Any

import joblib

# gzip's own default. The highest level, 9, takes fitted trees 15 times as long for a hundredth.
LEVEL = 6
STEP = 1 << 20  # so much is given to zlib at once


@dataclass(frozen=True)
class Size:
    """A file's length, and its length under zlib at LEVEL: about what a gzip transfer takes."""

    bytes: int
    compressed: int


class _Scale:
    """A file that keeps nothing of what is written but how long it is."""

    def __init__(self) -> None:
        self._zlib = zlib.compressobj(LEVEL)
        self._bytes = self._compressed = 0

    def write(self, content: Any) -> int:
        view = memoryview(content).cast("B")
        for at in range(0, len(view), STEP):
            self._compressed += len(self._zlib.compress(view[at : at + STEP]))
        self._bytes += len(view)
        return len(view)

    def tell(self) -> int:  # joblib aligns arrays by it
        return self._bytes

    def read(self) -> Size:
        return Size(self._bytes, self._compressed + len(self._zlib.flush()))


def of_bytes(content: bytes) -> Size:
    """Return the size of a file's content."""
    scale = _Scale()
    scale.write(content)
    return scale.read()


def of_dump(estimator: Any) -> Size:
    """Return the size of the estimator as `joblib.dump` writes it: what people deploy today."""
    scale = _Scale()
    joblib.dump(estimator, scale)
    return scale.read()


def ratio(float_bytes: int | None, size: int | None) -> float | None:
    """Return how many times smaller than model.onnx something is; None where a size is unknown."""
    return float_bytes / size if float_bytes and size else None
