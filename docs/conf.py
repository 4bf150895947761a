"""The documentation's settings: `scripts/build-docs` builds the site, strictly."""

from __future__ import annotations

from toolkit import __version__

project, author = "toolkit", "the toolkit authors"
release = version = __version__
copyright = f"{author}, Apache License 2.0"
extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx_click"]
html_theme, html_title = "furo", "toolkit"
myst_enable_extensions = ["colon_fence"]
myst_heading_anchors = 4  # as on a repository's page, where `#a-heading` is a link's target
exclude_patterns: list[str] = []
html_copy_source = html_show_sourcelink = False
autodoc_typehints = "signature"
autodoc_member_order = "bysource"
# What a code block is in: `sh run` marks commands that a test runs (tests/docs/test_pages.py).
suppress_warnings = ["misc.highlighting_failure"]
