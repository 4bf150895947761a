"""One transaction: all that a command writes into a model directory becomes visible at once.

New files are written and synced under staged names, `.toolkit-<part of the SHA-256>-<name>`; then
the manifest is renamed over the old one, which is the commit: it names every file by its SHA-256,
and whoever reads a file (`toolkit.runtime.manifest.read_checked`) takes the staged one where the
file itself has another. After that the staged files are renamed to their own names, and what the
manifest no longer lists is removed. A killed run is finished, or swept, by the next one that
writes: staged files that the manifest lists are renamed, all others removed.
"""

from __future__ import annotations

import json
import os
import time
import warnings
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from toolkit.bundle.lock import LOCK, WRITER, locked
from toolkit.bundle.readback import check
from toolkit.bundle.signals import deferred
from toolkit.errors import CorruptArtifact, InvalidInput, ToolkitWarning
from toolkit.runtime.files import read_bytes, sha256, sync_folder, write_synced
from toolkit.runtime.listed import staged_name
from toolkit.runtime.manifest import NAME, PREFIX, is_plain, read_manifest
from toolkit.runtime.signature import NAME as SIGNATURE

NEW_MANIFEST = f"{PREFIX}manifest"
REMOVALS = f"{PREFIX}removals"  # JSON: the files that go with the commit, by name their SHA-256

ATTEMPTS, PAUSE_S = 4, 0.05  # of renaming a file: on Windows not while somebody reads it

Contents = Mapping[str, bytes]
Plan = Callable[[], tuple[dict[str, Any], Contents]]


def commit(folder: Path, plan: Plan) -> dict[str, Any]:
    """Write what `plan` returns, a manifest and files by name, and return that manifest.

    plan: called when the directory is locked and whole. Where anything fails or a signal comes, the
    directory is as it was, without a temporary file, unless the commit was made; the error says so
    then. Raises InvalidInput where it cannot be written, CorruptArtifact where a file cannot be
    read back, and what `plan` raises.
    """
    committed = signed = False
    staged: list[Path] = []
    try:
        with deferred() as heed, _made(folder), locked(folder, heed):
            try:
                recover(folder)
                heed()
                manifest, contents = plan()
                signed = _stage(folder, manifest, contents, staged, heed)
                os.replace(folder / NEW_MANIFEST, folder / NAME)
                committed = True
                sync_folder(folder)
                recover(folder)
            except BaseException as error:
                for path in () if committed else staged:
                    with suppress(OSError):  # what resists is left to the next run
                        path.unlink(missing_ok=True)
                if isinstance(error, OSError):
                    raise InvalidInput(_failed(folder, error, committed)) from None
                raise
    except KeyboardInterrupt as stop:
        if committed:
            stop.args = (f"{folder} had been written",)
        raise
    if signed:
        warnings.warn(
            f"{folder / SIGNATURE}: signed the model as it was; it is removed, sign the model "
            "again",
            ToolkitWarning,
            stacklevel=2,
        )
    return manifest


@contextmanager
def held(folder: Path) -> Iterator[None]:
    """Hold a model directory, whole and locked, for a file that its manifest does not list."""
    with deferred() as heed, locked(folder, heed):
        recover(folder)
        heed()
        yield


def recover(folder: Path) -> None:
    """Finish what was committed and sweep what was not, in a locked directory."""
    left = set(_ours(folder)) - {LOCK, WRITER}
    if not left:
        return
    try:
        files = read_manifest(folder)["files"]
    except (InvalidInput, CorruptArtifact):
        files = {}  # nothing that could be finished
    for name, entry in files.items():
        staged = folder / staged_name(name, entry["sha256"])
        if staged.name in left and _holds(staged, entry["sha256"]):
            _rename(staged, folder / name)
    if REMOVALS in left:
        for name, digest in _removals(folder).items():
            if name not in files and _holds(folder / name, digest):
                os.unlink(folder / name)
    sync_folder(folder)
    # The list goes last: it is wanted again where this is interrupted.
    for name in sorted(_ours(folder), key=lambda name: name == REMOVALS):
        if name not in (LOCK, WRITER):
            os.unlink(folder / name)


