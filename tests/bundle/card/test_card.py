"""README.md of a bundle: written by every command, listed, the user's own left alone."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from sklearn.linear_model import LinearRegression

import toolkit
from tests.bundle.card.conftest import EVIL, RNG, X
from toolkit.bundle import open_bundle
from toolkit.runtime.manifest import HOME

MODEL = LinearRegression().fit(X, X[:, 0])


@pytest.fixture
def bundle(tmp_path):
    return toolkit.export(MODEL, X, X[:, 0], name="plain", out=tmp_path / "plain", license="MIT")


def text(bundle):
    return (Path(bundle) / "README.md").read_text(encoding="utf-8")


def test_every_command_keeps_it_up_to_date(bundle):
    assert open_bundle(bundle).manifest["files"]["README.md"]["role"] == HOME
    assert "Not measured yet" in text(bundle)
    toolkit.quantize(bundle, ["uint8-pack"])
    assert "Not measured yet" in text(bundle)
    report = toolkit.bench(bundle)
    assert "model.uint8-pack.pack" in text(bundle)
    assert f"Recommended: `{report.recommended.file}`" in text(bundle)
    toolkit.quantize(bundle, ["uint16-pack"])  # the figures described other files
    assert "Not measured yet" in text(bundle)
    assert all(open_bundle(bundle).read(n) for n in open_bundle(bundle).manifest["files"])


def test_it_says_what_the_model_is_and_holds_to_a_licence(bundle, tmp_path):
    shown = text(bundle)
    assert shown.startswith("# plain\n")
    assert "LinearRegression" in shown
    assert "[N, 4] of float32" in shown
    known = toolkit.bundle.open_bundle(bundle).calibration().inputs["X"]
    assert f"{known[:, 0].min():.6g} to {known[:, 0].max():.6g}" in shown
    assert shown.endswith("## Licence\n\nMIT\n")
    other = toolkit.export(MODEL, X, X[:, 0], name="plain", out=tmp_path / "other")
    assert "Not stated" in text(other)


def test_the_same_export_gives_the_same_card(bundle, tmp_path):
    again = toolkit.export(MODEL, X, X[:, 0], name="plain", out=tmp_path / "b", license="MIT")
    assert text(again) == text(bundle)


def test_a_readme_of_the_users_own_stays(tmp_path):
    folder = tmp_path / "own"
    folder.mkdir()
    (folder / "README.md").write_text("mine", encoding="utf-8")
    own = toolkit.export(MODEL, X, X[:, 0], name="own", out=folder, force=True)
    toolkit.quantize(own, ["uint8-pack"])
    assert text(own) == "mine"
    assert "README.md" not in open_bundle(own).manifest["files"]


def test_a_device_needs_no_card(bundle):
    (bundle.path / "README.md").unlink()
    assert toolkit.load(bundle).predict(X[:2]).shape == (2,)
    from toolkit.runtime.verify import verify

    assert all(c.passed for c in verify(bundle))


def test_a_failed_proof_stands_out(bundle):
    from toolkit.bundle.card import card

    failed = {**bundle.manifest, "proof": {**bundle.manifest["proof"], "passed": False}}
    assert "**Proof: FAILED" in card(failed, None, None, None).decode()
    assert "Do not use this model" in card(failed, None, None, None).decode()


def test_tables_hold_together_whatever_the_columns_are_called(carded):
    lines = text(carded).splitlines()
    rows = [re.sub(r"\\.", "", line) for line in lines if line.startswith("| ")]
    widths = {row.count("|") for row in rows}
    assert widths <= {5, 7}
    if carded.name == "table":
        assert sum("float32" in r or "string" in r for r in rows) >= len(EVIL) - 1


def test_many_columns_are_told_in_short(tmp_path):
    wide = RNG.normal(size=(60, 300))
    model = LinearRegression().fit(wide, wide[:, 0])
    shown = text(toolkit.export(model, wide, wide[:, 0], name="wide", out=tmp_path / "wide"))
    assert "and 260 more columns" in shown
    assert max(map(len, shown.splitlines())) < 400
