"""The model directory: one object to read it, one function to write files into it."""

from __future__ import annotations

import io
import json
import warnings
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

import numpy as np

from toolkit.errors import CorruptArtifact, InvalidInput, ToolkitWarning
from toolkit.frames import FORMS, to_frame
from toolkit.runtime import golden
from toolkit.runtime.files import plain_path, read_bytes, sha256, write_atomic
from toolkit.runtime.manifest import HOME, NAME, VARIANT, is_plain, read_checked, read_manifest
from toolkit.runtime.signature import NAME as SIGNATURE
from toolkit.runtime.tabular import read_npz

MODEL, ESTIMATOR = "model.onnx", "estimator.skops"
EVALUATION, CALIBRATION = "evaluation.npz", "calibration.npz"
REPORTS = ("report.json", "report.md", "report.html")
FLOAT = "float32"  # the method name of model.onnx itself
# The method name of what `quantize --budget` chose, and the file of what could be had.
BUDGET, FRONT = "budget", "budget.json"

OK, FAILED, NOT_APPLICABLE = "ok", "failed", "not-applicable"
NO_OP, LARGER = "no-op", "larger"  # verdicts on a variant that was not kept


@dataclass(frozen=True)
class Variant:
    """What one method made of the model, or why it made nothing.

    file: its name in the bundle, None where nothing was kept. bytes: the size of what was made,
    None where nothing was. reason: why nothing was kept, "" where it was. tolerance: the largest
    relative deviation and smallest label agreement that a replay of the golden rows may show.
    session: the options under which onnxruntime opens it, see `toolkit.runtime.session`. verdict:
    why nothing was kept, in a word (`NO_OP` or `LARGER`, "" for another reason). notes: what
    nobody would guess from the file: what onnxruntime makes of it, that thresholds were reduced.
    """

    method: str
    status: str
    file: str | None = None
    reason: str = ""
    bytes: int | None = None
    tolerance: dict[str, float] = field(default_factory=dict)
    session: dict[str, Any] = field(default_factory=dict)
    verdict: str = ""
    notes: str = ""


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


@dataclass(frozen=True)
class Bundle:
    """An opened model directory."""

    path: Path
    manifest: dict[str, Any]

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
    def variants(self) -> list[Variant]:
        """The float export first, then each method that was tried, kept or not."""
        return [Variant(**v) for v in self.manifest["variants"]]

    def read(self, name: str) -> bytes:
        """Return a listed file's bytes, held against its SHA-256.

        Raises CorruptArtifact where it differs, InvalidInput where it is not there.
        """
        entry = self.manifest["files"].get(name)
        if entry is None or not (self.path / name).is_file():
            raise InvalidInput(f"{self.path}: has no {name}; export the model again")
        return read_checked(self.path / name, entry)

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
    def without_estimator(self) -> str:
        """Why the fitted reference is not in the bundle, in words."""
        return str(self.manifest["estimator"].get("why") or "it was taken out")

    def estimator(self, trusted: Collection[str] = ()) -> Any:
        """Return the fitted reference, loaded through skops' check of its types.

        trusted: types that may be restored beside those that skops or toolkit trusts. Raises
        InvalidInput where there is another type in it, or no estimator in the bundle.
        """
        from toolkit.skops_file import load_estimator

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
    return Bundle(path, manifest)


def _are_variants(entries: Any) -> bool:
    known = {f.name for f in fields(Variant)}
    return isinstance(entries, list) and all(
        isinstance(e, dict)
        and e.keys() <= known
        and isinstance(e.get("method"), str)
        and e.get("status") in (OK, FAILED, NOT_APPLICABLE)
        and (e.get("file") is None or isinstance(e["file"], str))
        for e in entries
    )


def _is_estimator(entry: Any) -> bool:
    return isinstance(entry, dict) and entry.get("input") in FORMS


