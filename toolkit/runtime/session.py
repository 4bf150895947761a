"""Opening ONNX bytes in onnxruntime with settings for small devices."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from toolkit.errors import CorruptArtifact, InvalidInput, first_line
from toolkit.runtime.external import external_file
from toolkit.runtime.guard import guard
from toolkit.runtime.ort import onnxruntime

# What a manifest may set of a session, and to which values: those listed, or text of the letters.
# A manifest may come from anywhere, and onnxruntime has options that load libraries, write files
# (the optimized model, a profile) or read them. Nothing is set that is not in these two tables.
OPTIONS: dict[str, tuple[Any, ...] | range] = {
    "enable_cpu_mem_arena": (False, True),
    "enable_mem_pattern": (False, True),
    "graph_optimization_level": ("none", "basic", "extended", "all"),
    "intra_op_num_threads": range(1, 65),
}
SWITCH = ("0", "1")
NAMES = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_;")
# Under "config": onnxruntime_session_options_config_keys.h says what they do.
CONFIG: dict[str, tuple[str, ...] | frozenset[str]] = {
    "optimization.disable_specified_optimizers": NAMES,
    "session.disable_aot_function_inlining": SWITCH,
    "session.disable_double_qdq_remover": SWITCH,
    "session.disable_prepacking": SWITCH,
    "session.disable_qdq_constant_folding": SWITCH,
    "session.disable_quant_qdq": SWITCH,
    "session.enable_dq_matmulnbits_fusion": SWITCH,
    "session.enable_quant_qdq_cleanup": SWITCH,
    "session.inter_op.allow_spinning": SWITCH,
    "session.intra_op.allow_spinning": SWITCH,
    "session.qdq_matmulnbits_accuracy_level": ("0", "1", "2", "3", "4"),
    "session.qdq_matmulnbits_block_size": ("-1", "0", "16", "32", "64", "128", "256"),
    "session.qdqisint8allowed": SWITCH,
    "session.set_denormal_as_zero": SWITCH,
    "session.x64quantprecision": SWITCH,
}

LONGEST = 1000  # of onnxruntime's own limit of 1024 letters

LEVELS = {
    "none": "ORT_DISABLE_ALL",
    "basic": "ORT_ENABLE_BASIC",
    "extended": "ORT_ENABLE_EXTENDED",
    "all": "ORT_ENABLE_ALL",
}


def open_session(
    model: bytes,
    origin: str,
    options: Mapping[str, Any] | None = None,
    threads: int | None = None,
) -> Any:
    """Return an `onnxruntime.InferenceSession` on the CPU; `origin` names the model in messages.

    options: what the manifest records for the file (see `checked_options`). threads: intra-op
    threads in place of those recorded. One by default: small models gain nothing from more, results
    do not depend on the number of cores, and an idle device does not spin. Raises CorruptArtifact
    where onnxruntime refuses the bytes, would read other files for them, or would take memory for
    them without a bound (see `toolkit.runtime.guard`), and InvalidInput where they need a newer
    onnxruntime.
    """
    if threads is not None and (not isinstance(threads, int) or threads < 0):
        raise InvalidInput(f"threads={threads!r:.100} is no number of threads; give 1 or more")
    _refuse_harmful(model, origin)
    settings = _session_options(checked_options(options or {}, origin), threads)
    try:
        # Its fallback would try the same again and print about it on standard output.
        return onnxruntime.InferenceSession(
            model, settings, providers=["CPUExecutionProvider"], enable_fallback=False
        )
    except Exception as error:  # onnxruntime's own exceptions share no public base class
        _refuse_newer(model, origin)
        raise CorruptArtifact(
            f"{origin}: onnxruntime {onnxruntime.__version__} cannot open it "
            f"({first_line(error)}); copy or make the file again"
        ) from error


def checked_options(options: Mapping[str, Any], origin: str) -> dict[str, Any]:
    """Return session options as a manifest keeps them, held against `OPTIONS` and `CONFIG`.

    options: names of `OPTIONS`, and "config", a mapping by names of `CONFIG`. Raises
    CorruptArtifact for a name or value that is not in the tables.
    """
    flat = {name: value for name, value in options.items() if name != "config"}
    config = options.get("config", {})
    if not isinstance(config, Mapping):
        raise _refused(origin, "config", config)
    for table, entries in ((OPTIONS, flat), (CONFIG, config)):
        for name, value in entries.items():
            if name not in table or not _is_allowed(value, table[name]):
                raise _refused(origin, name, value)
    return {**flat, "config": dict(config)}


def _is_allowed(value: Any, allowed: Any) -> bool:
    if isinstance(allowed, frozenset):
        return isinstance(value, str) and len(value) <= LONGEST and allowed >= set(value)
    # 1 == True, but onnxruntime tells them apart.
    return any(type(value) is type(one) and value == one for one in allowed)


def _refused(origin: str, name: str, value: Any) -> CorruptArtifact:
    return CorruptArtifact(
        f"{origin}: its manifest sets the session option {name!r:.100} to {value!r:.100}, which is "
        "not among those that toolkit sets; make the file again with this toolkit"
    )


def _session_options(options: Mapping[str, Any], threads: int | None) -> Any:
    settings = onnxruntime.SessionOptions()
    settings.intra_op_num_threads = 1
    settings.inter_op_num_threads = 1
    settings.log_severity_level = 4  # what is wrong is raised as an error; nothing goes to stderr
    # Else bytes of onnxruntime's own format would be taken, into which `external` cannot look.
    settings.add_session_config_entry("session.load_model_format", "ONNX")
    # Threads, where there are some, would wait by spinning: some 30 ms of each core after a call.
    settings.add_session_config_entry("session.intra_op.allow_spinning", "0")
    for name, value in options.items():
        if name == "config":
            for key, text in value.items():
                settings.add_session_config_entry(key, text)
        elif name == "graph_optimization_level":
            level = getattr(onnxruntime.GraphOptimizationLevel, LEVELS[value])
            settings.graph_optimization_level = level
        else:
            setattr(settings, name, value)
    if threads is not None:
        settings.intra_op_num_threads = threads
    return settings


def _refuse_newer(model: bytes, origin: str) -> None:
    """Raise InvalidInput where a well-formed model needs a newer onnxruntime than this one."""
    from toolkit.runtime.requires import requires, too_old  # no part of a start that goes well

    try:
        needed = requires(model, origin)["onnxruntime"]
    except CorruptArtifact:
        return
    if old := too_old(needed, onnxruntime.__version__):
        raise InvalidInput(f"{origin}: {old}")


def _refuse_harmful(model: bytes, origin: str) -> None:
    try:
        path = external_file(model)
        if path is not None:
            raise CorruptArtifact(
                f"{origin}: names another file, {path!r}, for a tensor's data; only whole models "
                "are opened, so save it with its data inside"
            )
        guard(model, origin)
    except ValueError as error:
        raise CorruptArtifact(
            f"{origin}: is no well-formed ONNX model ({error}); copy or make the file again"
        ) from None
