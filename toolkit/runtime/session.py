"""Opening ONNX bytes in onnxruntime with settings for small devices."""

from __future__ import annotations

from typing import Any

from toolkit.errors import CorruptArtifact
from toolkit.runtime.ort import onnxruntime


def open_session(model: bytes, origin: str, threads: int = 1) -> Any:
    """Return an `onnxruntime.InferenceSession` on the CPU; `origin` names the model in messages.

    One intra-op thread by default: small models gain nothing from more, results do not depend on
    the number of cores, and an idle device does not spin. Raises CorruptArtifact where onnxruntime
    refuses the bytes.
    """
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 4  # what is wrong is raised as an error; nothing goes to stderr
    try:
        return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime's own exceptions share no public base class
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise CorruptArtifact(
            f"{origin}: onnxruntime {onnxruntime.__version__} cannot open it ({reason}); copy or "
            "make the file again"
        ) from error
