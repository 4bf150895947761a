"""Writing README.md with what it describes, unless there is one that is not toolkit's."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from toolkit.bundle.card import CARD, MARK, page
from toolkit.errors import CorruptArtifact, ToolkitError, boundary
from toolkit.runtime.listed import is_there, read_checked
from toolkit.runtime.manifest import NAME, read_manifest
from toolkit.runtime.regular import read_regular

LARGEST = 1 << 24  # bytes of a file that is looked at for the mark


def is_own(folder: Path) -> bool:
    """Tell whether a card may be written: there is no README.md, or it is the one toolkit wrote.

    That is the one that the manifest lists, as long as nobody edited it; where no manifest can be
    read, one that begins as a card does.
    """
    path = folder / CARD
    if not path.exists() and not path.is_symlink():
        return True
    try:
        files = read_manifest(folder)["files"]
    except ToolkitError:
        return _begins_as_card(path)
    try:
        return CARD in files and bool(read_checked(path, files[CARD]))
    except ToolkitError:
        return False


def _begins_as_card(path: Path) -> bool:
    try:
        return read_regular(path, LARGEST).startswith(MARK.encode())
    except ToolkitError:
        return False


def card_of(folder: Path, manifest: Mapping[str, Any], contents: Mapping[str, bytes]) -> bytes:
    """Return the card of what is to be written; contents: new files, which come before the old.

    Raises CorruptArtifact where manifest or report are so damaged that there is none.
    """

    def read(name: str) -> bytes | None:
        if name in contents:
            return contents[name]
        entry = manifest["files"].get(name)
        if entry is None or not is_there(folder / name, entry):
            return None
        return read_checked(folder / name, entry)

    remedy = f"{NAME} or the report is damaged, export the model again"
    with boundary(str(folder), CorruptArtifact, remedy):
        return page(manifest, read)
