"""The report's plots as inline SVG whose colours are the page's CSS variables."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from toolkit.errors import ToolkitError, install
from toolkit.report.figures import printable
from toolkit.report.svg import FAINT, INK, PAPER, SERIES, as_svg, colour_of
from toolkit.runner import REFERENCE, Report, Row

MARKERS = "osD^vph*"
WIDTH, HEIGHT, FONT = 5.2, 3.7, 10.0  # inches and points: the text stays legible on a phone


def series(report: Report) -> dict[str, int]:
    """Return each measured method's colour number: 0 is scikit-learn, then 1 to 8 in turn."""
    methods = [r.method for r in report.variants if r.latency_us and r.method != REFERENCE]
    return {REFERENCE: 0} | {m: k % SERIES + 1 for k, m in enumerate(methods)}


def size_against_error(report: Report) -> str | None:
    """Return the plot of bytes against max |Δ|, both logarithmic; None where nothing is measured.

    An exact variant (no difference at all) is drawn at the lower edge and says so.
    """
    points = [(r, _error(r)) for r in report.variants if r.method != REFERENCE and r.bytes]
    drawn = [(r, e) for r, e in points if e is not None and math.isfinite(e)]
    if not drawn:
        return None
    least = min((e for _, e in drawn if e > 0), default=1e-9)
    figure, axes = _figure("bytes", f"max |Δ| against {report.reference}")
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.margins(0.18)
    numbers = series(report)
    taken: list[tuple[float, float, str]] = []
    for row, error in drawn:
        colour = numbers.get(row.method, 0)
        x, y = float(row.bytes or 1), error if error > 0 else least / 10
        axes.plot([x], [y], gid=f"point-{len(taken)}", **_style(colour, markersize=8))
        taken.append((x, y, printable(row.method) + ("" if error > 0 else " (exact)")))
    reference = next((r.bytes for r in report.variants if r.method == REFERENCE and r.bytes), None)
    if reference:
        axes.axvline(reference, color=colour_of(0), linestyle="--", linewidth=1)
        axes.annotate(
            " scikit-learn's file ",
            (reference, 0.98),
            xycoords=("data", "axes fraction"),
            va="top",
            ha="right",
            color=colour_of(0),
        )
    _ticks(axes.xaxis, _bytes)
    _ticks(axes.yaxis, _power)
    _label(axes, taken)
    said = {
        f"point-{k}": f"{row.method}: {row.bytes:,} bytes, max |Δ| {error:.3g}"
        for k, (row, error) in enumerate(drawn)
    }
    return as_svg(figure, "size", "Bytes of each file against its largest error", said)


def latency_by_batch(report: Report) -> str | None:
    """Return the plot of p50 by batch size (the spread to p99 shows where a line is pointed at).

    None where nothing is measured.
    """
    measured = [row for row in report.variants if row.latency_us]
    if not measured:
        return None
    figure, axes = _figure("rows a call", "median µs a call")
    axes.set_xscale("log")
    axes.set_yscale("log")
    numbers = series(report)
    said: dict[str, str] = {}
    for row in measured:
        batches = sorted(row.latency_us or {}, key=int)
        x = [int(b) for b in batches]
        p50 = [(row.latency_us or {})[b]["p50"] for b in batches]
        p99 = [(row.latency_us or {})[b]["p99"] for b in batches]
        colour = numbers[row.method]
        spread = axes.fill_between(x, p50, p99, color=colour_of(colour), alpha=0.3, linewidth=0)
        spread.set_gid(f"spread-{len(said)}")
        dashes, gid = "--" if row.method == REFERENCE else "-", f"line-{len(said)}"
        axes.plot(x, p50, linestyle=dashes, linewidth=1.8, gid=gid, **_style(colour, markersize=6))
        figures = ", ".join(f"{m:,.3g} µs for {b}" for b, m in zip(batches, p50, strict=True))
        said[gid] = f"{row.method}: {figures}"
    _ticks(axes.xaxis, lambda v: f"{v:,.0f}")
    _ticks(axes.yaxis, lambda v: f"{v:,g} µs" if v < 1e4 else f"{v / 1e3:,.0f} ms")
    return as_svg(figure, "latency", "Median time of a call by rows a call", said)


def budget_front(report: Report) -> str | None:
    """Return the plot of what a budget could choose from; None where there is nothing to draw.

    Bytes against NMSE, both logarithmic (where a model has labels alone, against the share of
    other labels). Filled: the budget is kept.
    """
    budget = report.budget or {}
    points = [(k, p, _front_error(p)) for k, p in enumerate(budget.get("points", []))]
    drawn = [(k, p, e) for k, p, e in points if e is not None and e > 0]
    if not drawn:
        return None
    labels = all(p["nmse"] is None for _, p, _ in drawn)
    figure, axes = _figure("bytes", "share of other labels" if labels else "NMSE")
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.margins(0.12)
    axes.plot([p["bytes"] for _, p, _ in drawn], [e for *_, e in drawn], color=FAINT, zorder=1)
    for k, p, error in drawn:
        style = _style(1, markersize=10 if k == budget["chosen"] else 6)
        if not p["keeps"]:
            style |= {"markerfacecolor": PAPER, "markeredgecolor": colour_of(1)}
        axes.plot([p["bytes"]], [error], zorder=2, gid=f"point-{k}", **style)
    _limit_lines(axes, budget["limits"], labels)
    _ticks(axes.xaxis, _bytes)
    _ticks(axes.yaxis, _power)
    _label(axes, [(p["bytes"], e, "chosen") for k, p, e in drawn if k == budget["chosen"]])
    said = {
        f"point-{k}": f"{p['bytes']:,} bytes, {'labels' if labels else 'NMSE'} {error:.3g}, "
        f"{'keeps the budget' if p['keeps'] else 'breaks the budget'}"
        for k, p, error in drawn
    }
    return as_svg(figure, "front", "Bytes of each choice of formats against its error", said)


