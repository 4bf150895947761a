"""Each escape reads back as the text, by what reads it: Python, node, compilers, a parser."""

from __future__ import annotations

import ast
import html
import json
import random
import re
import shutil
import subprocess

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.bundle.card.cases import EVIL
from toolkit.bundle.card import escapes

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)


def samples() -> list[str]:
    """Texts that were thought of, and some drawn from the characters that matter."""
    drawn = random.Random(3)
    odd = "\"\\'`?/{}$%u0012aé\n\r\t\x00\x07\x7f\x85\u00ad\u2028\u202e\ufeffש長😀\U000e0001"
    return [*EVIL, "", *("".join(drawn.choices(odd, k=8)) for _ in range(300))]


@given(TEXTS)
@example("\\u0022")
@example("\u2028\x85")
def test_a_literal_is_one_line_of_printable_text(text):
    for escape in (*(getattr(escapes, n) for n in LANGUAGES), escapes.code, escapes.markdown):
        literal = escape(text)
        assert len(literal.splitlines()) <= 1
        assert literal.isprintable()


LANGUAGES = ("python", "javascript", "cpp", "csharp", "java", "rust")


@given(TEXTS)
def test_python(text):
    assert ast.literal_eval(escapes.python(text)) == text


def ran(*command, cwd=None, stdin=None) -> str:
    done = subprocess.run(
        list(map(str, command)), cwd=cwd, input=stdin, capture_output=True, text=True, check=False,
        encoding="utf-8",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


def needs(*tools):
    lacking = [t for t in tools if not shutil.which(t)]
    return pytest.mark.skipif(bool(lacking), reason=f"no {' and '.join(lacking)} on this machine")


@needs("node")
def test_javascript():
    literals = ",\n".join(map(escapes.javascript, samples()))
    out = ran("node", "-", stdin=f'"use strict"; console.log(JSON.stringify([{literals}]))')
    assert json.loads(out) == samples()


def hexadecimal(out: str, encoding: str) -> list[str]:
    return [bytes.fromhex(line).decode(encoding) for line in out.split("\n")[:-1]]


@needs("g++")
def test_cpp(tmp_path):
    lines = "".join(f"  show({escapes.cpp(t)}, sizeof({escapes.cpp(t)}) - 1);\n" for t in samples())
    (tmp_path / "t.cpp").write_text(
        "#include <cstdio>\n"
        "void show(const char* t, size_t n) {\n"
        '  for (size_t k = 0; k < n; ++k) printf("%02x", (unsigned char)t[k]);\n  puts("");\n}\n'
        f"int main() {{\n{lines}}}\n",
        encoding="ascii",
    )
    for standard in ("c++17", "c++14"):  # the one with trigraphs, too
        ran("g++", f"-std={standard}", "-O0", "t.cpp", "-o", "t.exe", cwd=tmp_path)
        assert hexadecimal(ran(tmp_path / "t.exe"), "utf-8") == samples()


@needs("javac", "java")
def test_java(tmp_path):
    lines = "".join(f"    show({escapes.java(t)});\n" for t in samples())
    (tmp_path / "T.java").write_text(
        "public class T {\n"
        "  static void show(String t) {\n"
        '    for (char c : t.toCharArray()) System.out.printf("%04x", (int) c);\n'
        "    System.out.println();\n  }\n"
        f"  public static void main(String[] a) {{\n{lines}  }}\n}}\n",
        encoding="ascii",
    )
    ran("javac", "T.java", cwd=tmp_path)
    assert hexadecimal(ran("java", "-cp", tmp_path, "T").replace("\r", ""), "utf-16-be") == (
        samples()
    )


@needs("rustc")
def test_rust(tmp_path):
    lines = "".join(f"    show({escapes.rust(t)});\n" for t in samples())
    (tmp_path / "t.rs").write_text(
        "fn show(t: &str) {\n"
        '    for b in t.bytes() { print!("{b:02x}"); }\n    println!();\n}\n'
        f"fn main() {{\n{lines}}}\n",
        encoding="utf-8",
    )
    ran("rustc", "-D", "warnings", "t.rs", "-o", "t.exe", cwd=tmp_path)
    assert hexadecimal(ran(tmp_path / "t.exe"), "utf-8") == samples()


@given(TEXTS)
def test_csharp(text):
    r"""There is no compiler; by the language's rules \uXXXX and \UXXXXXXXX are as in JSON."""
    literal = escapes.csharp(text)
    inside = literal[1:-1]
    assert (literal[0], literal[-1]) == ('"', '"')
    tokens = re.findall(r'\\["\\]|\\u[0-9a-f]{4}|\\U[0-9a-f]{8}|[^"\\\n]', inside)
    assert "".join(tokens) == inside
    assert ast.literal_eval(literal) == text  # Python has these three escapes as well


# --- Markdown -------------------------------------------------------------------------------------


def rendered(markdown: str) -> str:
    from markdown_it import MarkdownIt

    return MarkdownIt("commonmark").enable(["table", "strikethrough"]).render(markdown)


def shown(page: str) -> str:
    """The text of a cell that the page shows; a tag of the text's own would stay in it."""
    (cell,) = re.findall(r"<td><code>(.*?)</code></td>", page, re.DOTALL)
    assert "<" not in cell
    return html.unescape(cell)


@given(TEXTS)
@example("a | b")
@example("<b>*x*</b> `y` &amp; [z](w) ~~a~~ $1$ # ! \\")
@example("  blanks  ")
@example("")
def test_a_cell_shows_the_name(text):
    found = shown(rendered(escapes.table(["name"], [[escapes.code(text)]])))
    assert found == text or ast.literal_eval(found) == text


@given(TEXTS)
def test_markdown_has_no_effect_in_a_line(text):
    page = rendered(f"x{escapes.markdown(text)}y")
    assert re.fullmatch(r"<p>[^<]*</p>\n", page)


@given(st.lists(st.sampled_from(["`", "```", "````\n", "\n", "x", "~~~\n"]), max_size=8))
def test_nothing_breaks_out_of_a_block(parts):
    from markdown_it import MarkdownIt

    program = "a" + "".join(parts)
    tokens = MarkdownIt("commonmark").parse(escapes.fenced("js", program) + "\n\nafter")
    assert [t.type for t in tokens] == ["fence", "paragraph_open", "inline", "paragraph_close"]
    assert tokens[0].content == program + "\n"


def test_the_test_sees_what_is_not_escaped():
    assert "<td>" in rendered(escapes.table(["name", "other"], [["a | b"]]))
    with pytest.raises(ValueError, match="not enough"):
        shown(rendered(escapes.table(["name"], [["<code>a|b</code>"]])))
    with pytest.raises(AssertionError):
        shown(rendered(escapes.table(["name"], [["<code>a <b>b</b></code>"]])))
