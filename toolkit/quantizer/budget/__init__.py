"""Formats chosen parameter by parameter, so that a stated budget is kept."""
