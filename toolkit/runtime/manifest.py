"""Reading and checking `manifest.json`, the table of contents of a bundle."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any, TypeVar

from toolkit.errors import CorruptArtifact, InvalidInput, ParityError, ToolkitError
from toolkit.runtime.files import LONGEST, MANIFEST, AnyPath
from toolkit.runtime.regular import read_regular

NAME = MANIFEST
SCHEMA_VERSION = 1
LARGEST = 1 << 24  # bytes of a manifest; JSON takes up to thirty times as many when it is read
FAR = 1 << 63  # integers of JSON have no end; those of files and of floats do

# Where a file of a bundle belongs: "variant" and "golden" travel to the device, "home" stays.
VARIANT, GOLDEN, HOME = "variant", "golden", "home"

# What a writer has there for a moment, or left there when it was killed, begins with this.
PREFIX = ".toolkit-"

# The estimator's type in a bundle around a graph from elsewhere: the file is its own reference.
ITSELF = "onnx.ModelProto"

_REQUIRED: dict[str, type] = {
    "name": str,
    "task": str,
    "inputs": list,
    "outputs": list,
    "files": dict,
    "proof": dict,
}


def read_manifest(folder: AnyPath, require_signature: AnyPath | None = None) -> dict[str, Any]:
    """Return the manifest of a bundle.

    require_signature: the file of a public key that must have signed it, see
    `toolkit.runtime.signature`. Raises InvalidInput where there is no bundle, CorruptArtifact where
    the manifest is damaged or of a later schema; and both where the signature is not as required.
    """
    return _parsed(folder, _content(folder), require_signature)


Found = TypeVar("Found")


def settled(
    folder: AnyPath,
    read: Callable[[dict[str, Any]], Found],
    require_signature: AnyPath | None = None,
) -> Found:
    """Return what `read` makes of a manifest and the files beside it, all of one state of a bundle.

    A command may write the bundle meanwhile: then `read`, which may raise ToolkitError of what it
    found, is called again with what is there now. Readers take no lock. require_signature: as for
    `read_manifest`.
    """
    while True:
        before, content = stamp(folder), _content(folder)
        failure: ToolkitError | None = None
        try:
            result = read(_parsed(folder, content, require_signature))
        except ToolkitError as error:
            failure = error
        if stamp(folder) != before:
            continue
        if failure:
            raise failure
        return result


def stamp(folder: AnyPath) -> tuple[int, ...] | None:
    """Return what tells a manifest from any that was there before, the same one again among them.

    None where there is none. Two commits between, of which the second wrote the same model again,
    would not be seen by the content.
    """
    try:
        status = os.stat(os.path.join(folder, NAME))
    except OSError:
        return None
    return status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns


def _content(folder: AnyPath) -> bytes:
    path = os.path.join(folder, NAME)
    if not os.path.isdir(folder):
        raise InvalidInput(f"{folder}: no such model directory; make one with `toolkit export`")
    if not os.path.isfile(path):
        raise InvalidInput(
            f"{folder}: holds no {NAME}, so it is no model directory; make one with "
            "`toolkit export`"
        )
    return read_regular(path, LARGEST)


def _parsed(folder: AnyPath, content: bytes, require_signature: AnyPath | None) -> dict[str, Any]:
    import json

    path = os.path.join(folder, NAME)
    try:
        manifest = json.loads(content.decode())
        if b"\\" in content:  # half a pair, which no name of a file, column or output can have
            json.dumps(manifest, ensure_ascii=False).encode()
    except (ValueError, RecursionError) as error:
        raise CorruptArtifact(f"{path}: is not JSON ({error}); export the model again") from None
    if not isinstance(manifest, dict) or not isinstance(manifest.get("schema_version"), int):
        raise CorruptArtifact(f"{path}: has no schema_version; export the model again")
    if manifest["schema_version"] > SCHEMA_VERSION:
        raise CorruptArtifact(
            f"{path}: schema_version {manifest['schema_version']} is unknown, this toolkit reads "
            f"up to {SCHEMA_VERSION}; update toolkit"
        )
    _check(manifest, path)
    if require_signature is not None:
        from toolkit.runtime import signature  # few ask for it

        signature.require(folder, content, manifest, signature.read_key(require_signature))
    return manifest


def _check(manifest: dict[str, Any], path: str) -> None:
    for key, kind in _REQUIRED.items():
        if not isinstance(manifest.get(key), kind):
            raise CorruptArtifact(
                f"{path}: {key!r} is missing or no {kind.__name__}; export the model again"
            )
    if len(manifest["name"]) > LONGEST:
        raise CorruptArtifact(
            f"{path}: the model's name has {len(manifest['name'])} letters, up to {LONGEST} are "
            "taken; export the model again under another"
        )
    if not isinstance(manifest["proof"].get("passed", False), bool):
        raise CorruptArtifact(
            f"{path}: the proof's 'passed' is {manifest['proof']['passed']!r}, neither true nor "
            "false; export the model again"
        )
    for key in ("inputs", "outputs"):
        for number, entry in enumerate(manifest[key]):
            if not _is_tensor(entry):
                raise CorruptArtifact(
                    f"{path}: number {number} of {key!r} is damaged; export the model again"
                )
    for name, entry in manifest["files"].items():
        if not is_plain(name) or not _is_entry(entry):
            raise CorruptArtifact(
                f"{path}: the entry of file {name!r:.100} is damaged; export the model again"
            )


def require_proved(folder: AnyPath, manifest: dict[str, Any], unproved: bool) -> None:
    """Raise ParityError where a bundle's proof did not pass, unless it is wanted unproved."""
    if manifest["proof"].get("passed") or unproved:
        return
    from toolkit.runtime.proof import refusal  # its words are no part of a start that goes well

    raise ParityError(refusal(os.fspath(folder), manifest))


def is_plain(name: str) -> bool:
    """Tell whether a name is that of a file in the folder itself, whatever the system."""
    # Anything else could point out of the bundle; Windows takes C:x for x on another drive.
    if name in ("", ".", "..") or set("/\\:\0") & set(name):
        return False
    return len(name if name.isascii() else name.encode(errors="replace")) <= LONGEST


def _is_tensor(entry: Any) -> bool:
    if not isinstance(entry, dict) or not isinstance(entry.get("name"), str):
        return False
    columns = entry.get("columns")
    return columns is None or (
        isinstance(columns, list) and all(isinstance(c, str) for c in columns)
    )


def _is_entry(entry: Any) -> bool:
    return (
        isinstance(entry, dict)
        and isinstance(entry.get("bytes"), int)
        and 0 <= entry["bytes"] < FAR
        and isinstance(entry.get("sha256"), str)
        and entry.get("role") in (VARIANT, GOLDEN, HOME)
        and isinstance(entry.get("session", {}), dict)
        and _are_near(entry.get("tolerance"))
        and isinstance(entry.get("requires", {}), dict)
    )


def _are_near(tolerance: Any) -> bool:
    """Tell whether no number of a tolerance is an integer that no float can hold."""
    if not tolerance or not isinstance(tolerance, dict):
        return True
    return not any(type(v) is int and not -FAR < v < FAR for v in tolerance.values())
