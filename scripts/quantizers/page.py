"""The comparison as a Markdown page: a table a model, losers included."""

from __future__ import annotations

from typing import Any

Figures = dict[str, Any]


def page(figures: Figures) -> str:
    """Return the whole page."""
    machine = figures["environment"]
    packages = ", ".join(f"{n} {v or 'not installed'}" for n, v in machine["packages"].items())
    head = [
        "<!-- Written by scripts/compare-quantizers. -->",
        "# Our variants beside other quantizers'",
        "Sizes and times are against the graph that skl2onnx writes in float32 (x: times smaller; "
        "time: its median is 1, one thread, calls in turns). Errors are against scikit-learn on "
        "held-out rows. Other quantizers are applied to skl2onnx's graph as they are shipped; "
        "toolkit's methods to its own export, with the limits by which it keeps or refuses a file. "
        "Held-out rows lie where the calibration rows do: what is clipped beyond them does not "
        "show here. `static-int8` and `static-a16w8` clip; use them only where something limits "
        "the inputs.",
    ]
    tables = [_section(model) for model in figures["models"]]
    return "\n\n".join([*head, *tables, f"{machine['platform']}; {packages}."]) + "\n"


def _section(model: Figures) -> str:
    labels = any("agreement" in row for row in model["rows"])
    errors = ["agreement"] if labels else ["max error", "NMSE", "ΔR²"]
    headers = ["", "bytes", "x", *errors, "time, 1 row", "time, 1,000 rows"]
    lines = [headers, ["---", *["---:"] * (len(headers) - 1)]]
    lines += [_line(row, labels, len(headers)) for row in model["rows"]]
    table = "\n".join(f"| {' | '.join(line)} |" for line in lines)
    return f"## {model['model']}\n\n{table}"


def _line(row: Figures, labels: bool, width: int) -> list[str]:
    if "reason" in row:
        said = row["reason"].replace("|", "\\|").replace("<", "&lt;")
        return [row["name"], said, *[""] * (width - 2)]
    errors = (
        [f"{100 * row['agreement']:.2f} %"]
        if labels
        else [_short(row["max_error"]), _short(row["nmse"]), _short(row["r2_change"])]
    )
    times = [f"{row['time'][b]:.2f}" for b in ("1", "1000")]
    return [row["name"], f"{row['bytes']:,}", f"{row['size']:.2f}", *errors, *times]


def _short(value: float) -> str:
    return f"{value:.2g}".replace("-", "−")
