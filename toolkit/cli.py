"""The `toolkit` command line: parses, calls the library, prints; heavy imports wait inside."""

from __future__ import annotations

import json
import os
import sys
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import click

from toolkit import __version__
from toolkit.errors import ParityError, ToolkitError, one_line

# What the base install leaves out -> the extra that brings it.
EXTRAS = dict.fromkeys(
    ("joblib", "onnx", "pandas", "scipy", "skl2onnx", "sklearn", "skops"), "export"
) | dict.fromkeys(("matplotlib", "rich"), "report")

Command = Callable[..., int | None]


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; return 0 done, 1 a gate failed, 2 wrong usage or input, 3 unsupported."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    try:
        return cli.main(arguments, prog_name="toolkit", standalone_mode=False) or 0
    except click.exceptions.Exit as stop:
        return stop.exit_code
    except click.ClickException as error:
        error.show()
        return 2
    except (click.Abort, KeyboardInterrupt):
        click.echo("stopped; nothing was half-written", err=True)
        return 130
    except ToolkitError as error:
        if {"-v", "--verbose"} & set(arguments):
            traceback.print_exc()
        click.echo(f"error: {one_line(error)}", err=True)
        return error.exit_code
    except ModuleNotFoundError as error:
        extra = EXTRAS.get((error.name or "").partition(".")[0])
        if extra is None:
            raise
        click.echo(
            f"error: this needs {error.name}, which is not installed; "
            f"pip install 'toolkit[{extra}]'",
            err=True,
        )
        return 2


class _Commands(click.Group):
    """A group that ends well where the reader of its output went away (`… | head`)."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            result = super().invoke(ctx)
            sys.stdout.flush()
            return result
        except BrokenPipeError:
            # click would exit with 1, a failed gate; and Python would complain while it exits.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return 0


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__)
def cli() -> None:
    """From a fitted scikit-learn model to small, fast, proven files for onnxruntime alone.

    Exit codes: 0 done and every gate passed; 1 a parity or budget gate failed; 2 wrong usage or bad
    input; 3 the estimator is not supported.
    """


def _common(command: Command) -> Command:
    """Give a command the options that all have."""
    for option in (
        click.option("-v", "--verbose", is_flag=True, expose_value=False, help="Show tracebacks."),
        click.option("--json", "as_json", is_flag=True, help="Print JSON for machines."),
    ):
        command = option(command)
    return command


@cli.command()
@click.argument("source")
@click.option("-o", "--out", help="The model directory to write.  [default: models/NAME]")
@click.option("--data", help="For an estimator file: rows in .npz (X, y), .csv or .parquet.")
@click.option("--target", help="The target's column in a .csv or .parquet file.")
@click.option("--name", help="The model's name.  [default: the recipe's or the file's]")
@click.option("--opset", type=int, default=None, help="The ONNX opset, 15 to 22.  [default: 21]")
@click.option("--allow-pickle", is_flag=True, help="Load .joblib and .pkl, which can run any code.")
@click.option("--force", is_flag=True, help="Write into a directory that is no model directory.")
@_common
def export(
    source: str,
    out: str | None,
    data: str | None,
    target: str | None,
    name: str | None,
    opset: int | None,
    allow_pickle: bool,
    force: bool,
    as_json: bool,
) -> None:
    """Convert SOURCE to ONNX and prove it against scikit-learn.

    SOURCE is a recipe (see `toolkit recipes`) or a fitted estimator in a .skops file, or in a
    .joblib or .pkl file with --allow-pickle.
    """
    from toolkit.bundle import open_bundle
    from toolkit.exporter.flow import check_request
    from toolkit.exporter.flow import export as export_estimator
    from toolkit.exporter.graph import DEFAULT_OPSET
    from toolkit.source import default_name, read_source

    name = name or default_name(source)
    folder = Path(out) if out else Path("models") / name
    opset = DEFAULT_OPSET if opset is None else opset
    check_request(name, folder, opset, force)
    _say(f"reading {source} …")
    given = read_source(source, data=data, target=target, name=name, allow_pickle=allow_pickle)
    _say(f"exporting {name} …")
    try:
        bundle = export_estimator(
            given.estimator,
            given.X,
            given.y,
            name=name,
            out=folder,
            X_test=given.X_test,
            y_test=given.y_test,
            all_rows=given.all_rows,
            force=force,
            opset=opset,
            feature_names=given.feature_names,
        )
    except ParityError:
        _print_export(open_bundle(folder), as_json)
        raise
    _print_export(bundle, as_json)


@cli.command()
@click.argument("artifact")
@click.argument("estimator")
@click.option("--data", required=True, help="Rows in .npz (X, y), .csv or .parquet.")
@click.option("--target", help="The target's column in a .csv or .parquet file.")
@click.option("--allow-pickle", is_flag=True, help="Load .joblib and .pkl, which can run any code.")
@_common
def prove(
    artifact: str,
    estimator: str,
    data: str,
    target: str | None,
    allow_pickle: bool,
    as_json: bool,
) -> None:
    """Prove ARTIFACT, an .onnx or .pack file from anywhere, against a fitted ESTIMATOR's file."""
    from toolkit.runtime.files import read_bytes
    from toolkit.runtime.predictor import to_onnx
    from toolkit.source import default_name, read_source

    _say(f"reading {estimator} …")
    model = to_onnx(read_bytes(Path(artifact)), artifact)
    given = read_source(
        estimator,
        data=data,
        target=target,
        name=default_name(estimator),
        allow_pickle=allow_pickle,
    )

    from toolkit.exporter.foreign import prove_graph

    _say(f"proving {artifact} …")
    proof = prove_graph(model, artifact, given.estimator, given.X, given.y)
    if as_json:
        _print_json({"artifact": artifact, "proof": proof.summary()})
    else:
        _print_proof(proof.summary(), artifact)
    if not proof.passed:
        raise ParityError(f"{artifact}: differs from scikit-learn {proof.worst()}; do not ship it")


