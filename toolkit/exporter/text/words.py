"""Words of a text as numbers: separators become blanks, and what they part is looked up."""

from __future__ import annotations

import re
from typing import Any

from toolkit.exporter.graph import Graph
from toolkit.exporter.text.letters import changes, normalised
from toolkit.exporter.text.strings import (
    MARK,
    concat,
    every_character,
    flat,
    inside,
    join,
    matches,
    matching,
    replace_each,
    split_off,
    text_constant,
    where_dirty,
)
from toolkit.exporter.values import Matrix, Unconvertible
from toolkit.onnx_graph.domains import ML

Gram = tuple[int, ...] | None

# Separators that are replaced one by one; any other takes the longer way of `_rare_separators`.
COMMON = "\t\n\r.,!?'\"-:;()"
SELDOM = "/[]{}<>&%#@*+=~^|`\\$\v\f_…–—‘’“”«»·•\u00a0€£©®°、。「」"

# One class of characters, at least so many of them, perhaps between word boundaries.
ITEM = r"\\[wdS]|\[(?:\\.|[^\]\\])+\]"
PATTERN = re.compile(
    rf"(?:\(\?u\))?(?P<edge>\\b)?(?P<items>(?:{ITEM})+)(?P<times>\+|\{{\d+,\}})?(?P<end>\\b)?"
)


def words_of(est: Any, text: Matrix, terms: list[str], g: Graph) -> tuple[str, list[Gram]]:
    """Return the numbers of each text's words [N, words], and the vocabulary's terms as numbers.

    0 is a word that the vocabulary has not, or the end; words that scikit-learn drops (stop words,
    too short ones) are taken out, so that their neighbours are neighbours.
    """
    part, whole, token = token_of(est.token_pattern)
    members = matching(part)
    stops = set(est.get_stop_words() or ())
    words = sorted({w for t in terms for w in t.split(" ")} - stops)
    words = [w for w in words if re.fullmatch(token, w)]
    numbers = {w: i + 1 for i, w in enumerate(words)}
    grams = [_gram(t, numbers, est.ngram_range) for t in terms]
    alphabet = "".join(sorted(set("".join([*words, *stops]))))
    is_part = re.compile(part)

    def kind(piece: str) -> str:
        # A letter of no word is as good as two, but for the least length: that is `long_enough`'s.
        marks = "".join("w" if is_part.fullmatch(c) else " " for c in piece)
        return re.sub(r"(.)\1+", r"\1", marks)

    line = concat(g, flat(g, text.name), text_constant(g, " "))
    line = normalised(g, line, est.lowercase, est.strip_accents, alphabet, kind)
    line = _separated(g, line, part, whole, alphabet)
    # So that there is a word to split off even where all texts are empty; it is dropped.
    line = concat(g, line, text_constant(g, f" {MARK}"))
    tokens = g.add_many("StringSplit", [line], "tokens", outputs=2, delimiter="")[0]
    coded = numbers | dict.fromkeys((*sorted(stops), "", MARK), -1)
    index = g.add(
        "LabelEncoder",
        [tokens],
        "index",
        domain=ML,
        keys_strings=list(coded),
        values_int64s=list(coded.values()),
        default_int64=0,
    )
    if est.ngram_range[1] > 1:
        wide = inside(
            "".join(
                c
                for c, by in changes(est.lowercase, est.strip_accents).items()
                if len(by) > 1 and kind(by) == kind(c) == "w"
            )
        )
        if wide and not whole.endswith(("{1,}", "{2,}")):
            raise Unconvertible("strip_accents with n-grams of words of three characters at least")
        # A syllable that strip_accents takes apart is one character here and several there.
        long = f"{whole}|[{members}]*[{wide}][{members}]*" if wide else whole
        long_enough = matches(g, tokens, long)
        dropped = g.constant([-1], "int64", "dropped")
        index = g.add("Where", [long_enough, index, dropped], "index")
    return compacted(g, index), grams


def compacted(g: Graph, index: str) -> str:
    """Return each row's numbers ≥ 0 moved together to the left [N, k + 1], with zeros behind."""
    zero, one = g.constant([0], "int64", "zero"), g.constant([1], "int64", "one")
    keep = g.add("GreaterOrEqual", [index, zero], "keep")
    return moved_together(g, index, keep, zero, zero, one)


