"""Texts in operators: replace, split and join, by StringSplit, StringConcat and Loop.

ONNX has no operator that replaces or enumerates characters. What it has is StringSplit at a
constant delimiter, StringConcat and RegexFullMatch (all of opset 20); with a Loop that joins pieces
pairwise that is enough: to replace a character, split there and join the pieces with something
else. For tables of thousands of characters it is not: 20,000 nodes opened in four seconds. There
onnxruntime's own Tokenizer, which skl2onnx has in every graph of texts, takes texts apart.
No operator used here depends on a locale of the system: StringNormalizer's is always "C", which
every system has, and it lowers A to Z alone.

Every text must have at least one character here (StringSplit gives no piece at all for ""): callers
put a blank at the end first.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache
from typing import Any

from onnx import TensorProto

from toolkit.exporter.graph import Graph
from toolkit.exporter.subgraphs import loop
from toolkit.exporter.values import Matrix, Unconvertible
from toolkit.onnx_graph.domains import CONTRIBUTED, ML, MURMUR, TOKENIZER

# Noncharacters: no text has them for a purpose. MARK parts pieces, OTHER stands in for a MARK that
# a text has all the same; both are neither letters nor white space.
MARK, OTHER = "\U0010fffe", "\U0010ffff"

Body = Callable[[Graph, str], str]


def need_strings(g: Graph) -> None:
    """Raise Unconvertible below the opset that has the operators on text."""
    if g.opset < 20:
        raise Unconvertible(
            f"text at opset {g.opset} (its operators are of opset 20), so it",
            "export it with opset 20 or newer, for onnxruntime 1.17 or newer",
        )


@cache
def every_character() -> str:
    """Return all of Unicode in order, without the surrogates, which no text has."""
    return "".join(chr(i) for i in range(0x110000) if not 0xD800 <= i < 0xE000)


@cache
def matching(item: str) -> str:
    r"""Return the inside of a class [...] with all characters that Python's `item` matches.

    RE2's own \w and \s know ASCII alone, and its Unicode tables may be of another version; written
    out as ranges they are Python's.
    """
    text = every_character()
    spans = [m.span() for m in re.finditer(f"(?:{item})+", text, re.DOTALL)]
    return "".join(
        _escaped(text[a]) + (f"-{_escaped(text[b - 1])}" if b - a > 1 else "") for a, b in spans
    )


def inside(characters: str) -> str:
    """Return the inside of a class [...] for these characters."""
    return "".join(_escaped(c) for c in characters)


def _escaped(character: str) -> str:
    return f"\\x{{{ord(character):x}}}"


def matches(g: Graph, text: str, pattern: str) -> str:
    """Return whether the whole text matches, bool of the text's shape."""
    return g.add("RegexFullMatch", [text], "matches", pattern=f"(?s:{pattern})")


def concat(g: Graph, *parts: str) -> str:
    """Return the parts (tensor names) joined elementwise."""
    text = parts[0]
    for part in parts[1:]:
        text = g.add("StringConcat", [text, part], "text")
    return text


def text_constant(g: Graph, value: str) -> str:
    """Return a constant [1]."""
    return g.constant([value], "string", "words")


def _repeated(g: Graph, condition: str, text: str, body: Body, more: Body, shape: list) -> str:
    """Return `text` after `body` has run while the condition, then `more` of its result, holds."""

    def step(_: str, state: list[Matrix]) -> tuple[list[Matrix], str]:
        result = body(g, state[0].name)
        return [Matrix(result, "string", 0)], more(g, result)

    return loop(g, [Matrix(text, "string", 0)], step, condition=condition, shape=shape)[0].name


def _number(g: Graph, value: int) -> str:
    return g.constant(value, "int64", "number")


def _columns(g: Graph, pieces: str) -> str:
    shape = g.add("Shape", [pieces], "columns", start=1, end=2)
    return g.add("Squeeze", [shape], "columns")


def flat(g: Graph, text: str) -> str:
    """Return the text as [N]."""
    return g.add("Reshape", [text, g.constant([-1], "int64", "flat")], "flat")


def where_dirty(g: Graph, text: str, clean: str, body: Body, again: bool = False) -> str:
    """Return texts [N] after `body`, which runs only if a text does not match the regex `clean`.

    With `again` it runs until all texts match.
    """

    def more(h: Graph, result: str) -> str:
        return _dirty(h, result, clean) if again else _never(h)

    # A Loop's output has no rank in shape inference, and onnx 1.23's crashes on StringSplit then.
    return flat(g, _repeated(g, _dirty(g, text, clean), text, body, more, [None]))


def _dirty(g: Graph, text: str, clean: str) -> str:
    number = g.add("Cast", [matches(g, text, clean)], "clean", to=TensorProto.INT32)
    least = g.add("ReduceMin", [number], "clean", keepdims=0)
    return g.add("Equal", [least, g.constant(0, "int32", "zero")], "dirty")


