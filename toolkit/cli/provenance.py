"""The commands that say who made a model and of what: sign and bom."""

from __future__ import annotations

from pathlib import Path

import click

from toolkit.cli.options import common, unproved
from toolkit.cli.output import print_json, say
from toolkit.errors import InvalidInput


@click.command()
@click.argument("directory")
@click.option("--key", required=True, help="Your private key: Ed25519, in a PEM file.")
@unproved
@common
def sign(directory: str, key: str, unproved: bool, as_json: bool) -> None:
    """Sign the model in DIRECTORY with a private key, once it has passed `verify`.

    Writes model.sig beside its manifest; `verify --key` takes the public key. What changes the
    model later removes it.
    """
    from toolkit.bundle.signing import sign as sign_bundle

    signed = sign_bundle(directory, key, unproved)
    if as_json:
        print_json(signed)
    else:
        click.echo(f"{signed['signature']}: {signed['algorithm']}, key {signed['key'][:16]}…")


@click.command()
@click.argument("directory")
@click.option("-o", "--output", default="-", help="A file, or - for standard output.  [default: -]")
@common
def bom(directory: str, output: str, as_json: bool) -> None:
    """Write the bill of materials of the model in DIRECTORY: CycloneDX 1.6, in JSON.

    Its files with their hashes, the libraries that made it, its proof, and each variant's figures
    from report.json.
    """
    from toolkit.bundle import open_bundle
    from toolkit.report.bom import REPORT, as_bom, read_report
    from toolkit.runtime.manifest import NAME
    from toolkit.runtime.writing import write_atomic

    if output != "-" and Path(output).resolve().with_name(NAME).is_file():
        raise InvalidInput(
            f"--output {output}: lies in a model directory, which holds what its {NAME} lists; "
            "choose a file elsewhere"
        )
    bundle = open_bundle(directory)
    report = read_report(bundle)
    text = as_bom(bundle, report)
    if report is None:
        say(f"{directory}: has no {REPORT}, so that only the proof's figures are in it")
    if output == "-":
        click.echo(text, nl=False)
        return
    write_atomic(output, text.encode())
    if as_json:
        print_json({"path": output, "format": "CycloneDX"})
    else:
        click.echo(f"{output}: CycloneDX, {len(text.encode())} bytes")


COMMANDS = (sign, bom)
