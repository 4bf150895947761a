"""What the three reports open with: the proof, calmly or in red, and the rows of the scores."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.report.conftest import failed_proof, make_report, measured, proof
from toolkit.report import as_html, as_markdown, render_table
from toolkit.report.opening import proof_details, proof_line, proof_table, scores_line

ALL = pytest.mark.parametrize("render", [as_markdown, as_html, render_table])
GATE = {
    "expression": "proof",
    "method": "float32",
    "metric": "proof",
    "value": 0.5,
    "limit": 1e-4,
    "passed": False,
}


@pytest.fixture
def unproved(report):
    return replace(report, proof=failed_proof(), gates=(GATE, *report.gates))


@ALL
def test_a_proof_that_passed_is_told_in_a_line(report, render):
    text = render(report)
    line = "Proof: passed on 4,128 held-out and 35 adversarial rows, worst deviation 7e-06 "
    assert text.count(line) == 1
    assert text.index(line) < text.index("uint8-pack")
    assert "FAILED on" not in text
    assert "--unproved" not in text


@ALL
def test_a_proof_that_failed_is_told_first_with_what_it_covered(unproved, render):
    text = render(unproved)
    line = text.index("Proof: FAILED on 35 adversarial rows against scikit-learn on values rounded")
    assert line < text.index("uint8-pack")
    assert (
        "It covered 4,128 held-out and 35 adversarial rows, against scikit-learn on values" in text
    )
    assert "rounded to float32 and on values as given, for float32 inputs" in text
    assert "the proof failed, and 1 of 2 other gates" in text


def test_it_is_red(unproved, report):
    assert '<div class="alarm" role="alert"><p><strong>Proof: FAILED' in as_html(unproved)
    assert 'class="alarm"' not in as_html(report)
    assert "\n**Proof: FAILED on 35 adversarial rows" in as_markdown(unproved)
    assert "\n**Proof" not in as_markdown(report)
    red, calm = (render_table(r, colour=True).splitlines()[1] for r in (unproved, report))
    assert red.startswith("\x1b[1;31mProof: FAILED")
    assert calm.startswith("Proof: passed")


@pytest.mark.parametrize("render", [as_markdown, as_html])
def test_every_comparison_of_a_failed_proof_is_there(unproved, render):
    assert render(unproved).count("differs, not required") == 1
    assert proof_table(unproved).rows[1] == (
        "adversarial",
        "35",
        "float32 values",
        "0.500",
        "1.0e−4",
        "–",
        "FAILED",
    )


def test_float64_inputs_owe_the_data_as_given():
    wide = make_report(proof=failed_proof() | {"input_dtype": "float64"})
    assert [row[-1] for row in proof_table(wide).rows] == ["passed", "FAILED"] * 2


def test_a_model_of_text_alone_has_no_type_of_numbers():
    text = make_report(proof=failed_proof() | {"input_dtype": "none"})
    assert "as given. Every variant" in proof_details(text)


def test_a_proof_without_figures_is_told_all_the_same():
    bare = make_report(proof={"passed": False, "worst": None, "says": "no figures"})
    assert proof_line(bare) == "Proof: FAILED: no figures"
    assert proof_details(bare).startswith("Every variant is made from this graph")
    assert proof_table(bare) is None


def scored(**changes):
    scores = {"rows": 3750, "on": "held-out", "fitted": "unknown", "note": "held out"}
    return make_report(scores=scores | changes)


def test_scores_on_rows_of_the_fitting_are_called_so():
    note = "held out from calibration; the estimator was fitted on them (it counts them)"
    assert scores_line(scored(fitted="yes", note=note)) == (
        "Scores: R² 0.5000 on 3,750 rows, held out from calibration; the estimator was fitted on "
        "them (it counts them), so they say nothing of new data: give rows that it has not seen "
        "with --data to bench."
    )


def test_scores_on_other_rows_need_no_advice():
    line = scores_line(scored(fitted="no", note="held out: rows that were given as such"))
    assert line == "Scores: R² 0.5000 on 3,750 rows, held out: rows that were given as such."


def test_what_is_not_known_is_said():
    line = scores_line(scored(note="given to bench; whether … is not known"))
    assert line.endswith("is not known; if it was, they say nothing of new data.")


def test_without_targets_there_are_no_scores():
    rows = (measured("scikit-learn", None, 600, 0.0, metrics=None),)
    line = scores_line(make_report(variants=rows))
    assert line == "Scores: none; differences from scikit-learn on 4,128 rows, held out."


@ALL
def test_the_rows_of_the_scores_are_in_every_report(report, render):
    assert "Scores: R² 0.5000 on 4,128 rows, held out." in render(report)


@ALL
def test_a_report_from_before_says_nothing_of_either(report, render):
    text = render(replace(report, proof=None, scores=None))
    assert "Proof:" not in text
    assert "Scores:" not in text


def test_what_a_manifest_says_stays_text():
    said = "on <b>rows</b> *x* \x1b[31m"
    report = make_report(proof=proof(passed=False, says=said))
    assert "<b>rows" not in as_html(report)
    assert "<b>rows" not in as_markdown(report)
    assert "\x1b" not in render_table(report, colour=False)
