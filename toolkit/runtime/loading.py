"""Opening a file of any kind, or a model directory, held against its manifest."""

from __future__ import annotations

import os
from typing import Any

from toolkit.errors import InvalidInput
from toolkit.runtime.files import AnyPath, plain_path, read_bytes
from toolkit.runtime.listed import beside, read_checked, unlisted
from toolkit.runtime.manifest import VARIANT, read_manifest, require_proved
from toolkit.runtime.predictor import Predictor

FIRST_FIELD = b"\x08"  # of a serialized model: ir_version


def load(
    path: AnyPath,
    *,
    threads: int | None = None,
    unproved: bool = False,
    require_signature: AnyPath | None = None,
) -> Predictor:
    """Open an `.onnx` or `.pack` file, or a model directory (its `model.onnx`).

    A file that lies in a model directory is held against the SHA-256 in the manifest first, and
    opened with the session options that are recorded there; one that is not listed there is
    refused. threads: onnxruntime's intra-op
    threads; if None, one thread, and all cores for a batch that keeps each of them busy for a
    millisecond (see `toolkit.runtime.split`). unproved: open it although the proof in the manifest
    failed. require_signature: a public key's file (PEM); open only what was signed with it (see
    `toolkit.runtime.signature`). Raises InvalidInput where there is no such file or the manifest
    beside it does not list it, CorruptArtifact where it is damaged, and ParityError where that
    manifest's proof failed.
    """
    path = original = plain_path(path)
    key = None if require_signature is None else os.path.abspath(plain_path(require_signature))
    if os.path.isdir(path):
        path = os.path.join(path, _first_variant(path))

    def open_file(manifest: dict[str, Any] | None, entry: dict[str, Any] | None) -> Predictor:
        if manifest is None:
            return Predictor(to_onnx(read_bytes(path), path), path, threads=threads)
        require_proved(os.path.dirname(path) or os.curdir, manifest, unproved)
        if entry is None:
            read_bytes(path)  # says so where there is no such file at all
            raise unlisted(path)
        return Predictor(
            to_onnx(read_checked(path, entry), path),
            path,
            columns={i["name"]: i.get("columns") for i in manifest["inputs"]},
            words={i["name"]: i.get("words") for i in manifest["inputs"]},
            classes=classes_of(manifest),
            options=entry.get("session"),
            threads=threads,
        )

    opened = beside(path, open_file, require_signature)
    opened._loaded = loaded, (os.path.abspath(original), threads, unproved, key)
    return opened


def loaded(path: str, threads: int | None, unproved: bool, key: str | None) -> Predictor:
    """Return what `load` gives for what a Predictor keeps of how it was loaded."""
    return load(path, threads=threads, unproved=unproved, require_signature=key)


def classes_of(manifest: dict[str, Any]) -> list[Any] | None:
    """Return a classifier's classes as its manifest has them, None where it has none."""
    estimator = manifest.get("estimator")
    classes = estimator.get("classes") if isinstance(estimator, dict) else None
    return classes if isinstance(classes, list) else None


def to_onnx(content: bytes, origin: str) -> bytes:
    """Return the ONNX bytes of an artifact's content: a pack is decoded, a graph is taken as is."""
    # Every model of onnxruntime's begins with its version, field 1; there is nothing to decode, and
    # nothing to import for it. A pack with a damaged magic must not pass as such a model.
    if content[:1] == FIRST_FIELD and not origin.endswith(".pack"):
        return content
    from toolkit.runtime import pack

    packed = pack.is_pack(content) or origin.endswith(".pack")
    return pack.read(content, origin).to_onnx() if packed else content


def _first_variant(folder: str) -> str:
    files = read_manifest(folder)["files"]
    variants = [name for name, entry in files.items() if entry["role"] == VARIANT]
    if not variants:
        raise InvalidInput(f"{folder}: its manifest lists no model; export it again")
    return "model.onnx" if "model.onnx" in variants else sorted(variants)[0]
