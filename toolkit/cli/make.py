"""The commands that need scikit-learn: export, prove, quantize, bench."""

from __future__ import annotations

from pathlib import Path

import click

from toolkit.cli.options import common, limited, quietly, recommending, trust, unproved
from toolkit.cli.output import (
    came_of,
    print_export,
    print_json,
    print_proof,
    print_variants,
    say_failed,
)
from toolkit.cli.progress import progress
from toolkit.errors import InvalidInput, ParityError


@click.command()
@click.argument("source")
@click.option("-o", "--out", help="The model directory to write.  [default: models/NAME]")
@click.option("--data", help="For an estimator file: rows in .npz (X, y), .csv or .parquet.")
@click.option("--target", help="The target's column in a .csv or .parquet file.")
@click.option("--name", help="The model's name.  [default: the recipe's or the file's]")
@click.option("--opset", type=int, default=None, help="The ONNX opset, 15 to 22.  [default: 21]")
@click.option(
    "--runtime",
    metavar="VERSION",
    help="Write what this version of onnxruntime runs, such as 1.18.  [default: 1.21 and newer]",
)
@click.option(
    "--input-dtype",
    type=click.Choice(["auto", "float32", "float64"]),
    default="auto",
    help="The type of the graph's numbers.  [default: auto, float64 only where it is needed]",
)
@click.option(
    "--tune",
    type=click.Choice(["auto", "latency", "throughput"]),
    default="auto",
    help="Fast for single rows or for large batches.  [default: auto, measured where they differ]",
)
@click.option("--allow-pickle", is_flag=True, help="Load .joblib and .pkl, which can run any code.")
@click.option(
    "--task",
    type=click.Choice(["regressor", "classifier"]),
    help="For a booster's own file: what it is.  [default: what its objective says]",
)
@click.option("--force", is_flag=True, help="Write over what is no directory of this model.")
@trust
@quietly
@limited("toolkit.exporter.flow")
@common
def export(
    source: str,
    out: str | None,
    data: str | None,
    target: str | None,
    name: str | None,
    opset: int | None,
    runtime: str | None,
    input_dtype: str,
    tune: str,
    allow_pickle: bool,
    task: str | None,
    force: bool,
    trusted: tuple[str, ...],
    quiet: bool,
    as_json: bool,
) -> None:
    """Convert SOURCE to ONNX and prove it against scikit-learn.

    SOURCE is a recipe (see `toolkit recipes`) or a fitted estimator in a .skops file, or in a
    .joblib or .pkl file with --allow-pickle; or a booster's own file: LightGBM's .txt, XGBoost's
    .ubj or .json, CatBoost's .cbm.
    """
    from toolkit.bundle import open_bundle
    from toolkit.cli.source import default_name, read_source
    from toolkit.exporter.flow import check_request
    from toolkit.exporter.flow import export as export_estimator

    name = name or default_name(source)
    folder = Path(out) if out else Path("models") / name
    check_request(name, folder, opset, force, runtime)
    try:
        with progress(quiet) as (tell, _):
            tell(f"reading {source} …")
            inputs = read_source(
                source,
                data=data,
                target=target,
                name=name,
                allow_pickle=allow_pickle,
                trusted=trusted,
            )
            tell(f"exporting {name} …")
            bundle = export_estimator(
                **vars(inputs),
                out=folder,
                trusted=trusted,
                task=task,
                force=force,
                opset=opset,
                runtime=runtime,
                input_dtype=input_dtype,
                tune=tune,
            )
    except ParityError:
        print_export(open_bundle(folder), as_json)
        raise
    print_export(bundle, as_json)


