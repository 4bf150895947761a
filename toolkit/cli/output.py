"""What the commands print: results on standard output, progress and messages on standard error."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import click


def print_list(kind: str, summaries: dict[str, str], as_json: bool) -> None:
    """Print names and summaries, one a line."""
    if as_json:
        print_json({kind: [{"name": n, "summary": s} for n, s in summaries.items()]})
        return
    width = max(map(len, summaries))
    for name, summary in summaries.items():
        click.echo(f"{name:{width}}  {summary}")


def print_export(bundle: Any, as_json: bool) -> None:
    """Print what an export wrote and its proof."""
    proof = bundle.manifest["proof"]
    if as_json:
        keys = (
            "name",
            "task",
            "estimator",
            "inputs",
            "outputs",
            "opsets",
            "tuning",
            "proof",
            "files",
        )
        print_json({"path": str(bundle.path)} | {k: bundle.manifest[k] for k in keys})
        return
    size, tuning = bundle.manifest["files"]["model.onnx"]["bytes"], bundle.manifest["tuning"]
    click.echo(f"{bundle.model_path}: {size} bytes, {bundle.task}, {proof['input_dtype']} inputs")
    needed = bundle.manifest["files"]["model.onnx"]["requires"]["onnxruntime"]
    click.echo(f"  runs on onnxruntime {needed} and newer")
    click.echo(f"  tuned for {tuning['chosen']} ({tuning['requested']}): {tuning['reason']}")
    print_kept(bundle)
    print_proof(proof, str(bundle.path / "manifest.json"))


def print_kept(bundle: Any) -> None:
    """Print what is not as fitted in the kept estimator, or why it is not kept; nothing else."""
    left_out = ", ".join(bundle.manifest["estimator"].get("left_out") or ())
    if not bundle.keeps_estimator:
        click.echo(
            f"  without the estimator itself, which bench will not time: {bundle.without_estimator}"
        )
    elif left_out:
        click.echo(f"  the estimator is kept without what matters only in fitting: {left_out}")


def print_proof(proof: dict[str, Any], where: str, failures: bool = True) -> None:
    """Print a line a comparison, a line a trap, the rows that it failed on, and the outcome.

    failures: False where something else decides, so that these rows do not matter.
    """
    for reference, sets in proof["comparisons"].items():
        for rows, c in sets.items():
            click.echo(_comparison(reference, rows, c))
    for trap in proof["traps"]:
        click.echo(f"  mended {trap}")
    for line in failed_rows(proof) if failures else ():
        click.echo(f"  {line}")
    click.echo(f"proof {'passed' if proof['passed'] else 'FAILED'}: {where}")


def print_judged(judged: Any) -> None:
    """Print what a quantized graph loses on the held-out rows, and whether the budget holds."""
    figures = {k: v for k, v in judged.figures.items() if v is not None and k != "label_agreement"}
    said = ", ".join(f"{name} {value:.6g}" for name, value in figures.items())
    click.echo(f"  on {judged.rows} held-out rows: {said}")
    click.echo(f"budget {'FAILED' if judged.broken else 'kept'}")


def _comparison(reference: str, rows: str, c: dict[str, Any]) -> str:
    verdict = ("ok    " if c["passed"] else "FAILED") if c["required"] else "beside"
    how = "as given" if reference == "float64" else "rounded to float32"
    labels = c["label_agreement"]
    agreement = "" if labels is None else f", labels equal {labels:.4%}"
    ties = f", {c['ties']} more are ties" if c["ties"] else ""
    return (
        f"  {verdict} {rows.replace('_', '-')} rows ({c['rows']}) {how}: "
        f"max deviation {c['max_relative']:.2e}{agreement}{ties}"
    )


def failed_rows(proof: dict[str, Any]) -> list[str]:
    """Return a line for each row that a proof failed on, what kinds they are, and what to try."""
    from toolkit.runtime.proof import row_text

    if proof["passed"]:
        return []
    lines = [row_text(f) for f in proof["failures"]]
    lines += [f"{wrong} rows differ: {kind}" for kind, wrong in proof["wrong_by_kind"].items()]
    lines += [proof["lacking"]] if proof["lacking"] else []
    return [*lines, f"try: {proof['advice']}"]


def print_variants(variants: Sequence[Any], before: int, every: bool) -> None:
    """Print a line a variant that was kept, the smallest first, and how many gave no file.

    before: model.onnx's bytes. every: a line with its reason for each of these, too.
    """
    kept = sorted((v for v in variants if v.file), key=lambda v: v.bytes)
    others = [v for v in variants if not v.file]
    for v in kept:
        notes = f"; {v.notes}" if v.notes else ""
        ratio = f"{before / max(1, v.bytes):.2f}x smaller"
        click.echo(f"{v.method:16} {v.status:7} {v.file}, {v.bytes:,} bytes, {ratio}{notes}")
    if every:
        for v in others:
            click.echo(f"{v.method:16} {v.verdict or v.status.replace('-', ' ')}: {v.reason}")
    elif others:
        names = ", ".join(v.method for v in others)
        count = "1 method" if len(others) == 1 else f"{len(others)} methods"
        click.echo(f"{count} gave no file: {names}; --all says why")


def print_json(document: dict[str, Any]) -> None:
    """Print a document with its schema_version."""
    document = document if "schema_version" in document else {"schema_version": 1} | document
    click.echo(json.dumps(document, indent=2, ensure_ascii=False))


def say(message: str) -> None:
    """Tell progress on standard error."""
    click.echo(message, err=True)


def came_of(variant: Any) -> str:
    """Return what came of one method, in a few words."""
    if variant.file:
        return f"{variant.method}: {variant.bytes:,} bytes"
    return f"{variant.method}: no file ({variant.verdict or variant.status.replace('-', ' ')})"


def say_failed(reports: list[Any]) -> None:
    """Tell every gate that failed on standard error."""
    for report in reports:
        for gate in report.gates:
            if gate["metric"] == "proof" and not gate["passed"]:
                say(f"error: {report.model}: its proof failed: {report.proof['says']}")
            elif not gate["passed"]:
                say(
                    f"error: {report.model}: {gate['method']} breaks the gate {gate['expression']} "
                    f"with {gate['value']}"
                )
