"""The model directory: one object to read it."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from toolkit.bundle.variants import FAILED, NOT_APPLICABLE, OK, RECORDED, Variant, Variants
from toolkit.errors import CorruptArtifact, InvalidInput, ToolkitError
from toolkit.estimators.frames import FORMS, to_frame
from toolkit.runtime import golden
from toolkit.runtime.files import plain_path
from toolkit.runtime.listed import is_there, read_checked
from toolkit.runtime.manifest import FAR, ITSELF, NAME, read_manifest, stamp
from toolkit.runtime.npz import read_npz

MODEL, ESTIMATOR = "model.onnx", "estimator.skops"
EVALUATION, CALIBRATION = "evaluation.npz", "calibration.npz"
REPORTS = ("report.json", "report.md", "report.html")
FLOAT = "float32"  # the method name of model.onnx itself
# The method name of what `quantize --budget` chose, and the file of what could be had.
BUDGET, FRONT = "budget", "budget.json"


@dataclass(frozen=True)
class Rows:
    """Rows of a bundle: `inputs` by input name, scikit-learn's float64 `outputs` by output name.

    Numbers in `inputs` are float64 as given, not yet what a graph takes. `target` is None where
    the data had none.
    """

    inputs: dict[str, np.ndarray]
    outputs: dict[str, np.ndarray]
    target: np.ndarray | None

    def __len__(self) -> int:
        return len(next(iter(self.inputs.values())))


@dataclass(frozen=True, repr=False)
class Bundle:
    """An opened model directory."""

    path: Path
    manifest: dict[str, Any]

    def __repr__(self) -> str:
        proof = (self.manifest.get("proof") or {}).get("passed")
        word = "no proof" if proof is None else f"proof {'passed' if proof else 'FAILED'}"
        kept = sum(v.file is not None for v in self.variants)
        files = "1 model file" if kept == 1 else f"{kept} model files"
        return f"<Bundle {self.path}: {self.name}, {self.task}, {word}, {files}>"

    def _repr_html_(self) -> str:
        from toolkit.runtime.shown import page

        return page(self.name, repr(self)[1:-1], self.variants._repr_html_())

    def __fspath__(self) -> str:
        """The directory's path: a bundle is opened, verified and described like it."""
        return str(self.path)

    @property
    def name(self) -> str:
        """The model's name."""
        return self.manifest["name"]

    @property
    def task(self) -> str:
        """One of regressor, classifier, outlier_detector, clusterer, transformer."""
        return self.manifest["task"]

    @property
    def model_path(self) -> Path:
        """The float export."""
        return self.path / MODEL

    @property
    def variants(self) -> Variants:
        """The float export first, then each method that was tried, kept or not.

        `bundle.variants["uint8-pack"].path` is a method's file.
        """
        return Variants((Variant(**v) for v in self.manifest["variants"]), self.path)

    def read(self, name: str) -> bytes:
        """Return a listed file's bytes, held against its SHA-256.

        Raises CorruptArtifact where it differs, InvalidInput where it is not there, or where the
        directory was written anew since it was opened.
        """
        entry = self.manifest["files"].get(name)
        while True:
            before = stamp(self.path)
            try:
                if entry is None or not is_there(self.path / name, entry):
                    raise InvalidInput(f"{self.path}: has no {name}; export the model again")
                return read_checked(self.path / name, entry)
            except ToolkitError:
                self.require_unchanged()
                if stamp(self.path) == before:
                    raise

    def require_unchanged(self) -> None:
        """Raise InvalidInput where another command has written the directory meanwhile."""
        if read_manifest(self.path) != self.manifest:
            raise InvalidInput(
                f"{self.path}: another command wrote it while this one was reading; run this again"
            )

    def evaluation(self) -> Rows:
        """Return the held-out rows."""
        return self._rows(EVALUATION)

    def calibration(self) -> Rows:
        """Return the training rows for the quantizers; disjoint from the evaluation rows."""
        return self._rows(CALIBRATION)

    def golden(self) -> golden.Golden:
        """Return the golden rows."""
        return golden.read(self.read(golden.NAME), str(self.path / golden.NAME), self.manifest)

    def _rows(self, name: str) -> Rows:
        arrays = read_npz(self.read(name), str(self.path / name))
        try:
            return Rows(
                {i["name"]: arrays[f"input_{k}"] for k, i in enumerate(self.manifest["inputs"])},
                {o["name"]: arrays[f"output_{k}"] for k, o in enumerate(self.manifest["outputs"])},
                arrays.get("target"),
            )
        except KeyError as error:
            raise CorruptArtifact(
                f"{self.path / name}: lacks the array {error}; export again"
            ) from None

    def front(self) -> dict[str, Any] | None:
        """Return what the last `quantize --budget` found, None where there was none.

        `toolkit.quantizer.budget.record` describes it.
        """
        if FRONT not in self.manifest["files"]:
            return None
        try:
            return json.loads(self.read(FRONT))
        except ValueError as error:
            raise CorruptArtifact(
                f"{self.path / FRONT}: is not JSON ({error}); quantize again"
            ) from None

    @property
    def keeps_estimator(self) -> bool:
        """Whether the fitted reference is in the bundle; else `without_estimator` says why not."""
        return ESTIMATOR in self.manifest["files"]

    @property
    def is_own_reference(self) -> bool:
        """Whether model.onnx came from elsewhere, and is itself what variants are compared with."""
        return self.manifest["estimator"].get("type") == ITSELF

    @property
    def without_estimator(self) -> str:
        """Why the fitted reference is not in the bundle, in words."""
        return str(self.manifest["estimator"].get("why") or "it was taken out")

    def estimator(self, trusted: Collection[str] = ()) -> Any:
        """Return the fitted reference, loaded through skops' check of its types.

        trusted: types that may be restored beside those that skops or toolkit trusts. Raises
        InvalidInput where there is another type in it, or no estimator in the bundle.
        """
        from toolkit.estimators.skops_file import load_estimator

        if not self.keeps_estimator:
            raise InvalidInput(
                f"{self.path}: holds no {ESTIMATOR} ({self.without_estimator}); what needs the "
                "estimator itself cannot be done"
            )
        return load_estimator(self.read(ESTIMATOR), str(self.path / ESTIMATOR), trusted)

    def estimator_input(self, inputs: Mapping[str, np.ndarray]) -> Any:
        """Return rows in the form that the estimator was fitted on: an array or a data frame."""
        fitted = self.manifest["estimator"]
        return to_frame(inputs, fitted["input"], self.manifest["inputs"], fitted.get("columns", ()))


