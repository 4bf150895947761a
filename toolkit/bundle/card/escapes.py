"""Names and texts of users as Markdown and as string literals of six languages.

A literal stands on one line, is of its language alone, and reads back as the text. Letters and
digits of other scripts stand as they are where a source file is UTF-8 by definition, but for those
that are written from right to left: these, marks and whatever is not printable are escaped, so that
a line of code shows in the order in which it is read.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Sequence

Literal = Callable[[str], str]


def markdown(text: str) -> str:
    """Return text that Markdown shows as it is: no markup, no HTML, no new line."""
    text = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    text = re.sub(r"([\\`*_\[\]|~#!$])", r"\\\1", text)
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


def code(text: str) -> str:
    r"""Return text as code in a line or a cell of a table, shown to the letter.

    What Markdown would not show (breaks, blanks at the ends or in a row, what is not printable, no
    letter at all) is written as Python writes it, with \x20 for blanks.
    """
    plain = text == " ".join(text.split()) and text.isprintable() and text
    shown = text if plain else python(text).replace(" ", "\\x20")
    return f"<code>{markdown(shown)}</code>"


def table(
    headers: Sequence[str], rows: Sequence[Sequence[str]], numeric: Sequence[int] = ()
) -> str:
    """Return a table of cells that are Markdown already; numeric: columns set to the right."""
    rule = ["---:" if k in numeric else "---" for k in range(len(headers))]
    return "\n".join("| " + " | ".join(line) + " |" for line in (headers, rule, *rows))


def fenced(language: str, program: str) -> str:
    """Return a program as a block of code, whose fence is longer than any run of ticks in it."""
    longest = max(map(len, re.findall("`+", program)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}{language}\n{program}\n{fence}"


def _literal(text: str, escape: Callable[[str], str], shown: Callable[[str], bool]) -> str:
    return '"' + "".join(c if shown(c) else escape(c) for c in text) + '"'


def _ascii(char: str) -> bool:
    """Tell whether a character stands for itself in any literal, in plain ASCII."""
    return " " <= char <= "~" and char not in '"\\'


def _readable(char: str) -> bool:
    """Tell whether a character stands for itself where a source file is UTF-8."""
    if char.isascii():
        return _ascii(char)
    return char.isalnum() and unicodedata.bidirectional(char) == "L"


def python(text: str) -> str:
    r"""Return a literal of Python, with \x0a, \u2028 and \U0001f600."""
    return _literal(text, _python_escape, _readable)


def _python_escape(char: str) -> str:
    if char in '"\\':
        return f"\\{char}"
    at = ord(char)
    return f"\\x{at:02x}" if at < 0x100 else f"\\u{at:04x}" if at < 0x10000 else f"\\U{at:08x}"


def javascript(text: str) -> str:
    r"""Return a literal of JavaScript, with \u{a}."""
    return _literal(text, _braced, _readable)


def rust(text: str) -> str:
    r"""Return a literal of Rust, with \u{a}."""
    return _literal(text, _braced, _readable)


def _braced(char: str) -> str:
    return f"\\{char}" if char in '"\\' else f"\\u{{{ord(char):x}}}"


def csharp(text: str) -> str:
    r"""Return a literal of C#, with \u000a and \U0001f600 (\x would take the letters after it)."""
    return _literal(text, _csharp_escape, _readable)


def _csharp_escape(char: str) -> str:
    if char in '"\\':
        return f"\\{char}"
    return f"\\u{ord(char):04x}" if ord(char) < 0x10000 else f"\\U{ord(char):08x}"


def java(text: str) -> str:
    r"""Return a literal of Java in ASCII.

    Below 256 with \012: Java reads \u000a as a new line before it knows of literals.
    """
    return _literal(text, _java_escape, _ascii)


def _java_escape(char: str) -> str:
    if char in '"\\':
        return f"\\{char}"
    if ord(char) < 0x100:
        return f"\\{ord(char):03o}"
    units = char.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[k : k + 2].hex()}" for k in range(0, len(units), 2))


def cpp(text: str) -> str:
    r"""Return a literal of C++ in ASCII: UTF-8 with \012; \? where a trigraph could begin."""
    return _literal(text, _cpp_escape, lambda c: _ascii(c) and c != "?")


def _cpp_escape(char: str) -> str:
    if char in '"\\?':
        return f"\\{char}"
    return "".join(f"\\{byte:03o}" for byte in char.encode("utf-8", "surrogatepass"))
