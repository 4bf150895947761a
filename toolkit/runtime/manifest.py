"""Reading and checking `manifest.json`, the table of contents of a bundle."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from typing import Any, TypeVar

from toolkit.errors import CorruptArtifact, InvalidInput, ParityError, ToolkitError
from toolkit.runtime.files import AnyPath, sha256, unreadable

NAME = "manifest.json"
SCHEMA_VERSION = 1
LARGEST = 1 << 24  # bytes of a manifest; JSON takes up to thirty times as many when it is read
# To read a file with: a FIFO would make open() wait for its other end; O_BINARY is Windows'.
FLAGS = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
FAR = 1 << 63  # integers of JSON have no end; those of files and of floats do
LONGEST = 255  # bytes of a file's name, and letters of a model's

# Where a file of a bundle belongs: "variant" and "golden" travel to the device, "home" stays.
VARIANT, GOLDEN, HOME = "variant", "golden", "home"

# What a writer has there for a moment, or left there when it was killed, begins with this.
PREFIX = ".toolkit-"

_REQUIRED: dict[str, type] = {
    "name": str,
    "task": str,
    "inputs": list,
    "outputs": list,
    "files": dict,
    "proof": dict,
}


def read_manifest(folder: AnyPath) -> dict[str, Any]:
    """Return the manifest of a bundle.

    Raises InvalidInput where there is no bundle, CorruptArtifact where the manifest is damaged or
    of a later schema.
    """
    return _parsed(_content(folder), os.path.join(folder, NAME))


Found = TypeVar("Found")


def settled(folder: AnyPath, read: Callable[[dict[str, Any]], Found]) -> Found:
    """Return what `read` makes of a manifest and the files beside it, all of one state of a bundle.

    A command may write the bundle meanwhile: then `read`, which may raise ToolkitError of what it
    found, is called again with what is there now. Readers take no lock.
    """
    while True:
        content = _content(folder)
        failure: ToolkitError | None = None
        try:
            found = read(_parsed(content, os.path.join(folder, NAME)))
        except ToolkitError as error:
            failure = error
        if _content(folder) != content:
            continue
        if failure:
            raise failure
        return found


def _content(folder: AnyPath) -> bytes:
    path = os.path.join(folder, NAME)
    if not os.path.isdir(folder):
        raise InvalidInput(f"{folder}: no such model directory; make one with `toolkit export`")
    if not os.path.isfile(path):
        raise InvalidInput(
            f"{folder}: holds no {NAME}, so it is no model directory; make one with "
            "`toolkit export`"
        )
    return _read_regular(path, LARGEST)


def _parsed(content: bytes, path: str) -> dict[str, Any]:
    import json

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


def staged_name(name: str, digest: str) -> str:
    """Return the name that a file has until it is moved to its own, once its manifest is there."""
    return f"{PREFIX}{digest[:16]}-{name}"


def is_there(path: AnyPath, entry: dict[str, Any]) -> bool:
    """Tell whether a bundle's file is there, under its own name or the staged one."""
    return os.path.exists(path) or os.path.isfile(_staged(path, entry))


def read_checked(path: AnyPath, entry: dict[str, Any]) -> bytes:
    """Return the bytes of a bundle's file; CorruptArtifact where they are not those recorded.

    Nothing is read of what is no regular file of the recorded size, nor of what a link leads to
    out of the bundle. A link from elsewhere to a bundle's file is that file. Where a writer has
    committed a manifest and not yet moved the file to its place, or was killed before it did, the
    file is read under its staged name.
    """
    # Once more under its own name: it may have been moved there in between.
    for candidate in (path, _staged(path, entry), path):
        try:
            return _read_recorded(candidate, entry)
        except ToolkitError as error:
            failure = error
    raise failure


