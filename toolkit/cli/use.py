"""The commands of the device, as in `python -m toolkit.runtime`: predict, verify, inspect."""

from __future__ import annotations

import click

from toolkit.cli.options import common, limited, require_signature, unproved

KIND = click.Choice(["csv", "json", "jsonl"])


@click.command()
@click.argument("artifact")
@click.option(
    "--input",
    "source",
    required=True,
    help="Rows: .csv, .json, .jsonl, .npz or .parquet, or - for standard input.",
)
@click.option(
    "--output",
    "target",
    default="-",
    help="Answers: .csv, .json, .jsonl, .npz or .parquet.  [default: -]",
)
@click.option("--proba", is_flag=True, help="Write the probabilities alone, a column a class.")
@click.option("--columns", default="", metavar="A,B", help="Write these columns or outputs alone.")
@click.option("--from", "read_as", type=KIND, help="What the input is.  [default: its suffix, csv]")
@click.option("--to", "write_as", type=KIND, help="What is written.  [default: its suffix, csv]")
@unproved
@require_signature()
@limited("toolkit.runtime.commands")
@common
def predict(
    artifact: str,
    source: str,
    target: str,
    proba: bool,
    columns: str,
    read_as: str | None,
    write_as: str | None,
    unproved: bool,
    require_signature: str | None,
    as_json: bool,
) -> int:
    """Predict rows with an .onnx or .pack file, or with a model directory.

    Rows are read and answers written a block at a time, so that a file of any length takes little
    memory (a .json or .npz file is taken whole). Columns are named by their output and class, as
    probabilities_yes.
    """
    from toolkit.cli import parquet
    from toolkit.runtime import commands

    there = parquet.available()
    return commands.predict(
        artifact,
        source,
        target,
        as_json,
        unproved,
        require_signature,
        proba=proba,
        columns=columns,
        read_as=read_as,
        write_as=write_as,
        readers={parquet.SUFFIX: parquet.read} if there else None,
        sinks={parquet.SUFFIX: parquet.sink} if there else None,
    )


@click.command()
@click.argument("directory")
@unproved
@require_signature("--key")
@limited("toolkit.runtime.commands")
@common
def verify(directory: str, unproved: bool, require_signature: str | None, as_json: bool) -> int:
    """Check every file's hash and replay the golden rows through every variant.

    With a key, check first that its owner signed the model, and that nothing else lies there.
    """
    from toolkit.runtime import commands

    return commands.verify(directory, as_json, unproved, require_signature)


@click.command()
@click.argument("artifact")
@require_signature()
@limited("toolkit.runtime.commands")
@common
def inspect(artifact: str, require_signature: str | None, as_json: bool) -> int:
    """Show what an .onnx or .pack file, or a model directory, holds."""
    from toolkit.runtime import commands

    return commands.inspect(artifact, as_json, require_signature)


COMMANDS = (predict, verify, inspect)
