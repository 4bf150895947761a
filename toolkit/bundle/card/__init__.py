"""The model card, README.md of a bundle: what the model is, what it takes, and how it is called.

facts       what the card says, from the manifest, the golden and calibration rows and the report
text        Markdown and string literals that no name of a user's breaks out of
python, javascript, cpp, csharp, java, rust: a program each, with the model's own names and a row
"""

from __future__ import annotations

from toolkit.bundle.card.compose import CARD, card

__all__ = ["CARD", "card"]