@cli.command()
@click.argument("directory")
@click.option("--method", "methods", multiple=True, help="A method (repeatable).  [default: all]")
@click.option("--force", is_flag=True, help="Quantize although the bundle's proof failed.")
@_common
def quantize(directory: str, methods: tuple[str, ...], force: bool, as_json: bool) -> int:
    """Make smaller variants of the model in DIRECTORY.

    Each is checked on the calibration rows and kept only if it is smaller and within its limits; a
    method that does not apply says why.
    """
    from toolkit.bundle import open_bundle
    from toolkit.quantizer import quantize as quantize_bundle

    bundle = open_bundle(directory)
    variants = quantize_bundle(bundle, methods or None, force=force, progress=_say_variant)
    if as_json:
        _print_json({"variants": [vars(v) for v in variants]})
    else:
        before = bundle.manifest["files"]["model.onnx"]["bytes"]
        for v in variants:
            gain = (
                f"{v.file}, {v.bytes} bytes, {before / v.bytes:.2f}x"
                if v.file and v.bytes
                else v.reason
            )
            click.echo(f"{v.method:14} {v.status:14} {gain}")
    # A method that was asked for by name and broke its limits is a failed gate, not a finding.
    return int(bool(methods) and any(v.status == "failed" for v in variants))


@cli.command()
@click.argument("directories", nargs=-1, required=True)
@click.option(
    "--data", help="Rows to score on: .npz (X, y), .csv or .parquet.  [default: held-out]"
)
@click.option("--target", help="The target's column in a .csv or .parquet file.")
@click.option("--gate", "gates", multiple=True, help="A limit, such as 'uint8-pack:max_abs<=0.1'.")
@_common
def bench(
    directories: tuple[str, ...],
    data: str | None,
    target: str | None,
    gates: tuple[str, ...],
    as_json: bool,
) -> int:
    """Measure every variant in DIRECTORIES through onnxruntime, scikit-learn first.

    Writes report.json, report.md and report.html into each directory.
    """
    from toolkit.bundle import open_bundle
    from toolkit.measure import bench as measure
    from toolkit.report import render_table

    bundles = [open_bundle(d) for d in directories]
    X = y = None
    if data:
        from toolkit.trainer.datasets.files import read_data

        X, y, _ = read_data(Path(data), target)
    reports = []
    for bundle in bundles:
        _say(f"measuring {bundle.path} …")
        report = measure(bundle, X, y, gates=gates)
        reports.append(report)
        if not as_json:
            click.echo(render_table(report))
            click.echo(f"reports: {bundle.path / 'report.html'}, report.md, report.json\n")
    if as_json:
        documents = [r.to_json() for r in reports]
        _print_json(documents[0] if len(documents) == 1 else {"reports": documents})
    _say_failed(reports)
    return int(any(not r.passed for r in reports))