def _front_error(point: dict[str, Any]) -> float | None:
    if point["nmse"] is not None or point["agreement"] is None:
        return point["nmse"]
    return 1.0 - point["agreement"]


def _limit_lines(axes: Any, limits: dict[str, float], labels: bool) -> None:
    """Draw the limits of the budget that are on what the axes show."""
    if "bytes" in limits:
        axes.axvline(limits["bytes"], color=colour_of(0), linestyle="--", linewidth=1)
    share = 1 - limits["agreement"] if labels and "agreement" in limits else None
    height = share if labels else limits.get("nmse")
    if height:
        axes.axhline(height, color=colour_of(0), linestyle="--", linewidth=1)


def _error(row: Row) -> float | None:
    return (row.difference or {}).get("max_abs")


def _style(number: int, markersize: float) -> dict[str, Any]:
    return {
        "color": colour_of(number),
        "marker": MARKERS[number % len(MARKERS)],
        "markersize": markersize,
        "markeredgecolor": PAPER,
        "markeredgewidth": 1,
    }


def _figure(x: str, y: str) -> tuple[Any, Any]:
    try:
        from matplotlib.figure import Figure
    except ImportError:
        raise ToolkitError(
            f"the plots need matplotlib, which is not installed; {install('report')}"
        ) from None
    figure = Figure(figsize=(WIDTH, HEIGHT), layout="constrained")
    axes = figure.add_subplot()
    figure.patch.set_alpha(0)
    axes.patch.set_alpha(0)
    axes.set_xlabel(x, color=INK, fontsize=FONT)
    axes.set_ylabel(y, color=INK, fontsize=FONT)
    axes.grid(True, color=FAINT, linewidth=0.8)
    axes.set_axisbelow(True)
    axes.tick_params(which="both", colors=INK, labelsize=FONT, length=0)
    for side, spine in axes.spines.items():
        spine.set_visible(side in ("left", "bottom"))
        spine.set_color(FAINT)
    return figure, axes


def _ticks(axis: Any, text: Any) -> None:
    """Put ticks at 1, 2, 5 of a decade where there are few decades, else at the decades."""
    from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

    low, high = sorted(axis.get_view_interval())
    decades = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    for steps in ((1, 2, 5), (1, 3), (1,)):
        at = [s * 10.0**d for d in decades for s in steps if low <= s * 10.0**d <= high]
        if len(at) <= 7:
            break
    else:
        at = at[:: math.ceil(len(at) / 7)]
    axis.set_major_locator(FixedLocator(at))
    axis.set_minor_locator(NullLocator())
    axis.set_major_formatter(FuncFormatter(lambda value, _: text(value)))


def _bytes(value: float) -> str:
    for unit, factor in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if value >= factor:
            return f"{value / factor:.3g} {unit}"
    return f"{value:.3g} B"


_SUPERSCRIPT = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def _power(value: float) -> str:
    exponent = math.floor(math.log10(value) + 1e-9)
    mantissa = value / 10.0**exponent
    if -2 <= exponent <= 4:
        return f"{value:g}"
    power = "10" + str(exponent).translate(_SUPERSCRIPT)
    return power if abs(mantissa - 1) < 1e-6 else f"{mantissa:.0f}·{power}"


def _label(axes: Any, points: Sequence[tuple[float, float, str]]) -> None:
    """Write each point's name beside it, where it covers neither a name nor a point, if it can."""
    figure = axes.figure
    figure.draw_without_rendering()
    at = [axes.transData.transform((x, y)) for x, y, _ in points]
    dot, em = figure.dpi / 72 * 7, figure.dpi / 72 * FONT
    blocked = [(x - dot, y - dot, x + dot, y + dot) for x, y in at]
    frame = axes.get_window_extent()
    for (px, py), (x, y, name) in zip(at, points, strict=True):
        width = 0.6 * em * len(name)
        boxes = [
            (px + dx, py + dy * em - 0.6 * em, px + dx + width, py + dy * em + 0.6 * em)
            for dy in (0, 1.3, -1.3, 2.6, -2.6, 3.9, -3.9)
            for dx in (dot, -dot - width, -width / 2)
            if dy or dx != -width / 2
        ]
        inside = [b for b in boxes if frame.x0 <= b[0] and b[2] <= frame.x1 and frame.y0 <= b[1]]
        free = [b for b in inside if not any(_overlap(b, other) for other in blocked)]
        box = (free or inside or boxes)[0]
        blocked.append(box)
        axes.annotate(
            name,
            (x, y),
            xytext=(
                (box[0] - px) * 72 / figure.dpi,
                ((box[1] + box[3]) / 2 - py) * 72 / figure.dpi,
            ),
            textcoords="offset points",
            va="center",
            ha="left",
            color=INK,
            fontsize=FONT,
        )


def _overlap(a: Sequence[float], b: Sequence[float]) -> bool:
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]
