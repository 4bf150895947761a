"""Reading and checking `manifest.json`, the table of contents of a bundle."""

from __future__ import annotations

import os
from typing import Any

from toolkit.errors import CorruptArtifact, InvalidInput, ParityError
from toolkit.runtime.files import AnyPath, read_bytes, sha256

NAME = "manifest.json"
SCHEMA_VERSION = 1

# Where a file of a bundle belongs: "variant" and "golden" travel to the device, "home" stays.
VARIANT, GOLDEN, HOME = "variant", "golden", "home"

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
    import json

    path = os.path.join(folder, NAME)
    if not os.path.isdir(folder):
        raise InvalidInput(f"{folder}: no such model directory; make one with `toolkit export`")
    if not os.path.isfile(path):
        raise InvalidInput(
            f"{folder}: holds no {NAME}, so it is no model directory; make one with "
            "`toolkit export`"
        )
    content = read_bytes(path)
    try:
        manifest = json.loads(content)
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
                f"{path}: the entry of file {name!r} is damaged; export the model again"
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
    return name not in ("", ".", "..") and not set("/\\:\0") & set(name)


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
        and isinstance(entry.get("sha256"), str)
        and entry.get("role") in (VARIANT, GOLDEN, HOME)
        and isinstance(entry.get("session", {}), dict)
        and isinstance(entry.get("requires", {}), dict)
    )


def read_checked(path: AnyPath, entry: dict[str, Any]) -> bytes:
    """Return the bytes of a bundle's file; CorruptArtifact where they are not those recorded."""
    content = read_bytes(path)
    if sha256(content) != entry["sha256"]:
        raise CorruptArtifact(
            f"{path}: its SHA-256 is not the one in {NAME} ({len(content)} bytes, recorded "
            f"{entry['bytes']}); copy it again or make it again with toolkit"
        )
    return content


def entry_beside(
    path: AnyPath, require_signature: AnyPath | None = None
) -> tuple[dict[str, Any], dict[str, Any] | None] | None:
    """Return (manifest, file entry) where `path` lies in a bundle, else None.

    The entry is None where the manifest does not list the file. require_signature: as for
    `read_manifest`; InvalidInput where `path` lies in no bundle, which alone can be signed.
    """
    folder, name = os.path.split(path)
    if not os.path.isfile(os.path.join(folder, NAME)) and os.path.islink(path):
        # A link to a bundle's file is that file.
        folder, name = os.path.split(os.path.realpath(path))
    if not os.path.isfile(os.path.join(folder, NAME)):
        if require_signature is not None:
            raise InvalidInput(
                f"{path}: lies in no model directory, so that no signature covers it; give the "
                "directory that was signed, or a file in it"
            )
        return None
    manifest = read_manifest(folder or ".", require_signature)
    return manifest, manifest["files"].get(name)


def unlisted(path: AnyPath) -> InvalidInput:
    """Return the refusal of a file in a bundle that its manifest does not list."""
    return InvalidInput(
        f"{path}: {NAME} beside it does not list it, so that nothing is known of it; make it with "
        "toolkit, or move it elsewhere"
    )
