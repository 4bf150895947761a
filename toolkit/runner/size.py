"""How large a variant is, as a file and as a download."""

from __future__ import annotations

import io
import zlib
from typing import Any

import joblib


def compressed(content: bytes) -> int:
    """Return the length of `content` under zlib at level 9: about what a gzip transfer takes."""
    return len(zlib.compress(content, 9))


def ratio(float_bytes: int | None, size: int | None) -> float | None:
    """Return how many times smaller than model.onnx something is; None where a size is unknown."""
    return float_bytes / size if float_bytes and size else None


def joblib_dump(estimator: Any) -> bytes:
    """Return the estimator as `joblib.dump` writes it, uncompressed: what people deploy today."""
    buffer = io.BytesIO()
    joblib.dump(estimator, buffer)
    return buffer.getvalue()
