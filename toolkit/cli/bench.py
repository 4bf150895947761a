"""`toolkit bench`: every variant of a model measured, and which to ship."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from toolkit.cli import elsewhere
from toolkit.cli.options import common, limited, quietly, recommending, trust
from toolkit.cli.output import print_json, say_failed
from toolkit.cli.progress import progress
from toolkit.errors import InvalidInput

if TYPE_CHECKING:
    from toolkit.bundle import Bundle


@click.command()
@click.argument("models", nargs=-1, required=True)
@click.option(
    "--data", help="Rows to score on: .npz (X, y), .csv or .parquet.  [default: held-out]"
)
@elsewhere.target
@elsewhere.out
@elsewhere.force
@click.option("--gate", "gates", multiple=True, help="A limit, such as 'uint8-pack:max_abs<=0.1'.")
@recommending
@click.option("--all", "every", is_flag=True, help="Show methods that gave no file, too.")
@click.option("--legend", is_flag=True, help="Say what the columns of the table mean.")
@trust
@quietly
@limited("toolkit.report.flow")
@common
def bench(
    models: tuple[str, ...],
    data: str | None,
    target: str | None,
    out: str | None,
    force: bool,
    gates: tuple[str, ...],
    goal: str,
    within: tuple[str, ...],
    every: bool,
    legend: bool,
    trusted: tuple[str, ...],
    quiet: bool,
    as_json: bool,
) -> int:
    """Measure every variant of MODELS through onnxruntime, and say which to ship.

    A model is a model directory, or an .onnx file from anywhere with rows (--data), around which
    one is made; the file is then its own reference. Writes report.json, report.md and report.html
    into each directory.
    """
    from toolkit.report import render_table
    from toolkit.report.flow import bench as measure

    if out and len(models) > 1:
        raise InvalidInput("-o names one directory, and there are several models; leave it out")
    reports = []
    for model in models:
        with progress(quiet) as (tell, _):
            tell(f"measuring {model} …")
            if elsewhere.is_graph(model):
                bundle, X, y = elsewhere.measured_as(model, data, target, out, force)
            else:
                bundle, X, y = _given(model, data, target, out)
            report = measure(bundle, X, y, gates=gates, trusted=trusted, goal=goal, within=within)
        reports.append(report)
        if not as_json:
            click.echo(render_table(report, every=every, legend=legend))
            click.echo(f"reports: {bundle.path / 'report.html'}, report.md, report.json\n")
    if as_json:
        documents = [r.to_json() for r in reports]
        print_json(documents[0] if len(documents) == 1 else {"reports": documents})
    say_failed(reports)
    return int(any(not r.passed for r in reports))


def _given(
    model: str, data: str | None, target: str | None, out: str | None
) -> tuple[Bundle, Any, Any]:
    """Return a model directory and the rows to score it on, None where they are its own."""
    from toolkit.bundle import open_bundle

    if out:
        raise InvalidInput(f"-o {out}: {model} is a model directory, which its reports go to")
    bundle = open_bundle(model)
    if not data:
        return bundle, None, None
    return bundle, *elsewhere.read_rows(data, target, elsewhere.inputs_of(bundle))


COMMANDS = (bench,)
