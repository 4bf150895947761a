"""`toolkit compare`: two artifacts on the same rows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from toolkit.cli import elsewhere
from toolkit.cli.options import common, limited, quietly, unproved
from toolkit.cli.output import print_json, say
from toolkit.cli.progress import progress

if TYPE_CHECKING:
    from toolkit.runner.comparison import Compared


@click.command()
@click.argument("first")
@click.argument("second")
@click.option("--data", required=True, help="Rows to compare on: .npz (X), .csv or .parquet.")
@elsewhere.target
@click.option(
    "--budget",
    "budgets",
    multiple=True,
    metavar="EXPR",
    help="Limits that SECOND must keep, such as 'agreement>=0.99' (repeatable).",
)
@unproved
@quietly
@limited("toolkit.runner.comparison")
@common
def compare(
    first: str,
    second: str,
    data: str,
    target: str | None,
    budgets: tuple[str, ...],
    unproved: bool,
    quiet: bool,
    as_json: bool,
) -> int:
    """Compare SECOND with FIRST: .onnx or .pack files, or model directories, from anywhere.

    On rows of your own: how far their answers are apart, on which rows most, and their sizes and
    times, taken by turns. Exit code 1 where a limit of --budget is broken.
    """
    from toolkit.runner.comparison import budget_of, opened
    from toolkit.runner.comparison import compare as compared

    budget = budget_of(budgets)
    with progress(quiet) as (tell, _):
        tell(f"comparing {second} with {first} …")
        models = opened(first, unproved), opened(second, unproved)
        X, _ = elsewhere.read_rows(data, target, models[0].inputs)
        found = compared(*models, X)
    broken = found.broken(budget)
    if as_json:
        print_json(found.to_json() | {"broken": broken})
    else:
        print_compared(found)
    for text in broken:
        say(f"error: {second}: {text}")
    return int(bool(broken))


def print_compared(found: Compared) -> None:
    """Print sizes and times side by side, then the differences and the worst rows."""
    from toolkit.report.figures import cell, count, number, percent, printable, times

    one, other = found.first, found.second
    ratio = other.bytes / max(1, one.bytes)
    click.echo(printable(f"first   {one.path}: {count(one.bytes)} bytes"))
    click.echo(printable(f"second  {other.path}: {count(other.bytes)} bytes, {times(ratio)}"))
    click.echo(f"on {count(found.rows)} rows:")
    labels = found.difference["label_agreement"]
    if labels is not None:
        click.echo(f"  labels equal  {percent(labels)}")
    if found.difference["max_abs"] is not None:
        click.echo(f"  largest, mean difference  {number(found.difference['max_abs'])}, "
                   f"{number(found.difference['mean_abs'])}")  # fmt: skip
        click.echo(f"  NMSE  {number(found.difference['nmse'], 3)}")
    for w in found.worst:
        off = "" if w.deviation is None else f", {number(w.deviation, 3)} of its scale"
        said = f"{w.output} is {cell(w.second)} for {cell(w.first)}{off}"
        click.echo(printable(f"  row {w.row}: {said}"))
    for batch, times_of in found.ratios.items():
        p50 = [side.latency_us[batch]["p50"] for side in (one, other)]
        spread = f"{number(times_of['p25'], 3)} to {number(times_of['p75'], 3)}"
        both = ", ".join(f"{number(p, 3)} µs" for p in p50)
        rows = "1 row" if batch == "1" else f"{batch} rows"
        click.echo(f"  {rows} a call  {both}: {times(times_of['median'])} ({spread})")


COMMANDS = (compare,)
