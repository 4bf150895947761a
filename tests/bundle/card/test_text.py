"""No name of a user's breaks out of Markdown, a code block or a string literal."""

from __future__ import annotations

import ast
import json
import re

from hypothesis import given
from hypothesis import strategies as st

from toolkit.bundle.card.text import (
    c_quoted,
    code,
    fenced,
    plain,
    python_quoted,
    quoted,
    rust_quoted,
    wrapped,
)

TEXTS = st.text(max_size=12) | st.text(st.sampled_from("`\"'\\|?$<\n{}u0041\ud800é😀"), max_size=12)


@given(TEXTS)
def test_python_reads_the_text_itself(text):
    literal = python_quoted(text)
    assert literal.isascii()
    assert ast.literal_eval(literal) == text


@given(TEXTS)
def test_json_reads_the_text_itself_and_java_sees_no_end_of_line(text):
    literal = quoted(text)
    assert literal.isascii()
    assert "\n" not in literal
    assert json.loads(literal) == text or any(0xD800 <= ord(c) < 0xE000 for c in text)
    assert not re.search(r"\\u00(0a|0d|22|5c)", literal)  # Java would read these before all else


@given(TEXTS)
def test_cpp_reads_the_bytes_of_the_text(text):
    literal = c_quoted(text)
    inner = literal[1:-1]
    assert re.fullmatch(r"(?:[ -!#->@-\[\]-~]|\\[0-7]{3})*", inner)
    parts = re.findall(r"\\([0-7]{3})|(.)", inner, re.DOTALL)
    found = bytes(int(octal, 8) if octal else ord(letter) for octal, letter in parts)
    assert found == text.encode("utf-8", "surrogatepass")


@given(TEXTS)
def test_rust_reads_the_text_itself(text):
    inner = rust_quoted(text)[1:-1]
    parts = re.findall(r"\\u\{([0-9a-f]+)\}|(.)", inner, re.DOTALL)
    assert all(letter not in ('"', "\\", "\n") for _, letter in parts)
    found = "".join(chr(int(number, 16)) if number else letter for number, letter in parts)
    assert found == re.sub("[\ud800-\udfff]", "\ufffd", text)


@given(TEXTS)
def test_markdown_shows_it_in_one_line_without_markup(text):
    shown = plain(text)
    assert "\n" not in shown
    assert not re.search(r"(?<!\\)(?:\\\\)*[`*_|\[\]~#$]", shown)
    assert "<" not in shown
    span = code(text)
    ticks = re.match(r"`+", span)[0]
    assert span.endswith(ticks)
    assert ticks not in re.findall(r"`+", span[len(ticks) : -len(ticks)])


@given(st.text(st.sampled_from("`a\n"), max_size=30))
def test_a_fence_is_longer_than_what_it_holds(text):
    block = fenced(text, "js")
    fence = block.split("js", 1)[0]
    assert block.count(fence) == 2


def test_long_rows_are_wrapped():
    lines = wrapped([f"{k}.5" for k in range(200)], "    ").splitlines()
    assert max(map(len, lines)) <= 96
    assert re.findall(r"\d+\.5", " ".join(lines)) == [f"{k}.5" for k in range(200)]
