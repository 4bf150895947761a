"""The model card: README.md of a bundle, made of what the bundle itself says."""

from __future__ import annotations

from toolkit.card.page import page

__all__ = ["page"]