def open_bundle(path: str | Path | Bundle) -> Bundle:
    """Open a model directory; InvalidInput or CorruptArtifact as `read_manifest` says.

    A Bundle is opened anew: its directory may have changed since.
    """
    path = Path(plain_path(path))
    manifest = read_manifest(path)
    for key, is_sound in (("variants", _are_variants), ("estimator", _is_estimator)):
        if not is_sound(manifest.get(key)):
            raise CorruptArtifact(
                f"{path / NAME}: {key!r} is missing or damaged; export the model again"
            )
    if not _are_near(manifest):
        raise CorruptArtifact(
            f"{path / NAME}: holds an integer of more than 64 bits; export the model again"
        )
    return Bundle(path, manifest)


def _are_near(document: Any) -> bool:
    """Tell whether every integer of a document has 64 bits or fewer; figures are made of them."""
    if isinstance(document, dict):
        return all(map(_are_near, document.values()))
    if isinstance(document, list):
        return all(map(_are_near, document))
    return not isinstance(document, int) or -FAR < document < FAR


def _are_variants(entries: Any) -> bool:
    return isinstance(entries, list) and all(
        isinstance(e, dict)
        and e.keys() <= set(RECORDED)
        and isinstance(e.get("method"), str)
        and e.get("status") in (OK, FAILED, NOT_APPLICABLE)
        and (e.get("file") is None or isinstance(e["file"], str))
        for e in entries
    )


def _is_estimator(entry: Any) -> bool:
    return isinstance(entry, dict) and entry.get("input") in FORMS