def moved_together(g: Graph, values: str, keep: str, filler: str, zero: str, one: str) -> str:
    """Return what is kept of each row [N, k], moved to the left [N, k + 1], with `filler` behind.

    keep: bool [N, k]; filler: a constant [1] of the values' type; zero, one: int64 [1].
    """
    axis = g.constant(1, "int64", "axis")
    place = g.add("CumSum", [g.add("Cast", [keep], "number", to=7), axis], "place")
    # Those to be dropped all go to column 0, which is cut off.
    place = g.add("Where", [keep, place, zero], "place")
    shape = g.add(
        "Add", [g.add("Shape", [values], "shape"), g.constant([0, 2], "int64", "grow")], "s"
    )
    room = g.add("Expand", [filler, shape], "room")
    moved = g.add("ScatterElements", [room, place, values], "moved", axis=1)
    end = g.constant([2**31], "int64", "end")
    return g.add("Slice", [moved, one, end, one], "kept")


def _gram(term: str, numbers: dict[str, int], lengths: tuple[int, int]) -> Gram:
    parts = term.split(" ")
    possible = lengths[0] <= len(parts) <= lengths[1] and all(p in numbers for p in parts)
    return tuple(numbers[p] for p in parts) if possible else None


def token_of(pattern: str) -> tuple[str, str, str]:
    r"""Return regexes from a token pattern: Python's for a part of a word, both dialects' for all.

    `\bC{m,}\b` with C inside \w finds the words (runs of \w) that are C throughout; `C{m,}` alone
    finds the runs of C. Raises Unconvertible for any other pattern.
    """
    refusal = Unconvertible(
        f"token_pattern={pattern!r} (one class of characters, repeated, is what exports), so it"
    )
    match = PATTERN.fullmatch(pattern or "")
    if not match or bool(match["edge"]) != bool(match["end"]):
        raise refusal
    items = re.findall(ITEM, match["items"])
    if len(set(items)) > 1 or not match["times"]:
        raise refusal
    item, times = items[0], match["times"]
    least = len(items) - 1 + (1 if times == "+" else int(times[1:-2]))
    members = set(re.findall(item, every_character(), re.DOTALL))
    if " " in members or any(c.isspace() for c in members) or least < 1:
        raise refusal
    edged = bool(match["edge"])
    if edged and not members <= set(re.findall(r"\w", every_character())):
        raise refusal
    return (
        r"\w" if edged else item,
        f"[{matching(item)}]{{{least},}}",
        f"{item}{{{least},}}",
    )


def _separated(g: Graph, text: str, part: str, whole: str, alphabet: str) -> str:
    """Return texts with a blank for every character that is no part of a word."""
    members = matching(part)
    is_part = re.compile(part)
    clean = f"[ {members}]*"

    def common(h: Graph, text_in: str) -> str:
        table = {c: " " for c in COMMON if not is_part.fullmatch(c)}
        return where_dirty(h, replace_each(h, text_in, table), clean, seldom)

    def seldom(h: Graph, text_in: str) -> str:
        table = {c: " " for c in SELDOM if not is_part.fullmatch(c)}
        return where_dirty(h, replace_each(h, text_in, table), clean, rare)

    def rare(h: Graph, text_in: str) -> str:
        return _rare_separators(h, text_in, members, whole, part, alphabet)

    return where_dirty(g, text, clean, common)


def _rare_separators(
    g: Graph, text: str, members: str, whole: str, part: str, alphabet: str
) -> str:
    """Return texts with every separator a blank, and with unknown words changed.

    All characters that the vocabulary's words have are split off; what is left between is runs of
    others. A run with a separator in it becomes: a stranger if it starts like a word, a blank, a
    stranger and a blank if it has a whole word inside, a stranger if it ends like a word. A
    stranger is one letter that no word of the vocabulary has, as often as the least length asks.
    """
    # There may be none, if the words have all letters that count: then no run starts like a word.
    stranger = next((c for c in re.findall(part, every_character()) if c not in alphabet), "")
    least = int(whole.rpartition("{")[2][:-2])
    pieces = split_off(g, text, alphabet + " ")
    run, gap = f"[{members}]", f"[^{members}]"
    empty, blank = text_constant(g, ""), text_constant(g, " ")
    start, end = empty, empty
    for length in range(1, least + 1):
        word = text_constant(g, stranger * length)
        start = g.add(
            "Where", [matches(g, pieces, f"{run}{{{length},}}{gap}.*"), word, start], "start"
        )
        end = g.add("Where", [matches(g, pieces, f".*{gap}{run}{{{length},}}"), word, end], "end")
    inner = g.add(
        "Where",
        [
            matches(g, pieces, f".*{gap}{run}{{{least},}}{gap}.*"),
            text_constant(g, f" {stranger * least} "),
            blank,
        ],
        "inner",
    )
    plain = matches(g, pieces, f"[ {members}]*")
    mixed = concat(g, start, inner, end)
    return join(g, g.add("Where", [plain, pieces, mixed], "runs"))
