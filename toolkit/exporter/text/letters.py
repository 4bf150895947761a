"""Lower case and accents of any text: constant tables of characters, no locale.

Python's rules are tabulated when a model is exported, character by character, and only what can
matter to the vocabulary comes into the graph: characters that turn into one of its own, and those
that turn from part of a word to none or the reverse.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from functools import cache

from toolkit.exporter.graph import Graph
from toolkit.exporter.text.strings import (
    characters,
    concat,
    every_character,
    flat,
    inside,
    join,
    mapped,
    matches,
    matching,
    replace_each,
    text_constant,
    where_dirty,
)
from toolkit.exporter.values import Unconvertible

ASCII = "".join(map(chr, range(128)))
Kind = Callable[[str], str]


def normalised(
    g: Graph, text: str, lower: bool, accents: str | None, letters: str | None, kind: Kind = str
) -> str:
    """Return texts [N] lowered and stripped of accents as far as the vocabulary can tell.

    letters: the characters that the vocabulary knows; None where every character counts. kind: what
    else of a text matters, such as which characters are parts of words; a change that neither sees
    is left out.

    Characters whose case matters are a handful, replaced one by one (none becomes another of them);
    those with accents are thousands, replaced at once.
    """
    if callable(accents):
        raise Unconvertible("strip_accents=… (a Python function)")
    if lower:
        text = g.add("StringNormalizer", [text], "lower", case_change_action="LOWER", locale="C")
        text = flat(g, text)
        if letters is None or set(letters) & set("σς"):
            text = _sigma(g, text)
    table = _table(lower, accents, letters, kind)

    def rewritten(h: Graph, text_in: str) -> str:
        if not accents and letters is not None:
            return replace_each(h, text_in, table)
        pieces = mapped(h, characters(h, text_in), table)
        if accents == "ascii":
            plain = matches(h, pieces, f"[{inside(ASCII)}]*")
            pieces = h.add("Where", [plain, pieces, text_constant(h, "")], "kept")
        return join(h, pieces)

    return where_dirty(g, text, f"[{inside(ASCII)}]*", rewritten) if table else text


def _table(lower: bool, accents: str | None, letters: str | None, kind: Kind) -> dict[str, str]:
    known, table = set(letters or ""), {}
    for character, by in changes(lower, accents).items():
        # Whatever has no ASCII form goes later, so that every ASCII form counts.
        counts = letters is None or accents == "ascii"
        counts = counts or bool(known & set(by)) or kind(by) != kind(character)
        if counts and (by or accents != "ascii"):
            table[character] = by
    return table


@cache
def changes(lower: bool, accents: str | None) -> dict[str, str]:
    """Return every character beyond ASCII that changes, with what becomes of it."""
    table: dict[str, str] = {}
    if not lower and not accents:
        return table
    for character in every_character()[128:]:
        by = character.lower() if lower else character
        if accents:
            parts = unicodedata.normalize("NFKD", by)
            by = "".join(c for c in parts if not unicodedata.combining(c))
        if accents == "ascii":
            by = "".join(c for c in parts if c in ASCII)
        if by != character:
            table[character] = by
    return table


@cache
def _context() -> tuple[str, str]:
    """Return the insides of two classes: cased characters, and those that casing looks through.

    Found by trying Python's own rule for a capital sigma behind each character.
    """
    cased, through = [], []
    for character in every_character():
        # Ideographs, syllables and what is not assigned are neither: passed over for speed.
        if unicodedata.category(character) in ("Cn", "Co") or "\u3400" <= character <= "\ud7ff":
            continue
        if (" " + character + "Σ").lower()[-1] == "ς":
            cased.append(character)
        elif ("A" + character + "Σ").lower()[-1] == "ς":
            through.append(character)
    return _ranges("".join(cased)), _ranges("".join(through))


def _ranges(characters: str) -> str:
    return matching(f"[{''.join(f'{chr(92)}U{ord(c):08x}' for c in characters)}]")


def _sigma(g: Graph, text: str) -> str:
    """Lower capital sigmas: ς at the end of a word, σ elsewhere (Unicode's rule Final_Sigma).

    The text is split there. A sigma is final if a cased character is before it and none behind,
    looking through marks and the like; the neighbouring sigma itself is cased.
    """
    cased, through = _context()

    def lowered(h: Graph, text_in: str) -> str:
        pieces, counts = h.add_many("StringSplit", [text_in], "pieces", outputs=2, delimiter="Σ")
        width = h.add("Squeeze", [h.add("Shape", [pieces], "shape", start=1, end=2)], "width")
        zero, one = h.constant(0, "int64", "zero"), h.constant(1, "int64", "one")
        places = h.add("Range", [zero, width, one], "places")
        upright = h.add("Reshape", [counts, h.constant([-1, 1], "int64", "upright")], "counts")
        last = h.add("Sub", [upright, one], "last")
        # Piece i is before sigma i and behind sigma i − 1.
        ends = matches(h, pieces, f".*[{cased}][{through}]*")
        only = matches(h, pieces, f"[{through}]*")
        first = h.add("Greater", [places, zero], "notfirst")
        before = h.add("Or", [ends, h.add("And", [only, first], "sigma")], "before")
        starts = matches(h, pieces, f"[{through}]*[{cased}].*")
        inner = h.add("Less", [places, last], "inner")
        follows = h.add("Or", [starts, h.add("And", [only, inner], "sigma")], "follows")
        # Shift `follows` by one piece: what is behind sigma i stands in piece i + 1.
        fallen = h.add("Cast", [follows], "follows", to=6)
        pads = h.constant([0, 0, 0, 1], "int64", "pads")
        padded = h.add("Pad", [fallen, pads], "padded")
        cut = [h.constant([n], "int64", "cut") for n in (1, 2**31, 1)]
        shifted = h.add("Cast", [h.add("Slice", [padded, *cut], "shifted")], "behind", to=9)
        final = h.add("And", [before, h.add("Not", [shifted], "free")], "final")
        small = h.add("Where", [final, text_constant(h, "ς"), text_constant(h, "σ")], "small")
        between = h.add("Where", [inner, small, text_constant(h, "")], "between")
        return join(h, concat(h, pieces, between))

    return where_dirty(g, text, "[^Σ]*", lowered)