@click.command()
@click.argument("artifact")
@click.argument("estimator")
@click.option("--data", required=True, help="Rows in .npz (X, y), .csv or .parquet.")
@click.option("--target", help="The target's column in a .csv or .parquet file.")
@click.option("--allow-pickle", is_flag=True, help="Load .joblib and .pkl, which can run any code.")
@trust
@quietly
@limited("toolkit.exporter.prove_external")
@common
def prove(
    artifact: str,
    estimator: str,
    data: str,
    target: str | None,
    allow_pickle: bool,
    trusted: tuple[str, ...],
    quiet: bool,
    as_json: bool,
) -> None:
    """Prove ARTIFACT, an .onnx or .pack file from anywhere, against a fitted ESTIMATOR's file."""
    from toolkit.cli.source import default_name, read_source
    from toolkit.runtime.files import read_bytes
    from toolkit.runtime.loading import to_onnx

    with progress(quiet) as (tell, _):
        tell(f"reading {estimator} …")
        model = to_onnx(read_bytes(Path(artifact)), artifact)
        source = read_source(
            estimator,
            data=data,
            target=target,
            name=default_name(estimator),
            allow_pickle=allow_pickle,
            trusted=trusted,
        )

        from toolkit.exporter.prove_external import prove_graph

        tell(f"proving {artifact} …")
        proof = prove_graph(model, artifact, source.estimator, source.X, source.y)
    if as_json:
        print_json({"artifact": artifact, "proof": proof.summary()})
    else:
        print_proof(proof.summary(), artifact)
    if not proof.passed:
        raise ParityError(f"{artifact}: differs from scikit-learn {proof.worst()}; do not ship it")


@click.command()
@click.argument("directory")
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
@click.option("--all", "every", is_flag=True, help="Show methods that gave no file, too.")
@unproved
@quietly
@common
def quantize(
    directory: str,
    methods: tuple[str, ...],
    budgets: tuple[str, ...],
    thresholds: str,
    every: bool,
    unproved: bool,
    quiet: bool,
    as_json: bool,
) -> int:
    """Make smaller variants of the model in DIRECTORY.

    Each is checked on the calibration rows and kept only if it is smaller and within its limits; a
    method that does not apply says why. With a budget (on nmse, r2_drop, agreement, max_abs or
    bytes) the smallest pack that keeps it is made, or the most accurate of so many bytes.
    """
    from toolkit.bundle import open_bundle
    from toolkit.quantizer import quantize as quantize_bundle
    from toolkit.stages import at

    bundle = open_bundle(directory)
    with progress(quiet) as (tell, step):
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


@click.command()
@click.argument("directories", nargs=-1, required=True)
@click.option(
    "--data", help="Rows to score on: .npz (X, y), .csv or .parquet.  [default: held-out]"
)
@click.option("--target", help="The target's column in a .csv or .parquet file.")
@click.option("--gate", "gates", multiple=True, help="A limit, such as 'uint8-pack:max_abs<=0.1'.")
@recommending
@click.option("--all", "every", is_flag=True, help="Show methods that gave no file, too.")
@click.option("--legend", is_flag=True, help="Say what the columns of the table mean.")
@trust
@quietly
@limited("toolkit.report.flow")
@common
def bench(
    directories: tuple[str, ...],
    data: str | None,
    target: str | None,
    gates: tuple[str, ...],
    goal: str,
    within: tuple[str, ...],
    every: bool,
    legend: bool,
    trusted: tuple[str, ...],
    quiet: bool,
    as_json: bool,
) -> int:
    """Measure every variant in DIRECTORIES through onnxruntime, and say which to ship.

    Writes report.json, report.md and report.html into each directory.
    """
    from toolkit.bundle import open_bundle
    from toolkit.report import render_table
    from toolkit.report.flow import bench as measure

    bundles = [open_bundle(d) for d in directories]
    X = y = None
    if data:
        from toolkit.trainer.datasets.files import read_data

        specs = [i for b in bundles for i in b.manifest["inputs"] if i["dtype"] == "string"]
        texts = {i["name"]: i.get("words") for i in specs}
        X, y, _ = read_data(Path(data), target, lambda _: texts)
    reports = []
    for bundle in bundles:
        with progress(quiet) as (tell, _):
            tell(f"measuring {bundle.path} …")
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


COMMANDS = (export, prove, quantize, bench)
