"""README.md, the model card: whose it is, and writing it with what it describes.

What stands in it is made above (`toolkit.card`); here it is only known as a function from a
manifest and the files that go with it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from toolkit.errors import CorruptArtifact, InvalidInput, ToolkitError, boundary
from toolkit.runtime.listed import is_there, read_checked
from toolkit.runtime.manifest import NAME, read_manifest
from toolkit.runtime.regular import read_regular

CARD = "README.md"
# What a card begins with, so that one is known even where no manifest can be read.
CARD_MARK = (
    "<!-- The model card, written by toolkit: export, quantize and bench write it anew. Text of "
    "your own belongs into another file. -->"
)
LARGEST = 1 << 24  # bytes of a file that is looked at for the mark

Read = Callable[[str], bytes | None]
Page = Callable[[Mapping[str, Any], Read], bytes]


def require_own_card(folder: Path, force: bool = False) -> None:
    """Raise InvalidInput where a card would be written over a README.md that is not toolkit's.

    One that the manifest lists and that was edited since is not; force: it is if it begins as a
    card does.
    """
    path = folder / CARD
    if not path.exists() and not path.is_symlink():
        return
    try:
        entry = read_manifest(folder)["files"].get(CARD)
        if entry is not None:
            read_checked(path, entry)
            return
    except ToolkitError:
        pass
    if force and _begins_as_card(path):
        return
    raise InvalidInput(
        f"{path}: is not the card that toolkit wrote there, and would be written over; move it "
        "elsewhere"
    )


def _begins_as_card(path: Path) -> bool:
    try:
        return read_regular(path, LARGEST).startswith(CARD_MARK.encode())
    except ToolkitError:
        return False


def card_of(
    folder: Path, manifest: Mapping[str, Any], contents: Mapping[str, bytes], page: Page
) -> bytes:
    """Return the card of what is to be written; contents: new files, which come before the old."""

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
