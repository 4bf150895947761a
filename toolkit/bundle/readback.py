"""What was written is read back from its final bytes before it counts."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from toolkit.errors import CorruptArtifact
from toolkit.runtime import golden
from toolkit.runtime.npz import read_npz

Reader = Callable[[bytes, str, dict[str, Any]], object]

# By the end of a file's name. Graphs, packs and the estimator were opened and run from these very
# bytes by whoever made them: by the proof, by a method's judge, by `keep`. Reports are text.
READERS: dict[str, Reader] = {
    golden.NAME: golden.read,
    ".npz": lambda content, origin, _: read_npz(content, origin),
    ".json": lambda content, origin, _: json.loads(content),
}


def check(content: bytes, name: str, manifest: dict[str, Any]) -> None:
    """Raise CorruptArtifact where a file's bytes, as they are on the disk, open for nobody."""
    for end, read in READERS.items():
        if name.endswith(end):
            try:
                read(content, name, manifest)
            except ValueError as error:
                raise CorruptArtifact(
                    f"{name}: what was made for it cannot be read back ({error}); report this"
                ) from error
            return
