"""The card itself: sections of Markdown from the facts."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from toolkit.bundle.card import cpp, csharp, java, javascript, python, rust
from toolkit.bundle.card.facts import MODEL, Answer, Column, Facts, gathered
from toolkit.bundle.card.text import code, fenced, plain
from toolkit.runtime.proof import read_proof

CARD = "README.md"
PROGRAMS = (python, javascript, cpp, csharp, java, rust)
SHOWN = 8  # values of an answer that a comment repeats
UNSTATED = "Not stated. State it before you pass the model on."


def card(
    manifest: Mapping[str, Any],
    golden_rows: bytes | None,
    calibration: bytes | None,
    report: bytes | None,
) -> bytes:
    """Return the model card of a bundle as Markdown in UTF-8.

    golden_rows, calibration, report: the bytes of golden.npz, calibration.npz and report.json, None
    where they are not there. The same files give the same card: it has no date.
    """
    facts = gathered(manifest, golden_rows, calibration, _measured_as(report))
    parts = [
        f"# {plain(manifest['name'])}",
        _what(facts),
        "## What it takes",
        _takes(facts),
        "## What it gives",
        _gives(facts),
        "## How right it is",
        *_proved(facts),
        *_measured(facts),
        "## Calling it",
        *_calls(facts),
        "## Licence",
        plain(str(manifest.get("license") or UNSTATED)),
    ]
    return ("\n\n".join(filter(None, parts)) + "\n").encode()


def _measured_as(report: bytes | None) -> Mapping[str, Any] | None:
    """Return report.json's content, None where it is not there or is no report."""
    try:
        found = json.loads(report or b"null")
    except ValueError:
        return None
    return found if isinstance(found, dict) and isinstance(found.get("variants"), list) else None


def _what(facts: Facts) -> str:
    manifest = facts.manifest
    estimator = manifest["estimator"]
    needs = (manifest["files"].get(MODEL, {}).get("requires") or {}).get("onnxruntime")
    opsets = ", ".join(f"{plain(n)} {v}" for n, v in (manifest.get("opsets") or {}).items())
    lines = [
        f"- What it is: {plain(manifest['task'])}, {plain(estimator.get('type', ''))}",
        f"- Estimator: {plain(estimator.get('summary', ''))[:600]}",
        f"- Operators: {opsets}" + (f"; runs on onnxruntime {needs} and newer" if needs else ""),
    ]
    return "\n".join(lines)


def _takes(facts: Facts) -> str:
    inputs = "\n".join(
        f"- input {code(i.name)}: [N, {i.width}] of {plain(i.dtype)}" for i in facts.inputs
    )
    if len(facts.inputs) > 3:  # the columns say the same
        inputs = f"{len(facts.inputs)} inputs, one a column, each [N, 1]."
    rows = [("column", "type", "missing", "calibration rows held")]
    rows += [(c.name, c.dtype, c.missing, c.held) for c in facts.columns]
    hidden = f"\n\nand {facts.hidden} more columns." if facts.hidden else ""
    missing = _missing_text(facts.columns)
    return f"{inputs}\n\n{_table(rows)}{hidden}{missing}"


def _missing_text(columns: tuple[Column, ...]) -> str:
    texts = any(c.dtype == "string" and c.missing != "none" for c in columns)
    numbers = any(c.dtype != "string" and c.missing != "none" for c in columns)
    said = [
        *(["a missing number is NaN"] if numbers else []),
        *(["a missing text is the empty string"] if texts else []),
    ]
    return f"\n\nIn the graph {' and '.join(said)}." if said else ""


def _gives(facts: Facts) -> str:
    lines = []
    for output in facts.manifest["outputs"]:
        shape = ", ".join(
            "N" if k == 0 else str(d) for k, d in enumerate(output.get("shape") or ())
        )
        lines.append(f"- {code(output['name'])}: [{shape}] of {plain(output['dtype'])}")
    classes = facts.manifest["estimator"].get("classes")
    if classes:
        shown = ", ".join(plain(str(c)) for c in classes[:50])
        more = f" and {len(classes) - 50} more" if len(classes) > 50 else ""
        lines.append(f"- classes, in the order of their columns: {shown}{more}")
    return "\n".join(lines)


def _proved(facts: Facts) -> list[str]:
    proof = read_proof(facts.manifest, CARD)
    outcome = f"Proof: {plain(proof.outcome())}."
    if not proof.passed:
        return [f"**{outcome} Do not use this model.**"]
    rows = (facts.manifest.get("rows") or {}).get("note", "")
    return [outcome, f"Held-out rows: {plain(rows)}." if rows else ""]


def _measured(facts: Facts) -> list[str]:
    if facts.report is None:
        return ["Not measured yet: `toolkit bench` writes the figures of every file here."]
    answer = facts.report.get("recommended") or {}
    said = []
    if answer.get("file"):
        loses = f"; loses {plain(answer['loses'])}" if answer.get("loses") else ""
        said.append(f"Recommended: {code(answer['file'])}, {answer['bytes']:,} bytes{loses}.")
    headers = ("file", "bytes", "score", "max abs difference", "labels equal", "µs a row")
    rows = [headers, *(_figures(row) for row in facts.report["variants"] if row.get("file"))]
    return [*said, _table(rows), "The report beside this file has all figures."]


def _figures(row: Mapping[str, Any]) -> tuple[str, ...]:
    metrics, apart = row.get("metrics") or {}, row.get("difference") or {}
    score = next((f"{k} {metrics[k]:.4g}" for k in ("r2", "accuracy") if metrics.get(k)), "–")
    largest, labels = apart.get("max_abs"), apart.get("label_agreement")
    times = row.get("latency_us") or {}
    return (
        row["file"],
        f"{row['bytes']:,}",
        score,
        "–" if largest is None else f"{largest:.3g}",
        "–" if labels is None else f"{labels:.2%}",
        f"{times['1']['p50']:.3g}" if times else "–",
    )


def _calls(facts: Facts) -> list[str]:
    name = facts.manifest["name"]
    parts = [
        "With toolkit's runtime any file here, packs too, checked against its hash and its proof:",
        fenced(
            f'from toolkit.runtime import load\n\nmodel = load("{MODEL}")  # or a .pack file\n'
            "model.predict(rows)  # arrays, data frames, a list of dicts",
            "python",
        ),
        f"The programs below run `{MODEL}` of {plain(name)} with onnxruntime alone, on its first "
        f"golden row, and check nothing of what goes in. {_expected(facts.outputs)}",
    ]
    for language in PROGRAMS:
        parts += [f"### {language.TITLE}", f"{language.NOTE}."]
        parts.append(fenced(language.program(facts), language.FENCE))
    return parts


def _expected(outputs: tuple[Answer, ...]) -> str:
    known = [o for o in outputs if o.values]
    if not known:
        return ""
    said = "; ".join(f"{plain(o.name)} {_values(o)}" for o in known)
    return f"The reference answers {said}."


def _values(answer: Answer) -> str:
    shown = [f"{v:.6g}" if isinstance(v, float) else str(v) for v in answer.values[:SHOWN]]
    return plain(", ".join(shown)) + (", …" if len(answer.values) > SHOWN else "")


def _table(rows: Sequence[tuple[str, ...]]) -> str:
    lines = ["| " + " | ".join(plain(str(cell)) for cell in row) + " |" for row in rows]
    return "\n".join([lines[0], "| " + " | ".join("---" for _ in rows[0]) + " |", *lines[1:]])
