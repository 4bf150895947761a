"""The answer comes first, in every form of the report; what gave no file is folded."""

from __future__ import annotations

from dataclasses import replace

import pytest

from toolkit.report import answer, as_html, as_markdown, render_table
from toolkit.report.tables import folded, shown


@pytest.fixture
def answered(report):
    return replace(report, recommended=report.best("size", ["nmse<=0.1"]))


@pytest.mark.parametrize("render", [as_markdown, as_html, render_table])
def test_it_comes_before_the_table(answered, render):
    text = render(answered).replace("\\", "")
    place = text.index("model.uint8-pack.pack, 170 bytes")
    assert place < text.index("R²")
    assert "for size" in text


def test_without_one_there_is_nothing_of_it(report):
    assert answer.lines(report) == []
    assert 'class="answer"' not in as_html(report)


def test_none_says_why(report):
    none = replace(report, recommended=report.best("size", ["nmse<=0"]))
    lines = dict(answer.lines(none))
    assert lines["recommended"] == "no file of this model"
    assert "float32: breaks nmse<=0" in lines["why"]


def test_rows_are_the_reference_the_graph_and_what_was_kept_best_first(answered):
    assert [r.method for r in shown(answered)] == [
        "scikit-learn",
        "float32",
        "uint8-pack",
        "dynamic-uint8",
    ]
    assert [r.method for r in shown(answered, every=True)][-1] == "float16"
    assert [r.method for r in folded(answered)] == ["float16"]


def test_what_gave_no_file_is_one_line_on_the_screen(answered):
    text = render_table(answered)
    assert "1 method gave no file: float16; --all says why" in text
    assert "320 bytes against 300" not in text
    assert "320 bytes against 300" in render_table(answered, every=True)
