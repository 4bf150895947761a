"""A matplotlib figure as inline SVG: coloured by the page, told in words, pointing nowhere."""

from __future__ import annotations

import html
import io
import re
from typing import Any

from toolkit.report.figures import printable

SERIES = 8
# matplotlib draws with these colours; each is replaced by the CSS variable of its name.
INK, FAINT, PAPER = "#010101", "#020202", "#030303"
PLACEHOLDERS = {INK: "ink", FAINT: "line", PAPER: "paper"} | {
    f"#0405{k:02x}": f"s{k}" for k in range(SERIES + 1)
}


def colour_of(number: int) -> str:
    """Return the colour that stands for the page's variable of a series, 0 to SERIES."""
    return f"#0405{number:02x}"


def as_svg(figure: Any, salt: str, title: str, said: dict[str, str]) -> str:
    """Return the figure as an SVG element with nothing in it that points out of the page.

    title: what it shows; said: what is told of a group of it by its gid, to whoever points at it
    and to whoever cannot see it.
    """
    import matplotlib

    out = io.StringIO()
    # parse_math: a "$" in a model's name is a dollar. hashsalt: the same report, the same bytes.
    settings: Any = {"svg.hashsalt": salt, "svg.fonttype": "none", "text.parse_math": False}
    with matplotlib.rc_context(settings):
        for text in figure.findobj(lambda artist: hasattr(artist, "set_parse_math")):
            text.set_parse_math(False)
        figure.savefig(out, format="svg", metadata={"Date": None, "Creator": None})
    svg = out.getvalue()
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    svg = re.sub(r'\s(?:xmlns(?::\w+)?)="[^"]*"', "", svg).replace("xlink:href", "href")
    svg = re.sub(r'\s(?:width|height)="[\d.]+pt"', "", svg, count=2)
    svg = re.sub(r'(\s(?:id|href)="#?|url\(#)', rf"\g<1>{salt}-", svg)
    for placeholder, variable in PLACEHOLDERS.items():
        svg = svg.replace(placeholder, f"var(--{variable})")
    return _described(svg.strip(), salt, title, said)


def _described(svg: str, salt: str, title: str, said: dict[str, str]) -> str:
    """Return the element as an image with a title and a description, and tips on its groups."""
    texts = {gid: html.escape(printable(text)) for gid, text in said.items()}
    for gid, text in texts.items():
        svg = svg.replace(f'<g id="{salt}-{gid}">', f'<g id="{salt}-{gid}"><title>{text}</title>')
    named = (
        f'<title id="{salt}-title">{html.escape(title)}</title>'
        f'<desc id="{salt}-desc">{"; ".join(texts.values())}</desc>'
    )
    head, rest = svg.split(">", 1)
    return f'{head} role="img" aria-labelledby="{salt}-title {salt}-desc">{named}{rest}'
