"""Who predicts: ways to run one fitted estimator, each a callable and the rows that it takes.

A way that does not support a model, or is not installed, raises `Absent` with the reason, which
the table shows. All run in one thread.
"""

from __future__ import annotations

import ctypes
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from cases import Case, rows_at
from contestant import DOUBLE, SINGLE, Absent, Contestant, as_given, dtype_of, opened, run

# Generated C beyond this takes a compiler more than ten minutes or all memory.
COMPILED_NODES = 100_000


def plain(case: Case, folder: Path) -> Contestant:
    """skl2onnx with its defaults (a tensor of probabilities), `session.run`."""
    from skl2onnx import to_onnx

    zipmap = {id(case.estimator): {"zipmap": False}} if _classifies(case) else None
    if _is_frame(case):
        example, types = None, _column_types(case.X)
    else:
        example, types = case.X[:1].astype(np.float32), None
    with _truth_values_as_numbers():
        content = to_onnx(
            case.estimator, example, initial_types=types, options=zipmap
        ).SerializeToString()
    return opened(content, "plain", _wanted(case), missing="None")


def _column_types(X: Any) -> list[tuple[str, Any]]:
    from skl2onnx.common.data_types import FloatTensorType, Int64TensorType, StringTensorType

    types = {"f": FloatTensorType, "i": Int64TensorType, "O": StringTensorType}
    return [(str(c), types[X[c].dtype.kind]([None, 1])) for c in X.columns]


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
    return run(load(path, threads=1).session, _wanted(case), path.stat().st_size)


def loaded(case: Case, folder: Path) -> Contestant:
    """`toolkit.load(...).predict` on the graph, the call that users make."""
    return _loaded(case, _exported(case, folder) / "model.onnx")


def packed(case: Case, folder: Path) -> Contestant:
    """`toolkit.load(...).predict` on the uint8 pack."""
    import toolkit

    bundle = toolkit.bundle.open_bundle(_exported(case, folder))
    (variant,) = toolkit.quantize(bundle, ["uint8-pack"])
    if variant.file is None:
        raise Absent(variant.reason)
    return _loaded(case, bundle.path / variant.file)


def _loaded(case: Case, path: Path) -> Contestant:
    from toolkit import load

    predictor = load(path, threads=1)
    form = as_given if _is_frame(case) else dtype_of(predictor.session)
    return Contestant(getattr(predictor, case.call), form, path.stat().st_size)


def scikit_learn(case: Case, folder: Path) -> Contestant:
    """The estimator itself, on the type of numbers that it computes with."""
    form = as_given if _is_frame(case) else _own_type(case)
    return Contestant(getattr(case.estimator, case.call), form, None)


def intelex(case: Case, folder: Path) -> Contestant:
    """scikit-learn-intelex: the same fit, by Intel's library where that has the estimator."""
    last = _last(case.estimator)
    replacement = _intel(type(last).__name__)
    settings = last.get_params(deep=False)
    X = case.estimator[:-1].transform(case.X) if last is not case.estimator else case.X
    fitted = replacement(**settings).fit(X, case.y)
    if not hasattr(fitted, "_onedal_estimator"):
        raise Absent("falls back to scikit-learn for these settings")
    answer = getattr(fitted, case.call)
    if last is case.estimator:
        return Contestant(answer, _own_type(case), None, refitted=True)
    head, form = case.estimator[:-1], as_given if _is_frame(case) else DOUBLE
    return Contestant(lambda rows: answer(head.transform(rows)), form, None, refitted=True)


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
    width = len(np.atleast_1d(getattr(case.estimator, case.call)(rows_at(case.X, [0]))[0]))
    source, path = folder / "m2cgen.c", folder / "m2cgen.so"
    source.write_text(code + _loop(case.X.shape[1], width), encoding="utf-8")
    subprocess.run(
        ["gcc", "-O3", "-march=native", "-shared", "-fPIC", "-o", path, source, "-lm"], check=True
    )
    score = ctypes.CDLL(str(path)).run
    score.argtypes = [ctypes.c_void_p, ctypes.c_long, ctypes.c_void_p]

    def predict(rows: np.ndarray) -> np.ndarray:
        out = np.empty((len(rows), width))
        score(rows.ctypes.data, len(rows), out.ctypes.data)
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


def _own_type(case: Case) -> np.dtype:
    """Return the type of numbers that the estimator computes with."""
    return SINGLE if case.nodes else DOUBLE


def _is_frame(case: Case) -> bool:
    return hasattr(case.X, "columns")


def _wanted(case: Case) -> str | None:
    return "probabilities" if _classifies(case) else None


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
