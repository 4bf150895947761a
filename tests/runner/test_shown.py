"""A report in a notebook: HTML, and a data frame of every figure."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest

from tests.report.conftest import make_report
from toolkit.errors import ToolkitError
from toolkit.runner.shown import as_frame


def test_a_data_frame_has_every_figure_by_method():
    report = make_report()
    frame = report.to_pandas()
    assert list(frame.index) == [row.method for row in report.variants]
    for row in report.variants:
        line = frame.loc[row.method]
        if row.bytes is not None:
            assert line["bytes"] == row.bytes
        if row.latency_us:
            assert line["p50_us_1"] == row.latency_us["1"]["p50"]
            assert line["rows_per_s_1"] == row.latency_us["1"]["throughput"]
        for key, value in ((row.metrics or {}) | (row.difference or {})).items():
            assert value is None or line[key] == value


def test_a_notebook_shows_the_answer_and_the_files():
    report = make_report(model="<b>house & garden</b>")
    page = report._repr_html_()
    assert "<b>" not in page
    cells = [cell.text for cell in ElementTree.fromstring(page).iter("td")]
    kept = [row for row in report.variants if row.file]
    assert kept
    assert all(row.file in cells for row in kept)


def test_without_pandas_the_remedy_is_named(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "pandas", None)
    with pytest.raises(ToolkitError, match=r"to_pandas needs pandas.*pip install"):
        as_frame(make_report().variants)
