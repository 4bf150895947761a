"""Every variant of one model, ours and others', measured in one run in the same way."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import estimators
import numpy as np
import others

BATCHES = (1, 1_000)
BASELINE = "skl2onnx, float32"
OURS = "toolkit, "

Figures = dict[str, Any]


@dataclass(frozen=True)
class Subject:
    """One file: its bytes, what it predicts, and the call of its session that is timed."""

    size: int
    predict: Callable[[Any], Any]
    run: Callable[[Any], Any]
    dtype: type


def measure(model: estimators.Model, methods: list[str] | None = None) -> Figures:
    """Return {"model", "rows": [{"name", "bytes", "ratio", …} or {"name", "reason"}]}.

    bytes; size: the plain graph's bytes over these; max_error and nmse of the predicted numbers
    against scikit-learn's on held-out rows, and r2_change; for classifiers agreement of the labels;
    time: p50 over the plain graph's by batch size. methods: toolkit's, all where None.
    """
    print(f"{model.name} …", file=sys.stderr, flush=True)
    graph = others.plain(model.estimator, model.X)
    found: dict[str, Subject | str] = {BASELINE: _opened(graph, BASELINE)}
    for name in others.OTHERS:
        found[name] = _of_other(name, graph, model)
    found |= _ours(model, methods)
    there = {n: s for n, s in found.items() if isinstance(s, Subject)}
    times = _times(there, model.X_test)
    rows = []
    for name, subject in found.items():
        if isinstance(subject, str):
            rows.append({"name": name, "reason": subject})
            continue
        time = {b: t["p50"] / times[BASELINE][b]["p50"] for b, t in times[name].items()}
        rows.append(
            {
                "name": name,
                "bytes": subject.size,
                "size": len(graph) / subject.size,
                **_errors(model, subject),
                "time": time,
            }
        )
    return {"model": model.name, "rows": rows}


def _of_other(name: str, graph: bytes, model: estimators.Model) -> Subject | str:
    from toolkit.errors import ToolkitError

    try:
        content = others.quantized(name, graph, model.X)
        subject = _opened(content, name)
        subject.predict(model.X_test[:2])
    except others.Failed as reason:
        return str(reason)
    except ToolkitError as error:
        return f"its file does not run: {others._first_line(error)}"
    return subject


def _opened(content: bytes, name: str) -> Subject:
    from toolkit.runtime.predictor import Predictor

    return _subject(len(content), Predictor(content, name))


def _subject(size: int, predictor: Any) -> Subject:
    """Return an opened file; timed without what toolkit checks of the rows, as others do not."""
    session = predictor.session
    (node,) = session.get_inputs()
    output = "label" if "label" in predictor.outputs else predictor.outputs[0]
    dtype = np.float64 if node.type == "tensor(double)" else np.float32

    def run(X: np.ndarray) -> Any:
        return session.run([output], {node.name: X})

    return Subject(size, predictor.predict, run, dtype)


def _ours(model: estimators.Model, methods: list[str] | None) -> dict[str, Subject | str]:
    """Return the float export and what each method made of it, by name."""
    import toolkit

    found: dict[str, Subject | str] = {}
    with tempfile.TemporaryDirectory() as folder:
        bundle = toolkit.export(
            model.estimator, model.X, model.y, name="model", out=Path(folder) / "model"
        )
        toolkit.quantize(bundle, methods)
        for variant in toolkit.bundle.open_bundle(bundle.path).variants:
            name = f"{OURS}{variant.method}"
            if variant.file is None:
                found[name] = variant.reason
            else:
                path = bundle.path / variant.file
                found[name] = _subject(path.stat().st_size, toolkit.load(path))
    return found


def _times(there: dict[str, Subject], X: np.ndarray) -> dict[str, dict[str, dict[str, float]]]:
    from toolkit.runner import latency

    def form_of(subject: Subject) -> Callable[[Any], np.ndarray]:
        return lambda inputs: np.ascontiguousarray(inputs["X"], dtype=subject.dtype)

    subjects = [(subject.run, form_of(subject)) for subject in there.values()]
    with latency.one_thread():
        figures = latency.by_batch_size(subjects, {"X": X}, BATCHES)
    return dict(zip(there, figures, strict=True))


def _errors(model: estimators.Model, subject: Subject) -> Figures:
    expected = model.estimator.predict(model.X_test)
    got = np.asarray(subject.predict(model.X_test.astype(np.float32))).reshape(expected.shape)
    if hasattr(model.estimator, "classes_"):
        return {"agreement": float((got == expected).mean())}
    from toolkit import metrics

    got = got.astype(np.float64)
    spread = np.square(model.y_test - model.y_test.mean()).sum()
    lost = np.square(model.y_test - got).sum() - np.square(model.y_test - expected).sum()
    return {
        "max_error": metrics.max_abs({"variable": expected}, {"variable": got}),
        "nmse": metrics.nmse({"variable": expected}, {"variable": got}),
        "r2_change": float(-lost / spread),
    }
