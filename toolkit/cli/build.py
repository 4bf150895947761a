"""`toolkit build`: export, quantize, bench and report in one, and which file to ship."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from toolkit.cli.options import common, licensed, limited, quietly, recommending, trust
from toolkit.cli.output import came_of, print_export, print_json, say_failed
from toolkit.cli.progress import Tell, progress
from toolkit.cli.settings import SUFFIX, Settings, read, write
from toolkit.errors import InvalidInput, ParityError

if TYPE_CHECKING:
    from toolkit.bundle import Bundle
    from toolkit.runner import Report


@click.command()
@click.argument("source")
@click.option("-o", "--out", help="The model directory to write.  [default: models/NAME]")
@click.option("--data", help="For an estimator file: rows in .npz (X, y), .csv or .parquet.")
@click.option("--target", help="The target's column in a .csv or .parquet file.")
@click.option("--name", help="The model's name.  [default: the recipe's or the file's]")
@click.option("--task", type=click.Choice(["regressor", "classifier"]), help="Of a booster's file.")
@licensed
@click.option(
    "--runtime", metavar="VERSION", help="Write what this onnxruntime runs, such as 1.18."
)
@click.option(
    "--tune",
    type=click.Choice(["auto", "latency", "throughput"]),
    default="auto",
    help="Fast for single rows or for large batches.  [default: auto]",
)
@click.option("--method", "methods", multiple=True, help="A method (repeatable).  [default: all]")
@click.option("--budget", "budgets", multiple=True, metavar="EXPR", help="As for quantize.")
@click.option("--gate", "gates", multiple=True, metavar="EXPR", help="As for bench.")
@recommending
@click.option(
    "--save", metavar="FILE", help="Write these settings as .toml; `build FILE` reads it."
)
@click.option("--allow-pickle", is_flag=True, help="Load .joblib and .pkl, which can run any code.")
@click.option("--force", is_flag=True, help="Write over what is no directory of this model.")
@quietly
@trust
@limited("toolkit.exporter.flow")
@common
@click.pass_context
def build(
    context: click.Context,
    source: str,
    save: str | None,
    allow_pickle: bool,
    force: bool,
    quiet: bool,
    as_json: bool,
    **options: Any,
) -> int:
    """Export SOURCE, prove it, make smaller variants, measure all, and say which file to ship.

    SOURCE is what `toolkit export` takes, or a .toml file that --save wrote, whose settings the
    options given here replace.
    """
    settings = _settings(context, source, options)
    if save:
        _check_save(save)
    with progress(quiet) as (tell, step):
        try:
            bundle = _made(settings, allow_pickle, force, tell, step)
        except ParityError:
            _print_unproved(settings, as_json)
            raise
        tell(f"measuring {bundle.path} …")
        report = _measured(settings, bundle)
    if save:
        write(settings, Path(save))
    if as_json:
        print_json(report.to_json())
    else:
        _print_answer(report, bundle)
    say_failed([report])
    return int(not report.passed)


def _settings(context: click.Context, source: str, options: dict[str, Any]) -> Settings:
    """Return what was asked for: a file's settings under those of the command line."""
    from toolkit.cli.source import default_name

    if Path(source).suffix == SUFFIX:
        defaults = (ParameterSource.DEFAULT, ParameterSource.DEFAULT_MAP)
        given = {
            k: v for k, v in options.items() if context.get_parameter_source(k) not in defaults
        }
        asked = read(Path(source), given)
    else:
        asked = Settings(source, **options)
    name = asked.name or default_name(asked.source)
    return replace(asked, name=name, out=asked.out or str(Path("models") / name))


def _check_save(path: str) -> None:
    if Path(path).suffix != SUFFIX:
        raise InvalidInput(f"--save {path}: build reads settings from .toml files; name it so")


def _made(asked: Settings, allow_pickle: bool, force: bool, tell: Tell, step: Tell) -> Bundle:
    """Export and quantize; return the bundle."""
    from toolkit.cli.source import read_source
    from toolkit.exporter.flow import check_license, check_request, export
    from toolkit.quantizer import quantize
    from toolkit.runner.recommendation import check_goal
    from toolkit.stages import at

    name, out = str(asked.name), Path(str(asked.out))
    check_goal(asked.goal, asked.within)
    check_request(name, out, None, force, asked.runtime)
    check_license(asked.license)
    tell(f"reading {asked.source} …")
    inputs = read_source(
        asked.source,
        data=asked.data,
        target=asked.target,
        name=name,
        allow_pickle=allow_pickle,
        trusted=asked.trusted,
    )
    tell(f"exporting {name} and proving it …")
    bundle = export(
        **vars(inputs),
        out=out,
        trusted=asked.trusted,
        task=asked.task,
        license=asked.license,
        force=force,
        runtime=asked.runtime,
        tune=asked.tune,
    )
    tell("quantizing …")
    quantize(
        bundle,
        asked.methods or None,
        budget=asked.budgets or None,
        progress=lambda variant: step(came_of(variant)),
        say=at,
    )
    return bundle


def _measured(asked: Settings, bundle: Bundle) -> Report:
    from toolkit.report.flow import bench

    return bench(
        bundle.path,
        gates=asked.gates,
        trusted=asked.trusted,
        goal=asked.goal,
        within=asked.within,
    )


def _print_unproved(asked: Settings, as_json: bool) -> None:
    """Print what the failed proof says of the bundle that was written."""
    from toolkit.bundle import open_bundle

    print_export(open_bundle(str(asked.out)), as_json)


def _print_answer(report: Report, bundle: Bundle) -> None:
    """Print the answer first, then the proof, and what to do next."""
    from toolkit.report import answer, opening, tables
    from toolkit.report.figures import printable

    click.echo(printable(f"{report.model}: {report.task}, measured on {report.rows:,} rows"))
    folder = bundle.path
    pairs = answer.lines(report)
    file = report.recommended.file if report.recommended else None
    if file:
        pairs += [
            ("check", f"toolkit verify {folder}, here and on the device"),
            ("use", f"python -m toolkit.runtime predict {folder / file} --input ROWS.csv"),
        ]
    pairs += [("all files", f"toolkit bench {folder}, or {folder / 'report.html'}")]
    for name, text in pairs:
        click.echo(printable(f"{name:>11}  {text}"))
    click.echo(opening.proof_line(report))
    click.echo(tables.outcome(report))


COMMANDS = (build,)
