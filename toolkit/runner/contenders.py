"""What can be measured: the estimator and each variant, behind the same few calls."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import joblib
import numpy as np

from toolkit.bundle import FLOAT, OK, Bundle
from toolkit.errors import CorruptArtifact
from toolkit.runner import cold_start, reference, size
from toolkit.runner.accuracy import SINGLES
from toolkit.runner.records import REFERENCE
from toolkit.runtime import load
from toolkit.runtime.inputs import prepare

Inputs = Mapping[str, np.ndarray]
Files = Callable[[Path, Inputs], list[str]]

ESTIMATOR_SINGLES = 20  # scikit-learn takes milliseconds a call, and its arithmetic is float64
# Graphs of so many bytes together are open at once: a session takes some ten times its graph's.
TOGETHER = 64 << 20


@dataclass(frozen=True)
class Contender:
    """One thing to measure.

    file: its name in the bundle, None for the estimator. size: that of the file. run: every output
    by name. predict: the call that is timed; form: rows as it takes them. program, files:
    see `cold_start.measure`. singles: how many rows are run alone for the batch consistency.
    """

    file: str | None
    size: size.Size
    run: Callable[[Inputs], dict[str, np.ndarray]]
    predict: Callable[[Any], Any]
    form: Callable[[Inputs], Any]
    program: str
    files: Files
    singles: int


def groups(bundle: Bundle, estimator: Any) -> Iterator[dict[str, Contender]]:
    """Yield by method the contenders that are to be open, and to take turns, at the same time.

    The estimator (None where the bundle has none), model.onnx and as many variants as fit in
    TOGETHER, then model.onnx with so many others, and so on: what is measured at different times is
    compared through model.onnx.
    """
    files = {v.method: v.file for v in bundle.variants if v.status == OK and v.file}
    base = {FLOAT: of_file(bundle, files.pop(FLOAT))} if FLOAT in files else {}
    # A pack's graph is about as large as the one that it was made from, whatever its own bytes.
    whole = max((s.size.bytes for s in base.values()), default=1)
    count = max(1, TOGETHER // whole - 1)
    others = list(files)
    first = {} if estimator is None else {REFERENCE: of_estimator(bundle, estimator)}
    for at in range(0, max(1, len(others)), count):
        yield first | base | {m: of_file(bundle, files[m]) for m in others[at : at + count]}
        first = {}


def of_estimator(bundle: Bundle, estimator: Any) -> Contender:
    """Return the fitted estimator; its file is a joblib dump, as people deploy it."""
    call = reference.main_call(bundle.task)

    def files(folder: Path, row: Inputs) -> list[str]:
        joblib.dump((estimator, call, bundle.estimator_input(row)), folder / "estimator.joblib")
        return [str(folder / "estimator.joblib")]

    return Contender(
        file=None,
        size=size.of_dump(estimator),
        run=lambda inputs: reference.outputs(bundle, estimator, inputs),
        predict=getattr(estimator, call),
        form=bundle.estimator_input,
        program=cold_start.ESTIMATOR,
        files=files,
        singles=ESTIMATOR_SINGLES,
    )


def of_file(bundle: Bundle, name: str) -> Contender:
    """Return a file of the bundle, opened in onnxruntime, as a contender.

    Raises CorruptArtifact where it is damaged or its outputs are not the model's.
    """
    path = bundle.path / name
    own = size.of_bytes(bundle.read(name))
    predictor = load(path, threads=1, unproved=True)  # the bench measures it, and says so
    wanted = [o["name"] for o in bundle.manifest["outputs"]]
    missing = [w for w in wanted if w not in predictor.outputs]
    if missing:
        raise CorruptArtifact(f"{path}: gives no output {missing[0]!r}; make the file again")

    def form(inputs: Inputs) -> Any:
        prepared = prepare(inputs, predictor.inputs)
        return prepared if len(prepared) > 1 else next(iter(prepared.values()))

    def files(folder: Path, row: Inputs) -> list[str]:
        text = json.dumps({n: v.tolist() for n, v in row.items()})
        (folder / "row.json").write_text(text, encoding="utf-8")
        return [str(path.resolve()), str(folder / "row.json")]

    def run(inputs: Inputs) -> dict[str, np.ndarray]:
        outputs = predictor.run(inputs)
        return {name: outputs[name] for name in wanted}

    return Contender(
        file=name,
        size=own,
        run=run,
        predict=predictor.predict,
        form=form,
        program=cold_start.ARTIFACT,
        files=files,
        singles=SINGLES,
    )
