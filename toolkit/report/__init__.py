"""Writing what a Report holds: JSON, Markdown, HTML with plots, and a table on the screen."""

from __future__ import annotations

from toolkit.bundle import Bundle, with_reports
from toolkit.report.html import as_html
from toolkit.report.json_report import as_json
from toolkit.report.markdown import as_markdown
from toolkit.report.terminal import render_table
from toolkit.runner import Report

__all__ = ["as_html", "as_json", "as_markdown", "render_table", "write"]


def write(report: Report, bundle: Bundle) -> Bundle:
    """Return the bundle with report.json, report.md and report.html written and listed.

    Raises ToolkitError where matplotlib is missing; nothing is written then.
    """
    return with_reports(
        bundle,
        {
            "report.json": as_json(report).encode(),
            "report.md": as_markdown(report).encode(),
            "report.html": as_html(report).encode(),
        },
    )
