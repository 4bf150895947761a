"""Characters of a text as numbers, for n-grams of characters, within words or across them."""

from __future__ import annotations

from typing import Any

from toolkit.exporter.graph import Graph
from toolkit.exporter.text.letters import normalised
from toolkit.exporter.text.strings import concat, every_character, flat, split_off, text_constant
from toolkit.exporter.text.words import Gram, compacted
from toolkit.exporter.values import Matrix
from toolkit.onnx_graph.domains import ML

NOTHING, STRANGER, BORDER, FIRST = 0, 1, 2, 3
SPACES = "".join(c for c in every_character() if c.isspace())
BLANK, LETTERS = FIRST + SPACES.index(" "), FIRST + len(SPACES)


def characters_of(est: Any, text: Matrix, terms: list[str], g: Graph) -> tuple[str, list[Gram]]:
    """Return the numbers of each text's characters [N, characters], and the terms' as numbers.

    NOTHING fills up the ends; a STRANGER is any run of characters that the vocabulary has not.
    White space is FIRST and up, the vocabulary's letters follow. Within words ("char_wb") every
    word gets a blank and a BORDER on either side.
    """
    letters = "".join(sorted(set("".join(terms)) - set(SPACES)))
    numbers = {c: i + FIRST for i, c in enumerate(SPACES + letters)}
    within = est.analyzer == "char_wb"
    # No text may be empty. White space at the ends means nothing within words; across them, a
    # stranger at the end does not.
    end = " " if within else next(c for c in "\x7f\x00\x01\x02\x03\x04" if c not in letters)
    line = concat(g, flat(g, text.name), text_constant(g, end))
    line = concat(g, text_constant(g, " "), line) if within else line
    line = normalised(g, line, est.lowercase, est.strip_accents, letters + SPACES, _kind)
    index = g.add(
        "LabelEncoder",
        [split_off(g, line, SPACES + letters)],
        "index",
        domain=ML,
        keys_strings=[*numbers, ""],
        values_int64s=[*numbers.values(), -1],
        default_int64=STRANGER,
    )
    index = _one_blank(g, compacted(g, index))
    if not within:
        return index, [tuple(numbers[c] for c in t) for t in terms]
    return _bordered(g, index), [_within(t, numbers, est.ngram_range[0]) for t in terms]


def _kind(piece: str) -> str:
    # A stranger is as good as several, but none is not; white space is in what is kept.
    return "" if not piece else " " if piece.isspace() else "x"


def _within(term: str, numbers: dict[str, int], least: int) -> Gram:
    """Return a term's numbers: one too short for an n-gram is a whole word, with borders."""
    codes = tuple(numbers[c] for c in term)
    return (BORDER, *codes, BORDER) if len(term) < least else codes


def _one_blank(g: Graph, index: str) -> str:
    r"""Return the numbers with `\s\s+` as one blank; a single tab or line end stays what it is."""
    space = _is_space(g, index)
    after = g.add("And", [space, shifted(g, space, 1)], "after")
    before = g.add("And", [space, shifted(g, space, -1)], "before")
    blank, dropped = (g.constant([v], "int64", "value") for v in (BLANK, -1))
    index = g.add("Where", [before, blank, index], "index")
    index = g.add("Where", [after, dropped, index], "index")
    return compacted(g, index)


def _is_space(g: Graph, index: str) -> str:
    first, last = (g.constant([v], "int64", "value") for v in (FIRST, LETTERS))
    high = g.add("GreaterOrEqual", [index, first], "high")
    return g.add("And", [high, g.add("Less", [index, last], "low")], "space")


def shifted(g: Graph, flags: str, by: int) -> str:
    """Return bool [N, k] moved `by` columns to the right (or left), False coming in."""
    number = g.add("Cast", [flags], "number", to=6)
    left, right = max(by, 0), max(-by, 0)
    padded = g.add("Pad", [number, g.constant([0, left, 0, right], "int64", "pads")], "padded")
    start, end = right, -left or 2**31
    cut = [g.constant([n], "int64", "cut") for n in (start, end, 1)]
    return g.add("Cast", [g.add("Slice", [padded, *cut], "cut")], "shifted", to=9)


def _bordered(g: Graph, index: str) -> str:
    """Return the numbers with a blank, a border and a blank between words, and so at the ends.

    Each place becomes three. White space at the first place has no word before it, and that before
    nothing has none behind.
    """
    space = _is_space(g, index)
    nothing, dropped = (g.constant([v], "int64", "value") for v in (NOTHING, -1))
    blank, border = (g.constant([v], "int64", "value") for v in (BLANK, BORDER))
    there = g.add("Not", [g.add("Equal", [index, nothing], "none")], "there")
    slots = []
    for by, other in ((1, index), (0, dropped), (-1, dropped)):
        here = g.add("And", [space, shifted(g, there, by)], "here") if by else space
        value = g.add("Where", [here, blank if by else border, dropped], "value")
        slots.append(g.add("Where", [space, value, other], "slot"))
    axis = g.constant([2], "int64", "axis")
    stacked = [g.add("Unsqueeze", [slot, axis], "slot") for slot in slots]
    three = g.add("Concat", stacked, "three", axis=2)
    shape = g.add("Shape", [index], "rows", start=0, end=1)
    shape = g.add("Concat", [shape, g.constant([-1], "int64", "rest")], "shape", axis=0)
    return compacted(g, g.add("Reshape", [three, shape], "index"))
