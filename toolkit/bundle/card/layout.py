"""What the programs of all languages share: literals of values, lines of them, comments."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from toolkit.bundle.card.escapes import Literal
from toolkit.bundle.card.example import Answer, Example, Given, said

ROOM = 96  # letters of a line
SHORT = 30  # letters of values that stand in the line of their input
LINES = 8  # of many values; more of them stand on one line, however long
EACH = 10  # entries up to which each has a line of its own
FEW = 4  # statements up to which each has
OUTPUTS = ("variable", "label", "probabilities", "scores")


@dataclass(frozen=True)
class Style:
    """How a language writes values.

    text: its string literals. truths: false and true. special: by type NaN, infinity and minus
    infinity. suffix: what follows a number, by type. comment: what begins a comment.
    """

    text: Literal
    truths: tuple[str, str]
    special: Mapping[str, tuple[str, str, str]]
    suffix: Mapping[str, str]
    comment: str

    def value(self, value: Any, dtype: str) -> str:
        """Return a value's literal."""
        if dtype == "string":
            return self.text(str(value))
        if dtype == "bool":
            return self.truths[bool(value)]
        if dtype == "int64":
            return f"{int(value)}{self.suffix.get(dtype, '')}"
        number = float(value)
        if math.isfinite(number):
            return f"{number!r}{self.suffix.get(dtype, '')}"
        nan, infinity, negative = self.special[dtype]
        return nan if math.isnan(number) else infinity if number > 0 else negative

    def values(self, given: Given, indent: str) -> str:
        """Return the literals of an input's values, between commas; indent: of its line."""
        tokens = [self.value(v, given.dtype) for v in given.values or ()]
        line = ", ".join(tokens)
        if len(line) <= SHORT:
            return line
        return f"\n{packed(tokens, indent + '    ')}\n{indent}"

    def expected(self, example: Example) -> list[str]:
        """Return comments with what is expected, a line an output."""
        if example.is_filled:
            return [f"{self.comment} A row of zeros: put your own values here."]
        return [
            f"{self.comment} expected: {identifier(a, k)} {said(a, self.text)}"
            for k, a in enumerate(example.answers)
        ]


def packed(tokens: Sequence[str], indent: str, between: str = ", ") -> str:
    """Return tokens in lines of ROOM letters; in one line where they would be many."""
    lines: list[str] = []
    for token in tokens:
        if lines and len(indent) + len(lines[-1]) + len(token) + 3 <= ROOM:
            lines[-1] += between + token
        else:
            lines.append(token)
    if len(lines) > LINES:
        return indent + between.join(tokens)
    return f"{between.rstrip()}\n".join(indent + line for line in lines)


def entries(texts: Sequence[str], indent: str) -> str:
    """Return entries of a list, each on its line where they are few; the last has a comma too."""
    if len(texts) <= EACH:
        return "\n".join(f"{indent}{text}," for text in texts)
    return packed(texts, indent) + ","


def statements(texts: Sequence[str], indent: str) -> list[str]:
    """Return statements, each on its line where they are few, else in lines that are full."""
    if len(texts) <= FEW:
        return [indent + text for text in texts]
    return packed(texts, indent, " ").split("\n")


def identifier(answer: Answer, place: int) -> str:
    """Return an output's name where it is one of toolkit's own, else its number as a name."""
    return answer.name if answer.name in OUTPUTS else f"output{place}"