def to_npz(arrays: Mapping[str, np.ndarray]) -> bytes:
    """Return arrays as compressed npz bytes, the same for the same arrays; text as unicode."""
    buffer = io.BytesIO()
    plain = {n: a.astype(str) if a.dtype == object else a for n, a in arrays.items()}
    np.savez_compressed(buffer, **plain)  # type: ignore[arg-type]
    return buffer.getvalue()


def file_entry(
    name: str, content: bytes, role: str, variant: Variant | None = None
) -> dict[str, Any]:
    """Return a manifest entry: method (None for a file that is no variant), bytes, sha256, role.

    A variant's has its tolerance, its session's options and what it requires too.
    """
    # onnxruntime, which they import, is not needed to read a bundle.
    from toolkit.runtime.predictor import to_onnx
    from toolkit.runtime.requires import requires

    entry: dict[str, Any] = {
        "method": variant.method if variant else None,
        "bytes": len(content),
        "sha256": sha256(content),
        "role": role,
    }
    if variant:
        entry["tolerance"] = variant.tolerance
        entry["session"] = variant.session
        entry["requires"] = requires(to_onnx(content, name), name)
    return entry


def write_files(
    path: Path, manifest: dict[str, Any], contents: Mapping[str, tuple[bytes, str]]
) -> Bundle:
    """Write files (name -> (bytes, role)), and last the manifest that lists them.

    The files that the old manifest listed and the new one does not are removed after that; so is a
    signature of another manifest, with a warning.
    """
    old = _listed(path)
    for name, (content, role) in contents.items():
        variant = next((Variant(**v) for v in manifest["variants"] if v["file"] == name), None)
        manifest["files"][name] = file_entry(name, content, role, variant)
        write_atomic(path / name, content)
    text = (json.dumps(manifest, indent=2, ensure_ascii=False) + "\n").encode()
    signed = (path / SIGNATURE).is_file() and not _holds(path / NAME, text)
    write_atomic(path / NAME, text)
    if signed:
        _remove_signature(path / SIGNATURE)
    for name in old - manifest["files"].keys():
        (path / name).unlink(missing_ok=True)
    return Bundle(path, manifest)


def with_variants(
    bundle: Bundle, made: list[tuple[Variant, bytes | None]], front: bytes | None = None
) -> Bundle:
    """Return the bundle with these variants written in place of earlier ones of the same methods.

    A report that measured the earlier variants is removed: it would describe other files. front:
    what the budget's variant was chosen from, where it is among them.
    """
    methods = {variant.method for variant, _ in made}
    manifest = json.loads(json.dumps(bundle.manifest))
    kept = [v for v in manifest["variants"] if v["method"] not in methods]
    manifest["variants"] = kept + [asdict(variant) for variant, _ in made]
    listed = {v["file"] for v in manifest["variants"]} - {None}
    replaced = {*REPORTS, *((FRONT,) if BUDGET in methods else ())}
    manifest["files"] = {
        name: entry
        for name, entry in manifest["files"].items()
        if (entry["role"] != VARIANT or name in listed) and name not in replaced
    }
    contents = {v.file: (content, VARIANT) for v, content in made if v.file and content is not None}
    if front is not None:
        contents[FRONT] = (front, HOME)
    return write_files(bundle.path, manifest, contents)


def with_reports(bundle: Bundle, reports: Mapping[str, bytes]) -> Bundle:
    """Return the bundle with its report files (name -> bytes) written and listed."""
    manifest = json.loads(json.dumps(bundle.manifest))
    return write_files(
        bundle.path, manifest, {name: (content, HOME) for name, content in reports.items()}
    )


def _holds(path: Path, content: bytes) -> bool:
    return path.is_file() and read_bytes(path) == content


def _remove_signature(path: Path) -> None:
    path.unlink(missing_ok=True)
    warnings.warn(
        f"{path}: signed the model as it was; it is removed, sign the model again",
        ToolkitWarning,
        stacklevel=2,
    )


def _listed(path: Path) -> set[str]:
    try:
        names = json.loads(read_bytes(path / NAME))["files"].keys()
    except (InvalidInput, ValueError, KeyError, AttributeError):
        return set()
    return {name for name in names if is_plain(name)}
