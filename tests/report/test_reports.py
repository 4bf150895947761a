from __future__ import annotations

import json
import re
import sys
from dataclasses import replace

import pytest

from tests.report.conftest import make_report, measured
from tests.runner.bundles import linear_bundle
from toolkit.bundle import open_bundle
from toolkit.errors import ToolkitError
from toolkit.report import as_html, as_json, as_markdown, render_table, tables, write
from toolkit.report.figures import cell, count, number, percent, short, signed, signed_count, times

HOSTILE = """<script>alert("x")</script> & 'q' | `c` [l](http://evil) *b* $x$ \x1b[31m\n# h"""


def classifier_report():
    difference = {
        "max_abs": 0.01,
        "mean_abs": 0.001,
        "nmse": 1e-4,
        "max_rel": 0.01,
        "label_agreement": 0.975,
    }
    metrics = {"accuracy": 0.9, "log_loss": None}
    rows = tuple(
        replace(measured(m, f, 300, 0.01), metrics=metrics, difference=difference)
        for m, f in (("scikit-learn", None), ("float32", "model.onnx"), ("float16", "model.f.onnx"))
    )
    samples = [{"true": "cat", "reference": "cat", "float32": "cat", "float16": "dog"}]
    return make_report(task="classifier", variants=rows, samples=samples, gates=(), all_rows=None)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "–"),
        (0.0, "0"),
        (0.57579, "0.5758"),
        (-0.0123456, "−0.01235"),
        (12.345, "12.35"),
        (123456.0, "123,456"),
        (3.58e-7, "3.6e−7"),
        (-2e9, "−2.0e9"),
        (float("inf"), "∞"),
        (float("-inf"), "−∞"),
        (float("nan"), "–"),
    ],
)
def test_numbers_as_people_read_them(value, text):
    assert number(value) == text


def test_other_figures_as_people_read_them():
    assert [signed(0.5), signed(-0.5), signed(0.0)] == ["+0.5000", "−0.5000", "0"]
    assert [signed_count(-146), signed_count(1500), signed_count(0)] == ["−146", "+1,500", "0"]
    assert [count(None), count(1234.5), times(3.4123), times(None)] == ["–", "1,234", "3.41x", "–"]
    assert [short(950), short(63_098_687), short(8.4e4), short(2e9)] == [
        "950",
        "63.1M",
        "84.0k",
        "2.00G",
    ]
    assert [percent(1.0), percent(0.999999), percent(0.975)] == ["100 %", "> 99.99 %", "97.50 %"]
    assert [cell(None), cell(1.23456789), cell("cat"), cell(3)] == ["–", "1.2346", "cat", "3"]


def test_json_is_the_reports_own_document(report):
    assert json.loads(as_json(report)) == report.to_json()
    assert as_json(report).endswith("}\n")


def test_json_is_strict_where_figures_are_not_finite(report):
    broken = measured("uint8-pack", "model.uint8-pack.pack", 170, float("inf"))
    text = as_json(replace(report, variants=(*report.variants[:2], broken)))
    assert not re.search(r"NaN|Infinity", text)
    assert json.loads(text)["variants"][2]["difference"]["max_abs"] is None


def every(report):
    return render_table(report, every=True)


@pytest.mark.parametrize("render", [as_markdown, as_html, every])
def test_every_variant_is_there_with_its_file_and_remark(report, render):
    text = render(report).replace("&lt;", "<").replace("\\", "")
    for row in report.variants:
        assert row.method in text
        assert (row.file or "") in text
    assert "larger: 320 bytes against 300" in text
    assert "nmse is 0.16, the gate is nmse<=0.01" in text
    assert "1 of 2 gates failed" in text


@pytest.mark.parametrize("render", [as_markdown, as_html])
def test_comparison_samples_and_gates_are_there(report, render):
    text = render(report)
    assert "Base" in text
    assert "Quantized" in text
    assert "−130" in text  # the pack is so many bytes smaller than model.onnx
    assert "−0.2500" in text  # the uint8 prediction 1.75 of the true 2.0
    assert "0.6062" in text  # all rows
    assert "FAILED" in text
    assert "1.31.1" in text


def test_a_passed_report_says_so(report):
    good = replace(report, variants=report.variants[:3], gates=report.gates[:1])
    for render in (as_markdown, as_html, render_table):
        assert "every gate passed" in render(good)


def test_a_variant_that_failed_without_a_gate_is_no_pass(report):
    bad = replace(report, gates=())
    for render in (as_markdown, as_html, render_table):
        assert "a variant failed" in render(bad)
        assert "every gate passed" not in render(bad)


def test_a_classifier_has_its_own_columns():
    text = as_markdown(classifier_report())
    assert "| accuracy | log-loss |" in text
    assert "| agreement |" in text
    assert "97.50 %" in text
    assert "| true | Base | Quantized: float16 | Difference |" in text
    assert "| cat | cat | dog | differs |" in text
    assert "| float16 | dog |" in text
    assert "R²" not in text


