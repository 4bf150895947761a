"""Other people's quantizers, as they are shipped, on the graph that skl2onnx writes."""

from __future__ import annotations

import contextlib
import io
import logging
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

CALIBRATION_ROWS = 1_024


class Failed(Exception):
    """A quantizer raised an error, or left the graph as it was; the message says which."""


def plain(estimator: Any, X: np.ndarray) -> bytes:
    """Return the graph that skl2onnx alone writes, in float32."""
    from skl2onnx import to_onnx

    steps = getattr(estimator, "steps", [("", estimator)])
    last = steps[-1][1]
    options = {id(last): {"zipmap": False}} if hasattr(last, "classes_") else None
    return to_onnx(estimator, X[:1].astype(np.float32), options=options).SerializeToString()


def quantize_dynamic(source: Path, target: Path, X: np.ndarray) -> None:
    """Run onnxruntime's quantize_dynamic with its defaults: int8 weights."""
    from onnxruntime.quantization import quantize_dynamic

    quantize_dynamic(source, target)


def quantize_dynamic_uint8(source: Path, target: Path, X: np.ndarray) -> None:
    """Run the same with uint8 weights."""
    from onnxruntime.quantization import QuantType, quantize_dynamic

    quantize_dynamic(source, target, weight_type=QuantType.QUInt8)


def quantize_static(source: Path, target: Path, X: np.ndarray) -> None:
    """Run onnxruntime's quantize_static with its defaults: int8, minimum and maximum."""
    import onnx
    from onnxruntime.quantization import CalibrationDataReader, quantize_static

    name = onnx.load(source).graph.input[0].name
    batches = iter([{name: X[:CALIBRATION_ROWS].astype(np.float32)}])

    class Reader(CalibrationDataReader):
        def get_next(self) -> dict[str, np.ndarray] | None:
            return next(batches, None)

    quantize_static(source, target, Reader())


def shrink_ray(source: Path, target: Path, X: np.ndarray) -> None:
    """Run onnx-shrink-ray with its defaults: tensors of 16,384 numbers or more."""
    import onnx
    from onnx_shrink_ray.shrink import quantize_weights

    onnx.save(quantize_weights(onnx.load(source)), target)


def shrink_ray_all(source: Path, target: Path, X: np.ndarray) -> None:
    """Run the same on tensors of any size."""
    import onnx
    from onnx_shrink_ray.shrink import quantize_weights

    onnx.save(quantize_weights(onnx.load(source), min_elements=1), target)


OTHERS: dict[str, Callable[[Path, Path, np.ndarray], None]] = {
    "quantize_dynamic": quantize_dynamic,
    "quantize_dynamic, QUInt8": quantize_dynamic_uint8,
    "quantize_static": quantize_static,
    "onnx-shrink-ray": shrink_ray,
    "onnx-shrink-ray, min_elements=1": shrink_ray_all,
}


def quantized(name: str, content: bytes, X: np.ndarray) -> bytes:
    """Return what one of the OTHERS makes of a graph; X: training rows to calibrate with.

    Raises Failed where it raises an error or changes no parameter.
    """
    import onnx

    from toolkit.quantizer.checks.stored import unchanged

    with tempfile.TemporaryDirectory() as folder, _quiet():
        source, target = Path(folder) / "model.onnx", Path(folder) / "quantized.onnx"
        source.write_bytes(content)
        try:
            OTHERS[name](source, target, X)
            made = target.read_bytes()
        # Each raises errors of its own, from RuntimeError to KeyError.
        except Exception as error:
            raise Failed(f"fails: {type(error).__name__}: {_first_line(error)}") from error
    if unchanged(onnx.load_model_from_string(content), onnx.load_model_from_string(made)):
        raise Failed(f"no-op: all parameters as they were, {len(made):,} bytes")
    return made


def _first_line(error: Exception) -> str:
    line = (str(error).strip().splitlines() or [""])[0]
    return line if len(line) <= 90 else f"{line[:87]}…"


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    logging.disable(logging.ERROR)
    try:
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            yield
    finally:
        logging.disable(logging.NOTSET)
