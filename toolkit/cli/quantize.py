"""`toolkit quantize`: smaller variants of a model, each checked before it is kept."""

from __future__ import annotations

import click

from toolkit.cli import elsewhere
from toolkit.cli.options import common, quietly, unproved
from toolkit.cli.output import came_of, print_json, print_variants
from toolkit.cli.progress import progress
from toolkit.errors import InvalidInput


@click.command()
@click.argument("model")
@click.option("--method", "methods", multiple=True, help="A method (repeatable).  [default: all]")
@click.option(
    "--budget",
    "budgets",
    multiple=True,
    metavar="EXPR",
    help="Limits, such as 'nmse<=1e-4' or 'bytes<=4096,agreement>=0.99': choose formats that keep "
    "them (repeatable).",
)
@click.option(
    "--thresholds",
    metavar="N",
    default="exact",
    show_default=True,
    help="Keep at most N thresholds a feature of trees, in uint8-pack.",
)
@elsewhere.rows
@elsewhere.target
@elsewhere.out
@elsewhere.force
@click.option("--all", "every", is_flag=True, help="Show methods that gave no file, too.")
@unproved
@quietly
@common
def quantize(
    model: str,
    methods: tuple[str, ...],
    budgets: tuple[str, ...],
    thresholds: str,
    data: str | None,
    target: str | None,
    out: str | None,
    force: bool,
    every: bool,
    unproved: bool,
    quiet: bool,
    as_json: bool,
) -> int:
    """Make smaller variants of MODEL, a model directory or an .onnx file from anywhere.

    Each is checked on the calibration rows and kept only if it is smaller and within its limits; a
    method that does not apply says why. With a budget (on nmse, r2_drop, agreement, max_abs or
    bytes) the smallest pack that keeps it is made, or the most accurate of so many bytes. An .onnx
    file needs rows (--data); a model directory is made around it, and it is its own reference.
    """
    from toolkit.quantizer import quantize as quantize_bundle
    from toolkit.stages import at

    with progress(quiet) as (tell, step):
        if elsewhere.is_graph(model):
            tell(f"reading {model} …")
            bundle = elsewhere.bundle_of(model, data, target, out, force)
        else:
            bundle = elsewhere.directory(model, data, target, out, force)
        tell(f"quantizing {bundle.path} …")
        variants = quantize_bundle(
            bundle,
            methods or None,
            budget=budgets or None,
            thresholds=_thresholds(thresholds),
            unproved=unproved,
            progress=lambda variant: step(came_of(variant)),
            say=at,
        )
    if as_json:
        print_json({"variants": [v.record() for v in variants]})
    else:
        before = bundle.manifest["files"]["model.onnx"]["bytes"]
        print_variants(variants, before, every=every or bool(methods))
    # A method that was asked for by name and broke its limits is a failed gate, not a finding.
    return int(bool(methods) and any(v.status == "failed" for v in variants))


def _thresholds(text: str) -> int | None:
    """Return the number of thresholds that was asked for, None for "exact"."""
    if text == "exact":
        return None
    if not text.isdecimal():
        raise InvalidInput(f"--thresholds {text!r} is neither a number nor 'exact'")
    return int(text)


COMMANDS = (quantize,)
