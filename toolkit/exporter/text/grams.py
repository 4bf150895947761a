r"""N-grams of a text as texts, for hashing, which knows no vocabulary: every one of them counts.

Words and characters come out of onnxruntime's Tokenizer; neighbours are joined by StringConcat.
"""

from __future__ import annotations

from typing import Any

from toolkit.exporter.graph import Graph
from toolkit.exporter.text.characters import SPACES, shifted
from toolkit.exporter.text.letters import normalised
from toolkit.exporter.text.strings import (
    MARK,
    characters,
    concat,
    flat,
    found,
    inside,
    join,
    matches,
    matching,
    text_constant,
)
from toolkit.exporter.text.words import moved_together, token_of
from toolkit.exporter.values import Matrix
from toolkit.onnx_graph.domains import ML

# Texts [N, k] with which of them are there, bool [N, k].
Texts = tuple[str, str]

END = "\x7f"  # at a text's end, so that none is empty: no letter, no white space


def grams_of(est: Any, text: Matrix, g: Graph) -> list[Texts]:
    """Return the n-grams of each text by the analyzer "word", "char" or "char_wb"."""
    return {"word": _of_words, "char": _of_characters, "char_wb": _within_words}[est.analyzer](
        est, text, g
    )


def _of_words(est: Any, text: Matrix, g: Graph) -> list[Texts]:
    """Words by the token pattern, without stop words; neighbours with a blank between."""
    part, whole, _ = token_of(est.token_pattern)
    words = _pieces(est, text, matching(part), g)
    keep = matches(g, words, whole)
    stops = sorted(est.get_stop_words() or ())
    if stops:
        other = g.add(
            "LabelEncoder",
            [words],
            "other",
            domain=ML,
            keys_strings=stops,
            values_int64s=[0] * len(stops),
            default_int64=1,
        )
        keep = g.add("And", [keep, g.add("Cast", [other], "other", to=9)], "kept")
    if est.ngram_range[1] == 1:
        return [(words, keep)]
    return _grams(g, _together(g, words, keep), est.ngram_range, " ")


def _of_characters(est: Any, text: Matrix, g: Graph) -> list[Texts]:
    r"""Characters, with `\s\s+` as one blank; a single tab or line end stays what it is."""
    line = concat(g, flat(g, text.name), text_constant(g, END))
    line = normalised(g, line, est.lowercase, est.strip_accents, None)
    letters = characters(g, line)
    space = matches(g, letters, f"[{inside(SPACES)}]")
    after = g.add("And", [space, shifted(g, space, 1)], "after")
    before = g.add("And", [space, shifted(g, space, -1)], "before")
    letters = g.add("Where", [before, text_constant(g, " "), letters], "letters")
    keep = g.add("And", [_but_last(g, letters), g.add("Not", [after], "first")], "kept")
    return _grams(g, _together(g, letters, keep), est.ngram_range, "")


def _within_words(est: Any, text: Matrix, g: Graph) -> list[Texts]:
    """Characters of each word with a blank on either side; a word too short for any is a whole."""
    least = est.ngram_range[0]
    words = _pieces(est, text, f"^{inside(SPACES)}", g)
    there = g.add("Not", [g.add("Equal", [words, text_constant(g, MARK)], "mark")], "there")
    there = g.add("And", [there, matches(g, words, ".+")], "there")
    blank = text_constant(g, " ")
    words = g.add("Where", [there, concat(g, blank, words, blank), text_constant(g, "")], "words")
    letters = characters(g, concat(g, join(g, words), text_constant(g, END)))
    letters = _together(g, letters, _but_last(g, letters))
    # Two blanks side by side are the end of one word and the start of the next.
    space = g.add("Equal", [letters, blank], "blank")
    border = g.add("And", [space, shifted(g, space, -1)], "border")
    grams = _grams(g, letters, est.ngram_range, "", border)
    if least > len(" a "):
        grams.append((words, matches(g, words, f".{{3,{least - 1}}}")))
    return grams


def _pieces(est: Any, text: Matrix, members: str, g: Graph) -> str:
    """Return the runs of a class of characters [N, k]; at least one MARK is among them."""
    line = concat(g, flat(g, text.name), text_constant(g, " "))
    line = normalised(g, line, est.lowercase, est.strip_accents, None)
    line = concat(g, line, text_constant(g, f" {MARK}"))
    return found(g, line, f"[{members}]+|{MARK}")


def _but_last(g: Graph, letters: str) -> str:
    """Return which characters [N, k] are there, but for the last one of each row."""
    there = g.add("Not", [g.add("Equal", [letters, text_constant(g, "")], "none")], "there")
    return shifted(g, there, -1)


def _together(g: Graph, texts: str, keep: str) -> str:
    zero, one = g.constant([0], "int64", "zero"), g.constant([1], "int64", "one")
    return moved_together(g, texts, keep, text_constant(g, ""), zero, one)


def _grams(
    g: Graph, units: str, lengths: tuple[int, int], glue: str, border: str | None = None
) -> list[Texts]:
    """Return the runs of each length of units [N, k], which have "" behind the last.

    border: bool [N, k], where a unit and the next one do not belong together.
    """
    least, most = lengths
    first = g.constant([0], "int64", "first")
    rows = g.add("Shape", [units], "rows", start=0, end=1)
    grow = g.constant([most], "int64", "grow")
    shape = g.add("Concat", [rows, grow], "shape", axis=0)
    blanks = g.add("Expand", [text_constant(g, ""), shape], "blanks")
    padded = g.add("Concat", [units, blanks], "padded", axis=1)
    one = g.constant([1], "int64", "one")
    joined, gram, apart = [], units, None
    for length in range(1, most + 1):
        start = first if length == 1 else g.constant([length - 1], "int64", "start")
        end = g.constant([length - 1 - most], "int64", "end")
        unit = g.add("Slice", [padded, start, end, one], "unit")
        if length > 1:
            parts = [gram, text_constant(g, glue), unit] if glue else [gram, unit]
            gram = concat(g, *parts)
        if border is not None and length > 1:
            here = border if length == 2 else shifted(g, border, 2 - length)
            apart = here if apart is None else g.add("Or", [apart, here], "apart")
        if length >= least:
            there = g.add("Not", [g.add("Equal", [unit, text_constant(g, "")], "none")], "there")
            if apart is not None:
                there = g.add("And", [there, g.add("Not", [apart], "within")], "there")
            joined.append((gram, there))
    return joined
