"""The HTML page: whole by itself, with its plots, whatever names there are."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest

from tests.report.conftest import make_report, measured
from tests.report.test_reports import HOSTILE
from toolkit.report import as_html, as_json, as_markdown

VOID = {"meta", "br", "path", "use", "rect", "stop"}


class _Checker(HTMLParser):
    def __init__(self):
        super().__init__()
        self.open, self.tags, self.links, self.text = [], [], [], []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.links += [v for k, v in attrs if k in ("href", "src", "xlink:href", "srcset", "data")]
        self.links += re.findall(r"url\(([^)]*)\)", " ".join(v or "" for _, v in attrs))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag):
        if tag in VOID:
            return
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text.append(data)


def _checked(page: str) -> _Checker:
    checker = _Checker()
    checker.feed(page)
    assert checker.open == []
    return checker


def test_the_page_needs_nothing_but_itself(report):
    page = as_html(report)
    found = _checked(page)
    assert found.tags.count("svg") == 2
    assert not {"script", "link", "img", "iframe", "object", "base"} & set(found.tags)
    assert all(link.startswith("#") for link in found.links)
    assert found.links
    assert not re.search(r"https?:|//|@import|javascript:", page.replace("<!DOCTYPE html>", ""))


def test_the_references_within_the_page_lead_somewhere(report):
    page = as_html(report)
    ids = set(re.findall(r'\sid="([^"]*)"', page))
    used = set(re.findall(r'href="#([^"]*)"', page)) | set(re.findall(r"url\(#([^)]*)\)", page))
    assert used <= ids


def test_the_page_has_every_variant_in_both_plots(report):
    page = as_html(report)
    size, speed = re.findall(r"<svg.*?</svg>", page, flags=re.DOTALL)
    for method in ("float32", "uint8-pack", "dynamic-uint8"):
        assert f">{method}</text>" in size
    for k in range(4):
        assert f"var(--s{k})" in speed
    assert "#0405" not in page  # no colour is left that the page's style does not set


def point(size, nmse, **changes):
    """A point of a front; a regressor's, kept."""
    error = (nmse or 0.0) ** 0.5
    figures = {"nmse": nmse, "r2_drop": nmse, "agreement": None, "max_abs": error}
    return {"bytes": size, **figures, "keeps": True, "formats": {"w": "5 bits"}, **changes}


def with_front(*points, **changes):
    front = {
        "budget": "nmse<=0.001,bytes<=900",
        "limits": {"nmse": 1e-3, "bytes": 900},
        "rows": {"fitting": 683, "choosing": 341},
        "points": list(points),
        "chosen": 1,
    }
    return make_report(budget={**front, **changes})


def test_a_budgets_front_is_drawn_and_tabled():
    report = with_front(
        point(300, 0.1, keeps=False), point(500, 1e-4), point(950, 0.0, keeps=False)
    )
    page, text = as_html(report), as_markdown(report)
    _checked(page)
    (svg,) = re.findall(r'<svg[^>]*>(?:(?!</svg>).)*id="front-.*?</svg>', page, flags=re.DOTALL)
    assert ">chosen</text>" in svg
    assert svg.count("stroke-dasharray") >= 2  # both limits
    for rendered in (page, text):
        assert "formats fitted to 683 calibration rows, measured on 341 others" in rendered
        assert "5 bits: w" in rendered
    assert "| 500 | 1.0e−4 | 1.0e−4 | 0.0100 | chosen | 5 bits: w |" in text
    assert "| 300 | 0.100 | 0.100 | 0.316 | – | 5 bits: w |" in text


def test_without_a_budget_there_is_nothing_of_it(report):
    assert "Budget" not in as_html(report)
    assert "Budget" not in as_markdown(report)
    assert json.loads(as_json(report))["budget"] is None


def test_a_front_of_labels_alone_is_drawn_by_their_share():
    labels = {"nmse": None, "r2_drop": None, "max_abs": None}
    report = with_front(
        point(300, **labels, agreement=0.9),
        point(500, **labels, agreement=0.99),
        point(900, **labels, agreement=1.0),
        limits={"agreement": 0.95},
    )
    assert ">share of other labels</text>" in as_html(report)
    assert "| 900 | 100 % | kept |" in as_markdown(report)


@pytest.mark.parametrize("points", [[], [point(400, 0.0)]], ids=["none", "exact"])
def test_a_front_of_nothing_to_draw_does_not_break_the_page(points):
    _checked(as_html(with_front(*points, chosen=None)))


def test_the_page_is_the_same_for_the_same_report(report):
    assert as_html(report) == as_html(report)


def test_the_page_has_a_light_and_a_dark_style_for_every_colour(report):
    page = as_html(report)
    light, dark = re.findall(r":root \{(.*?)\}", page, flags=re.DOTALL)
    names = set(re.findall(r"var\((--\w[\w-]*)\)", page))
    assert names <= set(re.findall(r"(--[\w-]+):", light))
    assert set(re.findall(r"(--[\w-]+):", light)) == set(re.findall(r"(--[\w-]+):", dark))


def test_hostile_names_stay_text_in_the_page():
    row = measured(HOSTILE, HOSTILE, 170, 0.1, verdict=HOSTILE)
    sample = {"true": HOSTILE, "reference": HOSTILE, HOSTILE: HOSTILE}
    hostile = make_report(
        model=HOSTILE,
        task=HOSTILE,
        environment={HOSTILE: HOSTILE},
        samples=[sample],
        variants=(*make_report().variants[:2], row),
    )
    found = _checked(as_html(hostile))
    assert not {"script", "a", "b"} & set(found.tags)
    assert any('<script>alert("x")</script>' in text for text in found.text)
    assert all(link.startswith("#") for link in found.links)


def test_a_report_of_nothing_measured_has_no_plots(report):
    gone = tuple(replace(r, latency_us=None, difference=None) for r in report.variants)
    found = _checked(as_html(replace(report, variants=gone, samples=[])))
    assert "svg" not in found.tags


def test_an_exact_variant_is_on_the_logarithmic_plot(report):
    exact = measured("float32-pack", "model.float32-pack.pack", 250, 0.0)
    page = as_html(replace(report, variants=(*report.variants, exact)))
    assert ">float32-pack (exact)</text>" in page


def test_an_infinitely_wrong_variant_does_not_break_the_plot(report):
    wrong = measured("float16", "model.float16.onnx", 250, float("inf"))
    page = as_html(replace(report, variants=(*report.variants[:3], wrong)))
    assert ">uint8-pack</text>" in page
    assert ">float16</text>" not in page
