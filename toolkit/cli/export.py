"""The commands that need scikit-learn: export, prove, quantize, bench."""

from __future__ import annotations

from pathlib import Path

import click

from toolkit.cli.options import common, licensed, limited, quietly, trust
from toolkit.cli.output import (
    print_export,
    print_json,
    print_judged,
    print_proof,
    say,
)
from toolkit.cli.progress import progress
from toolkit.errors import ParityError


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
@licensed
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
    license: str | None,
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
    from toolkit.exporter.flow import check_license, check_request
    from toolkit.exporter.flow import export as export_estimator

    name = name or default_name(source)
    folder = Path(out) if out else Path("models") / name
    check_request(name, folder, opset, force, runtime)
    check_license(license)
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
                license=license,
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
@click.option(
    "--budget",
    "budgets",
    multiple=True,
    metavar="EXPR",
    help="For a quantized graph: limits in place of the proof's, such as 'agreement>=0.99'.",
)
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
    budgets: tuple[str, ...],
    allow_pickle: bool,
    trusted: tuple[str, ...],
    quiet: bool,
    as_json: bool,
) -> int:
    """Prove ARTIFACT, an .onnx or .pack file from anywhere, against a fitted ESTIMATOR's file.

    With --budget its limits on the held-out rows decide, and the proof is told beside them.
    """
    from toolkit.runner.comparison import budget_of

    budget = budget_of(budgets)
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

        from toolkit.exporter.prove_external import matched
        from toolkit.runner.judged import judge

        tell(f"proving {artifact} …")
        found = matched(model, artifact, source.estimator, source.X, source.y)
        proof = found.prove()
        judged = judge(found, len(read_bytes(Path(artifact))), budget) if budget else None
    if as_json:
        told = {"budget": judged.to_json()} if judged else {}
        print_json({"artifact": artifact, "proof": proof.summary()} | told)
    else:
        print_proof(proof.summary(), artifact, failures=judged is None)
        if judged:
            print_judged(judged)
    if judged is None and not proof.passed:
        raise ParityError(f"{artifact}: differs from scikit-learn {proof.worst()}; do not ship it")
    for text in judged.broken if judged else ():
        say(f"error: {artifact}: {text}")
    return int(bool(judged and judged.broken))


COMMANDS = (export, prove)
