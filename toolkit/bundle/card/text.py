"""Names of users in Markdown and in programs: shown as they are, and never as markup or code."""

from __future__ import annotations

import json
import re


def plain(text: str) -> str:
    """Return text in one line for Markdown: no markup, no HTML, no table cell's end."""
    text = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    text = re.sub(r"([\\`*_\[\]|~#!$])", r"\\\1", text)
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


def code(text: str) -> str:
    """Return a code span: a line of the text, within more backticks than it has in a row."""
    line = " ".join("".join(c if c.isprintable() else " " for c in text).split()) or " "
    runs = [len(run) for run in re.findall(r"`+", line)]
    ticks = "`" * (1 + max(runs, default=0))
    room = " " if "`" in line else ""
    return f"{ticks}{room}{line}{room}{ticks}"


def fenced(code: str, language: str) -> str:
    """Return a code block whose fence is longer than any run of backticks in it."""
    runs = [len(run) for run in re.findall(r"`+", code)]
    fence = "`" * max(3, 1 + max(runs, default=0))
    return f"{fence}{language}\n{code.rstrip()}\n{fence}"


def quoted(text: str) -> str:
    """Return a string literal in ASCII that JavaScript, Java and C# read alike: JSON's.

    Characters beyond 16 bits are a pair of surrogates in all of them; Python has another escape.
    """
    return json.dumps(text)


def python_quoted(text: str) -> str:
    """Return a string literal in ASCII for Python, in double quotes where it can be."""
    literal = ascii(text)
    return f'"{literal[1:-1]}"' if literal[0] == "'" and '"' not in literal else literal


def c_quoted(text: str) -> str:
    """Return a string literal of UTF-8 for C++: what is no plain letter as three octal digits.

    Octal escapes end after three digits, where hexadecimal ones would swallow what follows; a
    question mark is one too, since two begin a trigraph.
    """
    parts = []
    for byte in text.encode("utf-8", "surrogatepass"):
        letter = chr(byte)
        safe = 32 <= byte < 127 and letter not in '"\\?'
        parts.append(letter if safe else f"\\{byte:03o}")
    return '"' + "".join(parts) + '"'


def rust_quoted(text: str) -> str:
    """Return a string literal for Rust; a lone surrogate, which Rust has not, becomes U+FFFD."""
    parts = []
    for letter in text:
        if 0xD800 <= ord(letter) < 0xE000:
            letter = "\ufffd"
        safe = letter.isascii() and letter.isprintable() and letter not in '"\\'
        parts.append(letter if safe else f"\\u{{{ord(letter):x}}}")
    return '"' + "".join(parts) + '"'


def wrapped(values: list[str], indent: str, width: int = 96) -> str:
    """Return values with commas between, in lines of this width below each other where needed."""
    one = ", ".join(values)
    if len(one) + len(indent) <= width:
        return one
    lines, line = [], indent
    for value in values:
        if len(line) + len(value) + 1 > width and line.strip():
            lines.append(line.rstrip())
            line = indent
        line += f"{value}, "
    lines.append(line.rstrip())
    return "\n" + "\n".join(lines) + "\n" + indent[:-2]
