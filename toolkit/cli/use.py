"""The commands of the device, as in `python -m toolkit.runtime`: predict, verify, inspect."""

from __future__ import annotations

import click

from toolkit.cli.options import common, limited, require_signature, unproved


@click.command()
@click.argument("artifact")
@click.option(
    "--input", "source", required=True, help="A .csv or .npz file, or - for CSV on stdin."
)
@click.option("--output", "target", default="-", help="A .csv, .json or .npz file.  [default: -]")
@unproved
@require_signature()
@limited("toolkit.runtime.commands")
@common
def predict(
    artifact: str,
    source: str,
    target: str,
    unproved: bool,
    require_signature: str | None,
    as_json: bool,
) -> int:
    """Predict rows with an .onnx or .pack file, or with a model directory."""
    from toolkit.runtime import commands

    return commands.predict(artifact, source, target, as_json, unproved, require_signature)


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
