"""What can be measured: the estimator and each variant, behind the same few calls."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import joblib
import numpy as np

from toolkit.bundle import Bundle
from toolkit.errors import CorruptArtifact
from toolkit.runner import cold_start, reference, size
from toolkit.runner.accuracy import SINGLES
from toolkit.runtime import load
from toolkit.runtime.inputs import prepare

Inputs = Mapping[str, np.ndarray]
Files = Callable[[Path, Inputs], list[str]]

ESTIMATOR_SINGLES = 20  # scikit-learn takes milliseconds a call, and its arithmetic is float64


@dataclass(frozen=True)
class Subject:
    """One thing to measure.

    file: its name in the bundle, None for the estimator. content: the file's bytes. run: every
    output by name. predict: the call that is timed; form: rows as it takes them. program, files:
    see `cold_start.measure`. singles: how many rows are run alone for the batch consistency.
    """

    file: str | None
    content: bytes
    run: Callable[[Inputs], dict[str, np.ndarray]]
    predict: Callable[[Any], Any]
    form: Callable[[Inputs], Any]
    program: str
    files: Files
    singles: int


def of_estimator(bundle: Bundle, estimator: Any) -> Subject:
    """Return the fitted estimator as a subject; its file is a joblib dump, as people deploy it."""
    call = reference.main_call(bundle.task)

    def files(folder: Path, row: Inputs) -> list[str]:
        joblib.dump((estimator, call, bundle.estimator_input(row)), folder / "estimator.joblib")
        return [str(folder / "estimator.joblib")]

    return Subject(
        file=None,
        content=size.joblib_dump(estimator),
        run=lambda inputs: reference.outputs(bundle, estimator, inputs),
        predict=getattr(estimator, call),
        form=bundle.estimator_input,
        program=cold_start.ESTIMATOR,
        files=files,
        singles=ESTIMATOR_SINGLES,
    )


def of_file(bundle: Bundle, name: str) -> Subject:
    """Return a file of the bundle, opened in onnxruntime, as a subject.

    Raises CorruptArtifact where it is damaged or its outputs are not the model's.
    """
    path = bundle.path / name
    content = bundle.read(name)
    predictor = load(path, threads=1)
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
        found = predictor.run(inputs)
        return {name: found[name] for name in wanted}

    return Subject(
        file=name,
        content=content,
        run=run,
        predict=predictor.predict,
        form=form,
        program=cold_start.ARTIFACT,
        files=files,
        singles=SINGLES,
    )
