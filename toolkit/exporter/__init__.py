"""From a fitted estimator to a proven bundle."""

from __future__ import annotations

from toolkit.exporter.flow import export

__all__ = ["export"]