def is_empty(folder: Path) -> bool:
    """Tell whether a folder holds nothing but what a killed run left there."""
    return all(name.startswith(PREFIX) for name in os.listdir(folder))


def _stage(
    folder: Path,
    manifest: dict[str, Any],
    contents: Contents,
    staged: list[Path],
    heed: Callable[[], None],
) -> bool:
    """Write and read back everything under staged names, which are added to `staged`.

    Signals are heeded between any two files. Returns whether a signature goes with the commit: that
    of another manifest than the new one.
    """

    def write(path: Path, content: bytes, name: str) -> None:
        heed()
        staged.append(path)
        write_synced(path, content)
        check(read_bytes(path), content, name, manifest)

    files = manifest["files"]
    for name, content in contents.items():
        if (folder / name).is_dir():
            raise InvalidInput(f"{folder / name}: is a folder; move it elsewhere")
        write(folder / staged_name(name, files[name]["sha256"]), content, name)
    text = (json.dumps(manifest, indent=2, ensure_ascii=False) + "\n").encode()
    gone = {n: digest for n, digest in _listed(folder).items() if n not in files}
    signed = (folder / SIGNATURE).is_file() and not _holds(folder / NAME, sha256(text))
    if signed:
        gone[SIGNATURE] = sha256(read_bytes(folder / SIGNATURE))
    if gone:
        write(folder / REMOVALS, json.dumps(gone).encode(), REMOVALS)
    write(folder / NEW_MANIFEST, text, NAME)
    sync_folder(folder)
    heed()
    return signed


def _rename(staged: Path, path: Path) -> None:
    for attempt in range(ATTEMPTS):
        try:
            return os.replace(staged, path)
        except OSError:
            if attempt == ATTEMPTS - 1:
                raise
            time.sleep(PAUSE_S)


def _holds(path: Path, digest: object) -> bool:
    """Tell whether a path is a file of this SHA-256, and no link to one."""
    return path.is_file() and not path.is_symlink() and sha256(read_bytes(path)) == digest


def _ours(folder: Path) -> Collection[str]:
    return [name for name in os.listdir(folder) if name.startswith(PREFIX)]


def _listed(folder: Path) -> dict[str, str]:
    """Return the SHA-256 of what the manifest in a folder lists, by name; nothing outside of it."""
    try:
        files = json.loads(read_bytes(folder / NAME))["files"]
        return {n: e["sha256"] for n, e in files.items() if is_plain(n)}
    except (InvalidInput, ValueError, KeyError, TypeError, AttributeError):
        return {}


def _removals(folder: Path) -> dict[str, str]:
    try:
        found = json.loads(read_bytes(folder / REMOVALS))
        return {n: digest for n, digest in found.items() if is_plain(n) and n != NAME}
    except (InvalidInput, ValueError, AttributeError):
        return {}  # half a list: nothing was committed with it


def _failed(folder: Path, error: OSError, committed: bool) -> str:
    if committed:
        return (
            f"{folder}: is written and whole, but its files could not all be moved to their places "
            f"({error.strerror}); the next command that writes there will do it"
        )
    return (
        f"{folder}: cannot be written ({error.strerror}), and is as it was; free some space or "
        "choose another folder"
    )


@contextmanager
def _made(folder: Path) -> Iterator[None]:
    """Make a folder and those above it; remove what was made where it stays empty."""
    new: list[Path] = []
    try:
        try:
            new += [f for f in (folder, *folder.parents) if not f.exists()]
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise InvalidInput(
                f"{folder}: cannot be written ({error.strerror}); choose a writable folder"
            ) from None
        yield
    except BaseException:
        with suppress(OSError):
            for made in new:
                made.rmdir()
        raise
