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
import warnings
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from toolkit.bundle.lock import LOCKS, locked
from toolkit.bundle.readback import check
from toolkit.errors import CorruptArtifact, InvalidInput, ToolkitError, ToolkitWarning
from toolkit.runtime.files import read_bytes, sha256
from toolkit.runtime.listed import staged_name
from toolkit.runtime.manifest import LARGEST, NAME, PREFIX, is_plain, read_manifest
from toolkit.runtime.regular import read_regular
from toolkit.runtime.signals import deferred
from toolkit.runtime.signature import NAME as SIGNATURE
from toolkit.runtime.writing import made, rename, require_same, sync_folders, write_synced

NEW_MANIFEST = f"{PREFIX}manifest"
REMOVALS = f"{PREFIX}removals"  # JSON: the files that go with the commit, by name their SHA-256

Contents = Mapping[str, bytes]
Plan = Callable[[], tuple[dict[str, Any], Contents]]


def commit(folder: Path, plan: Plan) -> dict[str, Any]:
    """Write what `plan` returns, a manifest and files by name, and return that manifest.

    plan: called when the directory is locked and whole. Where anything fails or a signal comes, the
    directory is as it was, without a temporary file, unless the commit was made; the error says so
    then. Raises InvalidInput where it cannot be written, CorruptArtifact where a file cannot be
    read back, and what `plan` raises.
    """
    with _writing(folder) as writing:
        manifest, contents = plan()
        signed = _stage(writing, manifest, contents)
        writing.commit(folder / NEW_MANIFEST, NAME)
    if signed:
        warnings.warn(
            f"{folder / SIGNATURE}: signed the model as it was; it is removed, sign the model "
            "again",
            ToolkitWarning,
            stacklevel=2,
        )
    return manifest


def put(folder: Path, name: str, content: bytes, check: Callable[[], None]) -> None:
    """Write a file that the manifest does not list, all or nothing of it; errors as for `commit`.

    check: raises where the directory, which is locked by then, is not to be written.
    """
    with _writing(folder) as writing:
        check()
        staged = folder / staged_name(name, sha256(content))
        writing.stage(staged, content, name, {})
        writing.commit(staged, name)


class _Writing:
    """What a transaction has staged in a folder, and whether it is committed."""

    def __init__(self, folder: Path, heed: Callable[[], None]) -> None:
        self.folder, self.heed = folder, heed
        self.staged: list[Path] = []
        self.committed = False

    def stage(self, path: Path, content: bytes, name: str, manifest: dict[str, Any]) -> None:
        """Write a file under a staged name and read it back; signals are heeded before it."""
        self.heed()
        self.staged.append(path)
        path.unlink(missing_ok=True)  # what a damaged manifest let nobody finish or sweep
        write_synced(path, content, self.heed)
        require_same(path, content, name)
        check(content, name, manifest)

    def commit(self, staged: Path, name: str) -> None:
        """Let all that is staged count, by the last of it."""
        sync_folders(self.folder, [])
        self.heed()
        rename(staged, self.folder / name)
        self.committed = True

    def failed(self, error: BaseException) -> InvalidInput:
        """Return what a command says that failed: whether the old is there or the new."""
        why = error.strerror if isinstance(error, OSError) else error
        if self.committed:
            return InvalidInput(
                f"{self.folder}: is written and whole, but its files could not all be moved to "
                f"their places ({why}); the next command that writes there will do it"
            )
        return InvalidInput(
            f"{self.folder}: cannot be written ({why}), and is as it was; free some space or "
            "choose another folder"
        )


@contextmanager
def _writing(folder: Path) -> Iterator[_Writing]:
    """Hold a directory, locked and whole, for what is staged and then committed."""
    writing = _Writing(folder, lambda: None)
    try:
        with deferred() as writing.heed, _made(folder) as new, locked(folder, writing.heed):
            try:
                recover(folder)
                writing.heed()
                yield writing
                sync_folders(folder, new)
                recover(folder)
            except BaseException as error:
                for path in () if writing.committed else writing.staged:
                    with suppress(OSError):  # what resists is left to the next run
                        path.unlink(missing_ok=True)
                late = writing.committed and isinstance(error, ToolkitError)
                if late or isinstance(error, OSError):
                    raise writing.failed(error) from None
                raise
    except KeyboardInterrupt as stop:
        if writing.committed:
            stop.args = (f"{folder} had been written",)
        raise


