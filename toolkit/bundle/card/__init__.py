"""The model card, README.md of a bundle: what the model is, takes and gives, and how it is called.

facts, columns, example   what the bundle itself says: manifest, rows, report
escapes, layout           names and values in Markdown and in literals that they cannot break out of
python, javascript, cpp, csharp, java, rust: a program each, with the model's own names and a row
"""

from __future__ import annotations

from toolkit.bundle.card.page import CARD, MARK, page

__all__ = ["CARD", "MARK", "page"]
