"""Who predicts: ways to run one fitted estimator, each a callable and the rows that it takes.

A way that does not support a model, or is not installed, raises `Absent` with the reason, which
the table shows. All run in one thread.
"""

from __future__ import annotations

import ctypes
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from cases import Case

SINGLE = np.dtype("float32")
DOUBLE = np.dtype("float64")
# Generated C beyond this takes a compiler more than ten minutes or all memory.
COMPILED_NODES = 100_000


class Absent(Exception):
    """A way that is not there for this model; the message says why."""


@dataclass(frozen=True)
class Contestant:
    """predict: rows [N, d] of `dtype`, C-contiguous -> numbers [N] or [N, k]; bytes: of its file.

    bytes is None where there is no file of its own. refitted: it is the same model, fitted by other
    code, so that its answers need not be the same.
    """

    predict: Callable[[np.ndarray], Any]
    dtype: np.dtype
    bytes: int | None
    refitted: bool = False


def plain(case: Case, folder: Path) -> Contestant:
    """skl2onnx with its defaults (a tensor of probabilities), `session.run`."""
    from skl2onnx import to_onnx

    zipmap = {id(case.estimator): {"zipmap": False}} if _classifies(case) else None
    example = case.X[:1].astype(np.float32)
    with _truth_values_as_numbers():
        content = to_onnx(case.estimator, example, options=zipmap).SerializeToString()
    return _session(content, "plain", "probabilities" if _classifies(case) else None)


@contextmanager
def _truth_values_as_numbers() -> Iterator[None]:
    """Let skl2onnx write truth values as integers, which newer releases of protobuf refuse.

    Without it the histogram boosting models would have no plain graph to be compared with.
    """
    from onnx import helper

    make = helper.make_attribute

    def made(key: str, value: Any, *more: Any, **options: Any) -> Any:
        if isinstance(value, list | np.ndarray) and any(
            isinstance(v, bool | np.bool) for v in value
        ):
            value = [int(v) for v in value]
        return make(key, value, *more, **options)

    helper.make_attribute = made
    try:
        yield
    finally:
        helper.make_attribute = make


def ours(case: Case, folder: Path) -> Contestant:
    """The graph that `toolkit export` wrote, by `session.run`, as the plain one."""
    from toolkit import load

    path = _exported(case, folder) / "model.onnx"
    session = load(path, threads=1).session
    wanted = _output(session, "probabilities" if _classifies(case) else None)
    return Contestant(
        lambda rows: session.run([wanted], {"X": rows})[0], _dtype(session), path.stat().st_size
    )


def loaded(case: Case, folder: Path) -> Contestant:
    """`toolkit.load(...).predict` on the graph, the call that users make."""
    from toolkit import load

    path = _exported(case, folder) / "model.onnx"
    predictor = load(path, threads=1)
    return Contestant(getattr(predictor, case.call), _dtype(predictor.session), path.stat().st_size)


def packed(case: Case, folder: Path) -> Contestant:
    """`toolkit.load(...).predict` on the uint8 pack."""
    import toolkit

    bundle = toolkit.bundle.open_bundle(_exported(case, folder))
    (variant,) = toolkit.quantize(bundle, ["uint8-pack"])
    if variant.file is None:
        raise Absent(variant.reason)
    path = bundle.path / variant.file
    predictor = toolkit.load(path, threads=1)
    return Contestant(getattr(predictor, case.call), _dtype(predictor.session), path.stat().st_size)


def scikit_learn(case: Case, folder: Path) -> Contestant:
    """The estimator itself, on the type of numbers that it computes with."""
    return Contestant(getattr(case.estimator, case.call), SINGLE if case.nodes else DOUBLE, None)


def intelex(case: Case, folder: Path) -> Contestant:
    """scikit-learn-intelex: the same fit, by Intel's library where that has the estimator."""
    last = _last(case.estimator)
    replacement = _intel(type(last).__name__)
    settings = last.get_params(deep=False)
    X = case.estimator[:-1].transform(case.X) if last is not case.estimator else case.X
    fitted = replacement(**settings).fit(X, case.y)
    if not hasattr(fitted, "_onedal_estimator"):
        raise Absent("falls back to scikit-learn for these settings")
    if last is case.estimator:
        dtype = SINGLE if case.nodes else DOUBLE
        return Contestant(getattr(fitted, case.call), dtype, None, refitted=True)
    head = case.estimator[:-1]
    return Contestant(
        lambda rows: fitted.predict(head.transform(rows)), DOUBLE, None, refitted=True
    )


def treelite(case: Case, folder: Path) -> Contestant:
    """Treelite's general interpreter."""
    library, model = _treelite(case)
    return Contestant(lambda rows: library.gtil.predict(model, rows, nthread=1), SINGLE, None)


