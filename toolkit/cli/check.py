"""`toolkit check`: does every part convert? Asked before any work is done."""

from __future__ import annotations

from dataclasses import asdict

import click

from toolkit.cli.options import common, limited, trust
from toolkit.cli.output import print_json, say


@click.command()
@click.argument("source")
@click.option("--data", help="Rows in .npz (X, y), .csv or .parquet: settings are tried as well.")
@click.option("--target", help="The target's column in a .csv or .parquet file.")
@click.option("--allow-pickle", is_flag=True, help="Load .joblib and .pkl, which can run any code.")
@trust
@limited("toolkit.exporter.convertible")
@common
def check(
    source: str,
    data: str | None,
    target: str | None,
    allow_pickle: bool,
    trusted: tuple[str, ...],
    as_json: bool,
) -> int:
    """Say which parts of SOURCE convert, which block and what to do; nothing is written.

    SOURCE is what `toolkit export` takes. Ends with 3 where a part blocks.
    """
    from toolkit.cli.source import KNOWN, default_name, estimator_of, read_source
    from toolkit.exporter.convertible import BLOCKS
    from toolkit.exporter.convertible import check as parts_of

    say(f"reading {source} …")
    if data is None and source.endswith(KNOWN):
        estimator, rows = estimator_of(source, allow_pickle=allow_pickle, trusted=trusted), None
    else:
        name = default_name(source)
        inputs = read_source(
            source, data=data, target=target, name=name, allow_pickle=allow_pickle, trusted=trusted
        )
        estimator, rows = inputs.estimator, inputs.X
    parts = parts_of(estimator, rows)
    blocked = [part for part in parts if part.verdict == BLOCKS]
    if as_json:
        print_json({"source": source, "converts": not blocked, "parts": [asdict(p) for p in parts]})
        return 3 if blocked else 0
    width = max(len(part.where) for part in parts)
    for part in parts:
        reason = f": {part.reason}" if part.reason else ""
        click.echo(f"{part.verdict:11}  {part.where:{width}}  {part.kind}{reason}")
    if blocked:
        click.echo(f"{len(blocked)} of {len(parts)} parts block the export")
    else:
        more = "" if rows is not None else "; give --data to try their settings as well"
        click.echo(f"all {len(parts)} parts convert{more}")
    return 3 if blocked else 0


COMMANDS = (check,)