def recover(folder: Path) -> None:
    """Finish what was committed and sweep what was not, in a locked directory.

    Where the manifest is damaged, or of a later schema, nobody knows what was committed: all stays.
    Raises OSError or InvalidInput where something cannot be read.
    """
    left = set(_ours(folder)) - LOCKS
    if not left:
        return
    try:
        files = read_manifest(folder)["files"] if _has_manifest(folder) else {}
    except CorruptArtifact:
        return
    for name, entry in files.items():
        staged = folder / staged_name(name, entry["sha256"])
        if staged.name in left and not staged.is_symlink() and _holds(staged, entry["sha256"]):
            rename(staged, folder / name)
    if REMOVALS in left:
        for name, digest in _removals(folder).items():
            if name not in files and _holds(folder / name, digest):
                os.unlink(folder / name)
    sync_folders(folder, [])
    # The list goes last: it is wanted again where this is interrupted.
    for name in sorted(_ours(folder), key=lambda name: name == REMOVALS):
        if name not in LOCKS:
            os.unlink(folder / name)


def is_empty(folder: Path) -> bool:
    """Tell whether a folder holds nothing but what a killed run left there."""
    return len(os.listdir(folder)) == len(_ours(folder))


def _stage(writing: _Writing, manifest: dict[str, Any], contents: Contents) -> bool:
    """Stage files, the list of those that go, and the manifest.

    Returns whether a signature goes with the commit: that of another manifest than the new one.
    """
    folder, files = writing.folder, manifest["files"]
    for name, content in contents.items():
        if (folder / name).is_dir():
            raise InvalidInput(f"{folder / name}: is a folder; move it elsewhere")
        staged = folder / staged_name(name, files[name]["sha256"])
        writing.stage(staged, content, name, manifest)
    text = (json.dumps(manifest, indent=2, ensure_ascii=False) + "\n").encode()
    old = read_regular(folder / NAME, LARGEST) if _has_manifest(folder) else b""
    gone = {n: digest for n, digest in _listed(old).items() if n not in files}
    signed = (folder / SIGNATURE).is_file() and old != text
    if signed:
        gone[SIGNATURE] = sha256(read_bytes(folder / SIGNATURE))
    if gone:
        writing.stage(folder / REMOVALS, json.dumps(gone).encode(), REMOVALS, manifest)
    writing.stage(folder / NEW_MANIFEST, text, NAME, manifest)
    return signed


def _holds(path: Path, digest: object) -> bool:
    """Tell whether a path is, or leads to, a file of this SHA-256."""
    return path.is_file() and sha256(read_bytes(path)) == digest


def _ours(folder: Path) -> Collection[str]:
    """Return the names of what writers have, or left, in a folder; a folder is nobody's of them."""
    with os.scandir(folder) as entries:
        return [
            e.name
            for e in entries
            if e.name.startswith(PREFIX) and not e.is_dir(follow_symlinks=False)
        ]


def _has_manifest(folder: Path) -> bool:
    """Tell whether a manifest is there, damaged or not; OSError where that cannot be known."""
    try:
        os.lstat(folder / NAME)
    except FileNotFoundError:
        return False
    return True


def _listed(content: bytes) -> dict[str, str]:
    """Return the SHA-256 of what a manifest lists, by name; nothing outside of its folder."""
    try:
        files = json.loads(content)["files"]
        return {n: e["sha256"] for n, e in files.items() if is_plain(n)}
    except (ValueError, KeyError, TypeError, AttributeError):
        return {}


def _removals(folder: Path) -> dict[str, str]:
    try:
        listed = json.loads(read_regular(folder / REMOVALS, LARGEST))
        return {n: digest for n, digest in listed.items() if is_plain(n) and n != NAME}
    except (CorruptArtifact, ValueError, AttributeError):
        return {}  # half a list: nothing was committed with it


@contextmanager
def _made(folder: Path) -> Iterator[list[str]]:
    """Make a folder as `toolkit.runtime.writing.made` does."""
    try:
        with made(folder) as new:
            yield new
    except OSError as error:
        raise InvalidInput(
            f"{folder}: cannot be written ({error.strerror}); choose a writable folder"
        ) from None