def _read_recorded(path: AnyPath, entry: dict[str, Any]) -> bytes:
    if os.path.islink(path):
        _refuse_way_out(path)
    content = _read_regular(path, entry["bytes"], entry["bytes"])
    if sha256(content) != entry["sha256"]:
        raise _another(path, len(content), entry["bytes"])
    return content


def _staged(path: AnyPath, entry: dict[str, Any]) -> str:
    folder, name = os.path.split(path)
    if os.path.islink(path) and not os.path.isfile(os.path.join(folder, NAME)):
        folder, name = os.path.split(os.path.realpath(path))
    return os.path.join(folder, staged_name(name, entry["sha256"]))


def _another(path: AnyPath, size: int, recorded: int) -> CorruptArtifact:
    return CorruptArtifact(
        f"{path}: its SHA-256 is not the one in {NAME} ({size} bytes, recorded {recorded}); copy "
        "it again or make it again with toolkit"
    )


def _read_regular(path: AnyPath, most: int, size: int | None = None) -> bytes:
    """Return the bytes of a regular file, of `most` at most; else CorruptArtifact.

    size: how many it must have, where that is recorded. Raises InvalidInput where it cannot be
    opened.
    """
    try:
        handle = os.open(path, FLAGS)
        try:
            status = os.fstat(handle)
            if not stat.S_ISREG(status.st_mode):
                raise CorruptArtifact(
                    f"{path}: is no regular file (a pipe, a device or a folder); copy the file"
                )
            if size is not None and status.st_size != size:
                raise _another(path, status.st_size, size)
            if status.st_size > most:
                raise CorruptArtifact(
                    f"{path}: has {status.st_size} bytes, up to {most} are read; export the model "
                    "again"
                )
            return _all_of(handle, status.st_size)
        finally:
            os.close(handle)
    except FileNotFoundError:
        raise InvalidInput(f"{path}: no such file; check the path") from None
    except OSError as error:
        raise unreadable(path, error) from None


def _all_of(handle: int, size: int) -> bytes:
    content = os.read(handle, size)
    while len(content) < size:  # the system gives two gigabytes at a time
        more = os.read(handle, size - len(content))
        if not more:
            break
        content += more
    return content


def _refuse_way_out(path: AnyPath) -> None:
    folder, real = os.path.dirname(path), os.path.realpath(path)
    if not os.path.isfile(os.path.join(folder, NAME)):
        return  # a link from elsewhere, to a bundle's file
    home = os.path.realpath(folder)
    if not real.startswith(os.path.join(home, "")):
        raise CorruptArtifact(
            f"{path}: is a link out of the bundle, to {real}; copy the file itself into it"
        )


def entry_beside(path: AnyPath) -> tuple[dict[str, Any], dict[str, Any] | None] | None:
    """Return (manifest, file entry) where `path` lies in a bundle, else None.

    The entry is None where the manifest does not list the file.
    """
    folder, name = os.path.split(path)
    if not os.path.isfile(os.path.join(folder, NAME)) and os.path.islink(path):
        # A link to a bundle's file is that file.
        folder, name = os.path.split(os.path.realpath(path))
    if not os.path.isfile(os.path.join(folder, NAME)):
        return None
    manifest = read_manifest(folder or ".")
    return manifest, manifest["files"].get(name)


def beside(
    path: AnyPath, read: Callable[[dict[str, Any] | None, dict[str, Any] | None], Found]
) -> Found:
    """Return what `read` makes of a file's (manifest, entry), (None, None) in no bundle.

    Where it raises ToolkitError because a command has just written the bundle, it is called again
    with what is there now.
    """
    while True:
        found = entry_beside(path)
        try:
            return read(*(found or (None, None)))
        except ToolkitError:
            if entry_beside(path) == found:
                raise


def unlisted(path: AnyPath) -> InvalidInput:
    """Return the refusal of a file in a bundle that its manifest does not list."""
    return InvalidInput(
        f"{path}: {NAME} beside it does not list it, so that nothing is known of it; make it with "
        "toolkit, or move it elsewhere"
    )