def test_hostile_names_stay_text_in_markdown():
    text = as_markdown(make_report(model=HOSTILE))
    assert "<script" not in text
    assert text.splitlines()[0].startswith("# &lt;script&gt;")
    assert "[l](" not in text
    assert "\n# h" not in text


def test_a_bar_in_a_name_does_not_split_a_table_row(report):
    row = measured("a|b", "model.a|b.onnx", 170, 0.1)
    text = as_markdown(replace(report, variants=(*report.variants[:2], row)))
    tables = [part.splitlines() for part in text.split("\n\n") if part.startswith("| method")]
    bars = re.compile(r"(?<!\\)\|")
    for head, *lines in tables:
        assert {len(bars.findall(line)) for line in lines} == {len(bars.findall(head))}
    assert (
        sum(line.startswith("| a") for lines in tables for line in lines) == 6
    )  # once, four batch sizes, once


def test_hostile_names_do_not_steer_the_terminal():
    text = render_table(make_report(model=HOSTILE), colour=False)
    assert "\x1b" not in text
    assert "[31m" in text  # shown, not obeyed


@pytest.mark.parametrize("width", [20, 60, 80, 100, 160])
def test_a_narrow_terminal_has_one_table_of_the_columns_that_decide(report, width):
    text = render_table(report, width=width, colour=False)
    wide = render_table(report, width=400, colour=False)
    assert "…" not in text
    heads = [line.split() for line in text.splitlines() if line.startswith("method ")]
    assert len(heads) == 1
    (most,) = [line.split() for line in wide.splitlines() if line.startswith("method ")]
    assert set(heads[0]) <= set(most)
    assert "bytes" in heads[0] or width < 60
    assert ("more column" in text) == (len(heads[0]) < len(most))
    assert width >= 160 or "more column" in text
    assert "more column" not in wide
    for row in tables.shown(report):  # what is said of a file is said whole, at any width
        assert f"{row.method}: {tables.standing(row)}" in text


def test_tables_keep_to_the_width_that_there_is(report):
    for width in (60, 80, 100):
        lines = render_table(report, width=width, colour=False).splitlines()
        (rule,) = [k for k, line in enumerate(lines) if "─" in line]
        table = lines[rule - 1 : rule + 1 + len(tables.shown(report))]
        assert max(map(len, table)) <= width


def test_the_legend_says_what_the_columns_mean(report):
    assert "this file's bytes" not in render_table(report)
    assert "smaller: model.onnx's bytes / this file's bytes" in render_table(report, legend=True)


def test_without_a_terminal_the_table_is_one_and_plain(report, capsys):
    text = render_table(report)
    assert "\x1b" not in text
    assert text == render_table(report, width=160, colour=False)


def test_colour_is_for_terminals_and_no_color_turns_it_off(report, monkeypatch):
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("NO_COLOR", raising=False)
    assert "\x1b[" in render_table(report, width=120)
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b" not in render_table(report, width=120)


@pytest.mark.parametrize(("module", "render"), [("matplotlib", as_html), ("rich", render_table)])
def test_a_missing_library_is_named_with_its_remedy(report, monkeypatch, module, render):
    for name in [n for n in sys.modules if n == module or n.startswith(f"{module}.")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(ToolkitError, match=rf"{module}.*pip install 'proven-onnx\[report\]'"):
        render(report)


def test_write_puts_three_listed_files_into_the_bundle(report, tmp_path):
    bundle = linear_bundle(tmp_path / "b")
    written = write(report, bundle)
    assert written.manifest == open_bundle(bundle.path).manifest
    for name in ("report.json", "report.md", "report.html"):
        assert written.manifest["files"][name]["role"] == "home"
        assert written.read(name)
    assert json.loads(written.read("report.json")) == report.to_json()
    assert [v.method for v in written.variants] == [v.method for v in bundle.variants]
    assert not [p for p in bundle.path.iterdir() if p.name.startswith(".")]


def test_nothing_is_written_where_a_plot_cannot_be_made(report, tmp_path, monkeypatch):
    bundle = linear_bundle(tmp_path / "b")
    before = sorted(p.name for p in bundle.path.iterdir())
    for name in [n for n in sys.modules if n.startswith("matplotlib")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(ToolkitError):
        write(report, bundle)
    assert sorted(p.name for p in bundle.path.iterdir()) == before


@pytest.mark.parametrize("render", [as_markdown, as_html])
def test_it_says_how_calls_and_starts_were_timed(report, render):
    text = render(report).split("Calls and starts", 1)[1]
    assert "one thread" in text
    assert "different rows" in text
    assert "8 threads" in render(replace(report, environment={"threads": 8}))


def test_times_have_their_spread(report):
    lines = as_markdown(report).splitlines()
    assert "| float32 | 100 | 11.0 | 12.0 | 21.0 | 10.0M | 100 | 200 |" in lines
    assert "| float32 | 111 | 109 | 130 | 57 |" in lines
    assert not [line for line in lines if line.startswith(("| float16 | 1", "| float16 | –  |"))]
