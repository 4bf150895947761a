"""Numbers as people read them: short, with units, and a dash for what was not measured."""

from __future__ import annotations

import math
from typing import Any

DASH = "–"


def number(value: float | None, digits: int = 4) -> str:
    """Return a figure with so many significant digits, thousands separated.

    Below 0.001 and from a thousand million on it has an exponent.
    """
    if value is None or not math.isfinite(value):
        return DASH if value is None or math.isnan(value) else ("∞" if value > 0 else "−∞")
    if value == 0:
        return "0"
    if not 1e-3 <= abs(value) < 1e9:
        mantissa, exponent = f"{value:.1e}".split("e")
        return f"{mantissa}e{int(exponent)}".replace("-", "−")
    places = max(0, digits - 1 - math.floor(math.log10(abs(value))))
    return f"{value:,.{places}f}".replace("-", "−")


def signed(value: float | None, digits: int = 4) -> str:
    """Return a difference with its sign."""
    text = number(value, digits)
    return f"+{text}" if value is not None and value > 0 else text


def count(value: float | None) -> str:
    """Return a whole number with thousands separated by commas."""
    return DASH if value is None else f"{round(value):,}"


def signed_count(value: float) -> str:
    """Return a difference of whole numbers with its sign."""
    return f"{round(value):+,}".replace("-", "−") if round(value) else "0"


def short(value: float | None) -> str:
    """Return a large number as 12.3k or 4.5M."""
    if value is None:
        return DASH
    for unit, factor in (("G", 1e9), ("M", 1e6), ("k", 1e3)):
        if value >= factor:
            return f"{value / factor:#.3g}".removesuffix(".") + unit
    return f"{value:.3g}"


def times(value: float | None, below: str = "") -> str:
    """Return a ratio as 3.4x.

    below: what is said of a ratio under 1, such as "larger" of 0.067: 15x larger.
    """
    if value is None:
        return DASH
    if below and 0 < value < 0.995:
        return f"{number(1 / value, 2 if value < 0.1 else 3)}x {below}"
    return f"{number(value, 3)}x"


def percent(value: float | None) -> str:
    """Return a share as a percentage that says 100 only where it is all."""
    if value is None:
        return DASH
    text = f"{100 * value:.2f}"
    return ("> 99.99" if value < 1 and text == "100.00" else text.removesuffix(".00")) + " %"


def cell(value: Any) -> str:
    """Return a sample's value: a number, or a label as it is."""
    if value is None:
        return DASH
    return number(value, 5) if isinstance(value, float) else str(value)


def printable(text: str) -> str:
    """Return text without characters that could steer a terminal or break a page."""
    return "".join(c if c.isprintable() else "�" for c in text)
