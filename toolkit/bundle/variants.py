"""What methods made of a model: one record each, found by the method's name."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any, SupportsIndex, overload

from toolkit.errors import InvalidInput

OK, FAILED, NOT_APPLICABLE = "ok", "failed", "not-applicable"
NO_OP, LARGER = "no-op", "larger"  # verdicts on a variant that was not kept


@dataclass(frozen=True, repr=False)
class Variant:
    """What one method made of the model, or why it made nothing.

    file: its name in the bundle, None where nothing was kept. bytes: the size of what was made,
    None where nothing was. reason: why nothing was kept, "" where it was. tolerance: the largest
    relative deviation and smallest label agreement that a replay of the golden rows may show.
    session: the options under which onnxruntime opens it, see `toolkit.runtime.session`. verdict:
    why nothing was kept, in a word (`NO_OP` or `LARGER`, "" for another reason). notes: what
    nobody would guess from the file: what onnxruntime makes of it, that thresholds were reduced.
    folder: the bundle's, None of a variant that is in none yet.
    """

    method: str
    status: str
    file: str | None = None
    reason: str = ""
    bytes: int | None = None
    tolerance: dict[str, float] = field(default_factory=dict)
    session: dict[str, Any] = field(default_factory=dict)
    verdict: str = ""
    notes: str = ""
    folder: Path | None = field(default=None, compare=False, kw_only=True)

    @property
    def path(self) -> Path | None:
        """The file's path, None where nothing was kept."""
        return self.folder / self.file if self.folder and self.file else None

    def record(self) -> dict[str, Any]:
        """Return what a manifest keeps of it; the folder is not a part of that."""
        return {name: getattr(self, name) for name in RECORDED}

    def __repr__(self) -> str:
        made = f"{self.file}, {self.bytes:,} bytes" if self.file and self.bytes else self.reason
        return f"<Variant {self.method}: {self.status}, {made}>"


RECORDED = tuple(f.name for f in fields(Variant) if f.name != "folder")


class Variants(list[Variant]):
    """Variants in order, which are found by their place or by their method's name."""

    def __init__(self, variants: Iterable[Variant], folder: Path | None = None) -> None:
        """Take the variants; folder: that of the bundle which holds them."""
        super().__init__(replace(v, folder=folder) if folder else v for v in variants)

    @overload
    def __getitem__(self, key: str | SupportsIndex) -> Variant: ...
    @overload
    def __getitem__(self, key: slice) -> list[Variant]: ...
    def __getitem__(self, key: str | SupportsIndex | slice) -> Variant | list[Variant]:
        """Return the variant of a method, or at a place; InvalidInput for an unknown method."""
        if not isinstance(key, str):
            return super().__getitem__(key)
        found = next((v for v in self if v.method == key), None)
        if found is None:
            known = ", ".join(v.method for v in self) or "none"
            raise InvalidInput(f"no method {key!r} was tried; there are {known}")
        return found

    def __repr__(self) -> str:
        return "[" + ", ".join(map(repr, self)) + "]"

    def _repr_html_(self) -> str:
        from toolkit.runtime.shown import table

        return table(
            ("method", "file", "bytes", "notes"),
            ((v.method, v.file or "–", _size(v), v.reason or v.notes) for v in self),
        )


def _size(variant: Variant) -> str:
    return "–" if variant.bytes is None else f"{variant.bytes:,}"
