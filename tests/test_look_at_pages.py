"""The check of pages finds what it is there for: each fault, planted in a page, is told."""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from tests.report.conftest import make_report
from toolkit.report import as_html

ROOT = Path(__file__).resolve().parents[1]
HEAD = '<!DOCTYPE html><html lang="en"><head><title>t</title></head><body><main><h1>t</h1>'
FAILED = make_report()
REPORTS = {
    "names": make_report(model="a-very-long-name-" * 12, task="regressor"),
    "failing": replace(
        FAILED, gates=tuple(g | {"passed": False} for g in FAILED.gates), recommended=None
    ),
}
FAULTS = {
    "several": {
        "<script>console.error('oh no')</script>": "console: oh no",
        "<script>nowhere()</script>": "nowhere is not defined",
        "<img alt='x' src='https://example.org/x.png'>": "asks for https://example.org",
        "<p style='color: #eee; background: #fff'>pale words</p>": "color-contrast",
        "<img src='data:,'>": "image-alt",
    },
    "wide": {"<div style='width: 2000px'>x</div>": "the page is 2008"},
    "scrolls": {
        "<div class='scroll' tabindex='0' style='overflow-x: auto'>"
        "<p style='width: 1500px'>x</p></div>": "1500 pixels in",
    },
}


@pytest.mark.slow
@pytest.mark.skipif(
    not os.environ.get("TOOLKIT_ALL_CASES"), reason="takes long: set TOOLKIT_ALL_CASES=1"
)
@pytest.mark.skipif(
    not (shutil.which("npm") and (shutil.which("chromium") or shutil.which("google-chrome"))),
    reason="no Chromium or npm here; scripts/look-at-pages installs and runs them in CI",
)
def test_every_planted_fault_is_found_and_a_sound_page_has_none(tmp_path):
    for name, planted in FAULTS.items():
        page = f"{HEAD}{''.join(planted)}</main></body></html>"
        (tmp_path / f"{name}.html").write_text(page, encoding="utf-8")
    for name, report in REPORTS.items():
        (tmp_path / f"{name}.html").write_text(as_html(report), encoding="utf-8")
    (tmp_path / "sound.html").write_text(
        f"{HEAD}<p>fine</p></main></body></html>", encoding="utf-8"
    )
    pages = sorted(tmp_path.glob("*.html"))
    done = subprocess.run(
        [ROOT / "scripts" / "look-at-pages", *pages],
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert done.returncode == 1, done.stderr
    for name, planted in FAULTS.items():
        lines = [line for line in done.stdout.splitlines() if f"{name}.html (wide)" in line]
        for told in planted.values():
            assert any(told in line for line in lines), (told, done.stdout)
    for name in ("sound", *REPORTS):
        assert f"{name}.html" not in done.stdout