def _never(g: Graph) -> str:
    return g.add("Identity", [g.constant(False, "bool", "once")], "more")


def join(g: Graph, pieces: str) -> str:
    """Return each row of pieces [N, k] as one text [N]: neighbours are joined until one is left."""

    def halve(h: Graph, texts_in: str) -> str:
        count = h.add("Shape", [texts_in], "count", start=1, end=2)
        rows = h.add("Shape", [texts_in], "rows", start=0, end=1)
        one = h.constant([1], "int64", "one")
        blank = h.add(
            "Expand", [text_constant(h, ""), h.add("Concat", [rows, one], "shape", axis=0)], "blank"
        )
        padded = h.add("Concat", [texts_in, blank], "padded", axis=1)
        two, zero = h.constant([2], "int64", "two"), h.constant([0], "int64", "zero")
        even = h.add("Slice", [padded, zero, count, one, two], "even")
        after = h.add("Add", [count, one], "after")
        odd = h.add("Slice", [padded, one, after, one, two], "odd")
        return concat(h, even, odd)

    def several(h: Graph, texts_in: str) -> str:
        return h.add("Greater", [_columns(h, texts_in), _number(h, 1)], "more")

    return flat(g, _repeated(g, several(g, pieces), pieces, halve, several, [None, None]))


def replace(g: Graph, text: str, character: str, by: str) -> str:
    """Return texts [N] with every `character` replaced."""
    pieces, counts = g.add_many("StringSplit", [text], "pieces", outputs=2, delimiter=character)
    if by == " ":  # blanks at the end change nothing for words: no need to leave out the last
        return join(g, concat(g, pieces, text_constant(g, by)))
    upright = g.add("Reshape", [counts, g.constant([-1, 1], "int64", "upright")], "counts")
    last = g.add("Sub", [upright, g.constant([1], "int64", "one")], "last")
    range_ = [_number(g, 0), _columns(g, pieces), _number(g, 1)]
    inner = g.add("Less", [g.add("Range", range_, "places"), last], "inner")
    between = g.add("Where", [inner, text_constant(g, by), text_constant(g, "")], "between")
    return join(g, concat(g, pieces, between))


def replace_each(g: Graph, text: str, table: dict[str, str]) -> str:
    """Return texts with each character of the table replaced, in order; all skipped if none occurs.

    For characters that may be frequent: as many steps as the logarithm of their number.
    """

    def body(h: Graph, text_in: str) -> str:
        for character, by in table.items():
            text_in = replace(h, text_in, character, by)
        return text_in

    return where_dirty(g, text, f"[^{inside(''.join(table))}]*", body) if table else text


def characters(g: Graph, text: str) -> str:
    """Return the characters of texts [N] one by one [N, k], with "" behind the shorter ones."""
    how: dict[str, Any] = {"mark": 0, "mincharnum": 1, "pad_value": "", "separators": [""]}
    return g.add(TOKENIZER, [text], "characters", domain=CONTRIBUTED, **how)


def found(g: Graph, text: str, pattern: str) -> str:
    """Return the pieces of texts [N] that match the pattern, from left to right [N, k].

    "" is behind the fewer ones. The pattern matches no empty text, and something in some text.
    """
    how: dict[str, Any] = {"mark": 0, "mincharnum": 1, "pad_value": "", "tokenexp": pattern}
    return g.add(TOKENIZER, [text], "pieces", domain=CONTRIBUTED, **how)


def hashes(g: Graph, texts: str) -> str:
    """Return MurmurHash3 (32 bits, signed, seed 0) of the texts' UTF-8, int32 [N, k]."""
    return g.add(MURMUR, [texts], "hash", domain=CONTRIBUTED, positive=0, seed=0)


def mapped(g: Graph, pieces: str, table: dict[str, str]) -> str:
    """Return pieces with those that are in the table replaced, at once; one may become empty."""
    pairs: dict[str, Any] = {"keys_strings": list(table), "values_strings": list(table.values())}
    by = g.add("LabelEncoder", [pieces], "by", domain=ML, default_string=MARK, **pairs)
    same = g.add("Equal", [by, text_constant(g, MARK)], "same")
    return g.add("Where", [same, pieces, by], "pieces")


def split_off(g: Graph, text: str, alphabet: str) -> str:
    """Return pieces [N, k]: the alphabet's characters one by one, all else in the runs between.

    Every character of the alphabet gets a MARK on either side; then the text is split there. Some
    pieces are empty.
    """
    text = replace_each(g, text, {MARK: OTHER})
    text = replace_each(g, text, {c: MARK + c + MARK for c in alphabet})
    return g.add_many("StringSplit", [text], "pieces", outputs=2, delimiter=MARK)[0]