@cli.command()
@click.argument("artifact")
@click.option(
    "--input", "source", required=True, help="A .csv or .npz file, or - for CSV on stdin."
)
@click.option("--output", "target", default="-", help="A .csv, .json or .npz file.  [default: -]")
@_common
def predict(artifact: str, source: str, target: str, as_json: bool) -> int:
    """Predict rows with an .onnx or .pack file, or with a model directory."""
    from toolkit.runtime import commands

    return commands.predict(artifact, source, target, as_json)


@cli.command()
@click.argument("directory")
@_common
def verify(directory: str, as_json: bool) -> int:
    """Check every file's hash and replay the golden rows through every variant."""
    from toolkit.runtime import commands

    return commands.verify(directory, as_json)


@cli.command()
@click.argument("artifact")
@_common
def inspect(artifact: str, as_json: bool) -> int:
    """Show what an .onnx or .pack file, or a model directory, holds."""
    from toolkit.runtime import commands

    return commands.inspect(artifact, as_json)


@cli.command()
@_common
def recipes(as_json: bool) -> None:
    """List the recipes that `export` can train."""
    from toolkit.trainer.catalog import recipe_summaries

    _print_list("recipes", recipe_summaries(), as_json)


@cli.command()
@_common
def methods(as_json: bool) -> None:
    """List the methods of `quantize`."""
    from toolkit.quantizer.methods import method_summaries

    _print_list("methods", method_summaries(), as_json)


def _print_list(kind: str, summaries: dict[str, str], as_json: bool) -> None:
    if as_json:
        _print_json({kind: [{"name": n, "summary": s} for n, s in summaries.items()]})
        return
    width = max(map(len, summaries))
    for name, summary in summaries.items():
        click.echo(f"{name:{width}}  {summary}")


def _print_export(bundle: Any, as_json: bool) -> None:
    proof = bundle.manifest["proof"]
    if as_json:
        keys = ("name", "task", "inputs", "outputs", "opsets", "proof", "files")
        _print_json({"path": str(bundle.path)} | {k: bundle.manifest[k] for k in keys})
        return
    size = bundle.manifest["files"]["model.onnx"]["bytes"]
    click.echo(f"{bundle.model_path}: {size} bytes, {bundle.task}, {proof['input_dtype']} inputs")
    _print_proof(proof, str(bundle.path / "manifest.json"))


def _print_proof(proof: dict[str, Any], where: str) -> None:
    for reference, sets in proof["comparisons"].items():
        for rows, c in sets.items():
            labels = c["label_agreement"]
            verdict = "ok    " if c["passed"] else "FAILED"
            agreement = "" if labels is None else f", labels equal {labels:.4%}"
            click.echo(
                f"  {verdict} {rows.replace('_', '-')} rows ({c['rows']}), scikit-learn on "
                f"{reference} values: max deviation {c['max_relative']:.2e}{agreement}"
            )
    for trap in proof["traps"]:
        click.echo(f"  mended {trap}")
    click.echo(f"proof {'passed' if proof['passed'] else 'FAILED'}: {where}")


def _print_json(document: dict[str, Any]) -> None:
    document = document if "schema_version" in document else {"schema_version": 1} | document
    click.echo(json.dumps(document, indent=2, ensure_ascii=False))


def _say(message: str) -> None:
    click.echo(message, err=True)


def _say_variant(variant: Any) -> None:
    _say(f"{variant.method}: {variant.status}")


def _say_failed(reports: list[Any]) -> None:
    for report in reports:
        for gate in report.gates:
            if not gate["passed"]:
                _say(
                    f"error: {report.model}: {gate['method']} breaks the gate {gate['expression']} "
                    f"with {gate['value']}"
                )
