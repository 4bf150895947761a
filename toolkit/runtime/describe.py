"""`inspect`: what an artifact or a model directory holds, as plain data."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

from toolkit.errors import CorruptArtifact
from toolkit.runtime import pack, wire
from toolkit.runtime.files import AnyPath, plain_path, read_bytes, sha256
from toolkit.runtime.listed import beside, read_checked, unlisted
from toolkit.runtime.loading import to_onnx
from toolkit.runtime.manifest import NAME, read_manifest
from toolkit.runtime.pack.forest import Forest
from toolkit.runtime.predictor import Predictor
from toolkit.runtime.proof import read_proof
from toolkit.runtime.requires import requires


def describe(path: str | Path, require_signature: AnyPath | None = None) -> dict[str, Any]:
    """Return what `inspect --json` prints; the proof's outcome first, where there is a manifest.

    require_signature: as for `load`. Raises InvalidInput where there is no such file and
    CorruptArtifact where it is damaged.
    """
    path = Path(plain_path(path))
    if path.is_dir():
        return _describe_bundle(path, require_signature)
    describe_it = partial(_describe_file, path, listed=require_signature is not None)
    return beside(path, describe_it, require_signature)


def _describe_bundle(folder: Path, require_signature: AnyPath | None) -> dict[str, Any]:
    manifest = read_manifest(folder, require_signature)
    return {
        **_proof(manifest, folder),
        "schema_version": 1,
        "kind": "bundle",
        "path": str(folder),
        "manifest": manifest,
    }


def _proof(manifest: dict[str, Any], folder: Path) -> dict[str, str]:
    return {"proof": read_proof(manifest, str(folder)).outcome()}


def _proof_of_file(
    manifest: dict[str, Any], entry: dict[str, Any] | None, path: Path
) -> dict[str, str]:
    if entry is None:
        return {"proof": f"none ({NAME} beside it does not list it)"}
    return _proof(manifest, path.parent)


def _describe_file(
    path: Path, manifest: dict[str, Any] | None, entry: dict[str, Any] | None, *, listed: bool
) -> dict[str, Any]:
    if entry is None and listed:
        raise unlisted(path)
    content = read_bytes(path) if entry is None else read_checked(path, entry)
    model = to_onnx(content, str(path))
    session = {} if entry is None else entry.get("session", {})
    opened = Predictor(model, str(path), options=session)
    try:
        graph = wire.summary(model)
    except ValueError as error:
        raise CorruptArtifact(f"{path}: is no well-formed ONNX model ({error})") from None
    return {
        **({} if manifest is None else _proof_of_file(manifest, entry, path)),
        "schema_version": 1,
        "kind": "pack" if pack.is_pack(content) else "onnx",
        "path": str(path),
        "bytes": len(content),
        "sha256": sha256(content),
        "task": opened.task,
        "inputs": [i._asdict() for i in opened.inputs],
        "outputs": list(opened.outputs),
        "session": session,
        "requires": requires(model, str(path)),
        **graph,
        **(_describe_pack(content, str(path)) if pack.is_pack(content) else {}),
    }


def _describe_pack(content: bytes, origin: str) -> dict[str, Any]:
    opened = pack.read(content, origin)
    return {
        "format_version": opened.version,
        "compression": opened.compression,
        "skeleton_bytes": len(opened.skeleton),
        "tensors": [
            {
                "name": t.name,
                "dtype": t.values.dtype.name,
                "shape": list(t.values.shape),
                "encoding": t.encoding,
                "bits": t.bits,
                "bytes": t.stored,
            }
            for t in opened.tensors
        ],
        "forests": [_describe_forest(f) for f in opened.forests],
    }


def _describe_forest(forest: Forest) -> dict[str, Any]:
    """Return an ensemble's sizes; thresholds: the different ones of each feature, in all."""
    return {
        "output": forest.output,
        "trees": forest.trees,
        "nodes": len(forest.split),
        "splits": len(forest.feature),
        "thresholds": forest.thresholds(),
        "dtype": forest.values.dtype.name,
        "targets": forest.targets,
    }


def as_text(description: dict[str, Any]) -> str:
    """Return the description as indented `key: value` lines for people."""
    return "\n".join(_lines(description, 0)) + "\n"


def _lines(value: Any, depth: int) -> list[str]:
    pad = "  " * depth
    if isinstance(value, dict):
        out = []
        for key, inner in value.items():
            if isinstance(inner, dict | list) and inner:
                out += [f"{pad}{key}:", *_lines(inner, depth + 1)]
            else:
                out.append(f"{pad}{key or '(default domain)'}: {_scalar(inner)}")
        return out
    if isinstance(value, list):
        if all(not isinstance(v, dict | list) for v in value):
            return [pad + ", ".join(_scalar(v) for v in value)]
        return [line for v in value for line in _item(v, depth)]
    return [pad + _scalar(value)]


def _item(value: Any, depth: int) -> list[str]:
    if isinstance(value, dict):
        flat = ", ".join(f"{k} {_scalar(v)}" for k, v in value.items() if v is not None)
        return ["  " * depth + "- " + flat]
    return ["  " * depth + "- " + _scalar(value)]


def _scalar(value: Any) -> str:
    return "none" if value is None or value in ([], {}) else str(value)
