"""The benchmark's page: a table a model, every contestant in it, and where we lose and why."""

from __future__ import annotations

from typing import Any

from contestants import BASELINE, OURS
from graphs import BATCHES, NEAR

# Why another way may be faster than ours; shown with the rows where it is.
REASONS = {
    BASELINE: "the rows of large batches are put in order before the trees; that costs a single "
    "row some µs, and `--tune latency` leaves it out",
    "scikit-learn": "its own compiled loops beat the graph's operators there",
    "scikit-learn-intelex": "Intel's library has kernels for just this model; it needs "
    "scikit-learn and an x86 processor",
    "treelite, GTIL": "its interpreter walks the trees without a graph's call around it",
    "tl2cgen, compiled": "the trees are machine code; that takes a compiler for every model and "
    "processor",
    "m2cgen, compiled": "the model is machine code without any call around it; that takes "
    "a compiler for every model and processor",
}
LOST = 1.05  # a ratio up to this is a draw: the noise of such a measurement

Figures = dict[str, Any]


def page(figures: Figures) -> str:
    """Return the whole Markdown page."""
    machine = figures["environment"]
    lines = [
        "<!-- Written by scripts/benchmark-graphs. -->",
        "# Speed, beside others",
        "",
        "Each model's time for a call, in one thread, as a ratio to skl2onnx's plain graph in "
        "onnxruntime in the same run (smaller is faster; that graph's own time in µs). All take "
        "turns in short slices, on distinct rows; ratios are taken within a turn, and what stands "
        "is their median, with the quartiles in brackets where they differ from it. "
        '"Error" is the largest difference from '
        "scikit-learn, over the deviation of its answers; in bold, what is no rounding: a pack's "
        "codes, or another answer.",
        "",
        _machine(machine),
        "",
    ]
    for model in figures["models"]:
        lines += [*_table(model), "", *_losses(model), ""]
    return "\n".join(lines).rstrip() + "\n"


def _machine(machine: Figures) -> str:
    packages = ", ".join(f"{p} {v}" for p, v in machine["packages"].items() if v)
    return f"{machine.get('processor') or machine.get('machine', '')}; {packages}."


def _table(model: Figures) -> list[str]:
    nodes = f" ({model['nodes']:,} nodes)" if model["nodes"] else ""
    heads = " | ".join(f"{b:,} row{'s' if b > 1 else ''}" for b in BATCHES)
    lines = [
        f"## {model['model']}{nodes}",
        "",
        f"| | {heads} | bytes | error |",
        "| --- |" + " ---: |" * (len(BATCHES) + 2),
    ]
    for row in model["contestants"]:
        if "absent" in row:
            lines.append(f"| {row['name']} | {row['absent']} |" + " |" * (len(BATCHES) + 1))
            continue
        cells = " | ".join(_cell(row, b) for b in BATCHES)
        size = "" if row["bytes"] is None else f"{row['bytes']:,}"
        lines.append(f"| {row['name']} | {cells} | {size} | {_error(row)} |")
    return lines


def _cell(row: Figures, batch: int) -> str:
    if row["name"] == BASELINE:
        return f"{row['us'][str(batch)]['p50']:,.1f} µs"
    ratio = row["ratio"][str(batch)]
    median, low, high = (f"{ratio[key]:.2g}" for key in ("median", "p25", "p75"))
    return median if low == median == high else f"{median} ({low}–{high})"


def _error(row: Figures) -> str:
    if row["refitted"]:
        return "fitted anew"
    error = row["error"]
    return f"{error:.1g}" if error <= NEAR else f"**{error:.2g}**"


def _losses(model: Figures) -> list[str]:
    """Return a line for each contestant that beats our graph somewhere."""
    rows = {r["name"]: r for r in model["contestants"] if "absent" not in r}
    lines = []
    for name, row in rows.items():
        if name in OURS or (row["error"] > NEAR and not row["refitted"]):
            continue  # another answer is no faster way to the right one
        # A graph is held against our graph alone: the rest of ours also saves some of the call.
        ours = [rows[o]["ratio"] for o in OURS[: 1 if name == BASELINE else None] if o in rows]
        best = {b: min(r[b]["median"] for r in ours) for b in row["ratio"]}
        lost = [b for b, r in row["ratio"].items() if best[b] > LOST * r["median"]]
        if lost:
            at = ", ".join(f"{int(b):,}" for b in lost)
            lines.append(f"- {name} is faster at {at}: {REASONS[name]}.")
    return lines