def tl2cgen(case: Case, folder: Path) -> Contestant:
    """Treelite's generated C, compiled with gcc."""
    _, model = _treelite(case)
    generator = _imported("tl2cgen")
    _check_compiled(case)
    path = folder / "tl2cgen.so"
    options = {"parallel_comp": 8, "quantize": 1}
    generator.export_lib(model, toolchain="gcc", libpath=str(path), params=options, verbose=False)
    predictor = generator.Predictor(str(path), nthread=1)
    matrix = generator.DMatrix
    return Contestant(
        lambda rows: predictor.predict(matrix(rows, dtype="float32")), SINGLE, path.stat().st_size
    )


def m2cgen(case: Case, folder: Path) -> Contestant:
    """m2cgen's generated C, compiled with gcc -O3, in a loop over the rows."""
    generator = _imported("m2cgen")
    _check_compiled(case)
    if hasattr(case.estimator, "steps"):
        raise Absent("takes no pipelines")
    try:
        code = generator.export_to_c(case.estimator)
    except NotImplementedError as error:
        raise Absent("does not support the estimator") from error
    width = len(np.atleast_1d(getattr(case.estimator, case.call)(case.X[:1])[0]))
    source, path = folder / "m2cgen.c", folder / "m2cgen.so"
    source.write_text(code + _loop(case.X.shape[1], width))
    subprocess.run(
        ["gcc", "-O3", "-march=native", "-shared", "-fPIC", "-o", path, source, "-lm"], check=True
    )
    run = ctypes.CDLL(str(path)).run
    run.argtypes = [ctypes.c_void_p, ctypes.c_long, ctypes.c_void_p]

    def predict(rows: np.ndarray) -> np.ndarray:
        out = np.empty((len(rows), width))
        run(rows.ctypes.data, len(rows), out.ctypes.data)
        return out

    return Contestant(predict, DOUBLE, path.stat().st_size)


def _loop(features: int, width: int) -> str:
    one = (
        "out[i] = score(x + i * FEATURES);"
        if width == 1
        else "score(x + i * FEATURES, out + i * WIDTH);"
    )
    return (
        f"\n#define FEATURES {features}\n#define WIDTH {width}\n"
        "void run(double *x, long n, double *out) { for (long i = 0; i < n; i++) " + one + " }\n"
    )


def _check_compiled(case: Case) -> None:
    if case.nodes > COMPILED_NODES:
        raise Absent(f"not compiled: {case.nodes:,} nodes of C")


def _imported(name: str) -> Any:
    import importlib

    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise Absent(f"{name} is not installed") from error


def _treelite(case: Case) -> tuple[Any, Any]:
    library = _imported("treelite")
    if not case.nodes:
        raise Absent("trees only")
    return library, library.sklearn.import_model(case.estimator)


def _intel(name: str) -> Any:
    for room in ("ensemble", "linear_model", "neighbors", "svm"):
        module = _imported(f"sklearnex.{room}")
        if hasattr(module, name):
            return getattr(module, name)
    raise Absent("has no such estimator")


def _last(estimator: Any) -> Any:
    return estimator[-1] if hasattr(estimator, "steps") else estimator


def _classifies(case: Case) -> bool:
    return case.call == "predict_proba"


def _exported(case: Case, folder: Path) -> Path:
    import toolkit

    out = folder / "bundle"
    if not out.exists():
        toolkit.export(case.estimator, case.X, case.y, name="subject", out=out)
    return out


def _session(content: bytes, origin: str, output: str | None) -> Contestant:
    from toolkit.runtime.session import open_session

    session = open_session(content, origin)
    name, wanted = session.get_inputs()[0].name, _output(session, output)
    return Contestant(
        lambda rows: session.run([wanted], {name: rows})[0], _dtype(session), len(content)
    )


def _output(session: Any, wanted: str | None) -> str:
    names = [o.name for o in session.get_outputs()]
    return wanted if wanted in names else names[0]


def _dtype(session: Any) -> np.dtype:
    return DOUBLE if session.get_inputs()[0].type == "tensor(double)" else SINGLE


BASELINE = "skl2onnx, plain graph"
# In the order of the table's rows; ours are what the project is judged by.
CONTESTANTS: dict[str, Callable[[Case, Path], Contestant]] = {
    BASELINE: plain,
    "toolkit, graph": ours,
    "toolkit, `load().predict`": loaded,
    "toolkit, `uint8-pack`": packed,
    "scikit-learn": scikit_learn,
    "scikit-learn-intelex": intelex,
    "treelite, GTIL": treelite,
    "tl2cgen, compiled": tl2cgen,
    "m2cgen, compiled": m2cgen,
}
OURS = ("toolkit, graph", "toolkit, `load().predict`", "toolkit, `uint8-pack`")
