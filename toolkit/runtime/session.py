"""Opening ONNX bytes in onnxruntime with settings for small devices."""

from __future__ import annotations

from typing import Any

from toolkit.errors import CorruptArtifact, first_line
from toolkit.runtime.external import external_file
from toolkit.runtime.ort import onnxruntime


def open_session(model: bytes, origin: str, threads: int = 1) -> Any:
    """Return an `onnxruntime.InferenceSession` on the CPU; `origin` names the model in messages.

    One intra-op thread by default: small models gain nothing from more, results do not depend on
    the number of cores, and an idle device does not spin. Raises CorruptArtifact where onnxruntime
    refuses the bytes, or would read other files for them.
    """
    _refuse_external(model, origin)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 4  # what is wrong is raised as an error; nothing goes to stderr
    # Else bytes of onnxruntime's own format would be taken, into which `external` cannot look.
    options.add_session_config_entry("session.load_model_format", "ONNX")
    try:
        # Its fallback would try the same again and print about it on standard output.
        return onnxruntime.InferenceSession(
            model, options, providers=["CPUExecutionProvider"], enable_fallback=False
        )
    except Exception as error:  # onnxruntime's own exceptions share no public base class
        raise CorruptArtifact(
            f"{origin}: onnxruntime {onnxruntime.__version__} cannot open it "
            f"({first_line(error)}); copy or make the file again"
        ) from error


def _refuse_external(model: bytes, origin: str) -> None:
    try:
        path = external_file(model)
    except ValueError as error:
        raise CorruptArtifact(
            f"{origin}: is no well-formed ONNX model ({error}); copy or make the file again"
        ) from None
    if path is not None:
        raise CorruptArtifact(
            f"{origin}: names another file, {path!r}, for a tensor's data; only whole models are "
            "opened, so save it with its data inside"
        )
