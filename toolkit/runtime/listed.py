"""Reading the files that a manifest lists: those recorded, and no others.

Readers take no lock: while a command writes, they find each file under its own or its staged name.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

from toolkit.errors import CorruptArtifact, InvalidInput, ToolkitError
from toolkit.runtime.files import AnyPath, fitting, sha256
from toolkit.runtime.manifest import NAME, PREFIX, Found, read_manifest, stamp
from toolkit.runtime.regular import another, read_regular


def staged_name(name: str, digest: str) -> str:
    """Return the name that a file has until it is moved to its own, once its manifest is there."""
    start = f"{PREFIX}{digest[:16]}-"
    return start + fitting(name, len(start))


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
    content = read_regular(path, entry["bytes"], entry["bytes"])
    if sha256(content) != entry["sha256"]:
        raise another(path, len(content), entry["bytes"])
    return content


def _staged(path: AnyPath, entry: dict[str, Any]) -> str:
    folder, name = _place(path)
    return os.path.join(folder, staged_name(name, entry["sha256"]))


def _place(path: AnyPath) -> tuple[str, str]:
    """Return the folder and name of a file; one that is linked to is that file."""
    folder, name = os.path.split(path)
    if os.path.islink(path) and not os.path.isfile(os.path.join(folder, NAME)):
        folder, name = os.path.split(os.path.realpath(path))
    return folder, name


def _refuse_way_out(path: AnyPath) -> None:
    folder, real = os.path.dirname(path), os.path.realpath(path)
    if not os.path.isfile(os.path.join(folder, NAME)):
        return  # a link from elsewhere, to a bundle's file
    home = os.path.realpath(folder)
    if not real.startswith(os.path.join(home, "")):
        raise CorruptArtifact(
            f"{path}: is a link out of the bundle, to {real}; copy the file itself into it"
        )


def entry_beside(
    path: AnyPath, require_signature: AnyPath | None = None
) -> tuple[dict[str, Any], dict[str, Any] | None] | None:
    """Return (manifest, file entry) where `path` lies in a bundle, else None.

    The entry is None where the manifest does not list the file. require_signature: as for
    `read_manifest`; InvalidInput where `path` lies in no bundle, which alone can be signed.
    """
    folder, name = _place(path)
    if not os.path.isfile(os.path.join(folder, NAME)):
        if require_signature is not None:
            raise InvalidInput(
                f"{path}: lies in no model directory, so that no signature covers it; give the "
                "directory that was signed, or a file in it"
            )
        return None
    manifest = read_manifest(folder or ".", require_signature)
    return manifest, manifest["files"].get(name)


def beside(
    path: AnyPath,
    read: Callable[[dict[str, Any] | None, dict[str, Any] | None], Found],
    require_signature: AnyPath | None = None,
) -> Found:
    """Return what `read` makes of a file's (manifest, entry), (None, None) in no bundle.

    Where it raises ToolkitError because a command has just written the bundle, it is called again
    with what is there now. require_signature: as for `entry_beside`.
    """
    while True:
        before = stamp(_place(path)[0])
        try:
            return read(*(entry_beside(path, require_signature) or (None, None)))
        except ToolkitError:
            if stamp(_place(path)[0]) == before:
                raise


def refuse_own(path: AnyPath) -> None:
    """Raise InvalidInput where `path` is a bundle's own file, which other output would spoil."""
    folder, name = os.path.split(os.path.realpath(path))
    if not os.path.isfile(os.path.join(folder, NAME)):
        return
    if name == NAME or name.startswith(PREFIX) or name in read_manifest(folder)["files"]:
        raise InvalidInput(
            f"{path}: is the model directory's own file, with which it would be no model any more; "
            "choose another one"
        )


def unlisted(path: AnyPath) -> InvalidInput:
    """Return the refusal of a file in a bundle that its manifest does not list."""
    return InvalidInput(
        f"{path}: {NAME} beside it does not list it, so that nothing is known of it; make it with "
        "toolkit, or move it elsewhere"
    )
