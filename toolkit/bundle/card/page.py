"""The card as Markdown: what the model is, takes and gives, its figures, its licence, programs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from toolkit.bundle.card import cpp, csharp, figures, java, javascript, python, rust
from toolkit.bundle.card.columns import Column
from toolkit.bundle.card.escapes import code, fenced, markdown, table
from toolkit.bundle.card.facts import Facts, Read, gather
from toolkit.runtime.manifest import ITSELF

CARD = "README.md"
# What a card begins with, so that one is known even where no manifest can be read.
MARK = (
    "<!-- The model card, written by toolkit: export, quantize and bench write it anew. Text of "
    "your own belongs into another file. -->"
)
LISTED = 64  # columns, and classes, that are named
LONGEST = 400  # letters of an estimator's summary
LANGUAGES = (python, javascript, cpp, csharp, java, rust)

KINDS = {
    "regressor": "a regressor",
    "classifier": "a classifier",
    "outlier_detector": "an outlier detector",
    "clusterer": "a clusterer",
    "transformer": "a transformer",
}
# What an output is, by (task, name).
MEANINGS = {
    ("regressor", "variable"): "what `predict` answers",
    ("classifier", "label"): "what `predict` answers: the class",
    ("classifier", "probabilities"): "what `predict_proba` answers, a column a class",
    ("classifier", "scores"): "what `decision_function` answers",
    ("outlier_detector", "label"): "what `predict` answers: 1 for what is regular, −1 for outliers",
    ("outlier_detector", "scores"): "what `decision_function` answers: below 0 for outliers",
    ("clusterer", "label"): "what `predict` answers: the cluster's number",
    ("clusterer", "scores"): "what `transform` answers: the distances from the clusters",
    ("clusterer", "probabilities"): "what `predict_proba` answers, a column a component",
    ("transformer", "variable"): "what `transform` answers",
}


def page(manifest: Mapping[str, Any], read: Read) -> bytes:
    """Return a bundle's README.md.

    read: a file's bytes by its name, None where it is not there. The same bundle gives the same
    bytes: there is no time in it. Raises CorruptArtifact where the proof's figures are damaged.
    """
    facts = gather(manifest, read)
    parts = [
        MARK,
        f"# {markdown(manifest['name'])}",
        *_what(facts),
        "## Inputs",
        *_inputs(facts),
        "## Outputs",
        *_outputs(manifest),
        "## Figures",
        *figures.section(facts),
        "## Licence",
        *_licence(manifest),
        "## Programs",
        *_programs(facts),
    ]
    return ("\n\n".join(part for part in parts if part) + "\n").encode()


def _what(facts: Facts) -> Iterator[str]:
    manifest = facts.manifest
    estimator = manifest.get("estimator") or {}
    kind = KINDS.get(manifest["task"], f"a model ({markdown(str(manifest['task']))})")
    made = str(estimator.get("type") or "unknown")
    what = "from elsewhere" if made == ITSELF else f"fitted as {code(made)}"
    yield (
        f"This is {kind}, {what}, as ONNX: it runs with onnxruntime alone. `manifest.json` lists "
        "every file with its SHA-256."
    )
    outcome = markdown(facts.proof.outcome())
    if facts.proof.passed:
        yield f"Its proof: {outcome}."
    else:
        yield f"**Its proof: {outcome}. Do not use it: its answers are not the estimator's.**"
    summary = str(estimator.get("summary") or "")
    if summary:
        cut = summary if len(summary) <= LONGEST else f"{summary[:LONGEST]} …"
        yield f"The estimator: {code(cut)}"


def _inputs(facts: Facts) -> Iterator[str]:
    tensors = facts.manifest["inputs"]
    if len(tensors) == 1:
        (only,) = tensors
        yield f"One input, {code(only['name'])}: {only['dtype']} {_shape(only)}, N rows."
    else:
        yield f"{len(tensors)} inputs, one a column, each [N, 1] of N rows."
    shown = facts.columns[:LISTED]
    one = len(tensors) == 1
    headers = ["column", "name" if one else "input", "type", "missing value"]
    headers += [] if facts.calibration is None else ["range"]
    rows = [_column(c, place, facts) for place, c in enumerate(shown)]
    if rows:
        yield table(headers, rows)
    if len(facts.columns) > LISTED:
        yield f"And {len(facts.columns) - LISTED:,} more, which `manifest.json` names."
    if facts.calibration is not None:
        yield (
            f"The ranges are those of {facts.calibration:,} rows that it was fitted on or given "
            "with, rounded outwards; texts are named where several rows share them. What lies "
            "beyond gets an answer too, which fewer rows of the proof stand for."
        )


def _column(column: Column, place: int, facts: Facts) -> list[str]:
    name = "" if column.name is None else code(column.name)
    cells = [str(place), name, column.type, column.missing]
    if facts.calibration is not None:
        texts = ", ".join(code(t) for t in column.texts)
        cells.append(texts or markdown(column.seen or ""))
    return cells


def _shape(tensor: Mapping[str, Any]) -> str:
    sizes = ("N" if size is None else str(size) for size in tensor.get("shape") or ())
    return markdown(f"[{', '.join(sizes)}]")


def _outputs(manifest: Mapping[str, Any]) -> Iterator[str]:
    rows = [
        [
            code(tensor["name"]),
            f"{tensor.get('dtype')} {_shape(tensor)}",
            MEANINGS.get((manifest["task"], tensor["name"]), ""),
        ]
        for tensor in manifest["outputs"]
    ]
    yield table(["output", "type", "what it is"], rows)
    classes = (manifest.get("estimator") or {}).get("classes")
    if classes:
        shown = ", ".join(code(str(c)) for c in classes[:LISTED])
        more = f" and {len(classes) - LISTED:,} more" if len(classes) > LISTED else ""
        yield f"The classes, in the order of their columns: {shown}{more}."


def _licence(manifest: Mapping[str, Any]) -> Iterator[str]:
    stated = manifest.get("license")
    yield (
        f"Licence of the model: {code(str(stated))}."
        if stated
        else "Licence of the model: not stated. State it before you pass the model on (`toolkit "
        "export --license TEXT`)."
    )
    yield (
        "Who made it: `model.sig`, where it is beside this file, is its maker's signature of all "
        "files here; `toolkit verify . --key MAKER.pub` checks it. The rows in `golden.npz`, one "
        "of which is in the programs below, are of the data that the model was proved on: they go "
        "where the model goes."
    )
    versions = manifest.get("versions") or {}
    if versions:
        made = ", ".join(f"{name} {version}" for name, version in versions.items())
        yield f"Made with {markdown(made)}."


def _programs(facts: Facts) -> Iterator[str]:
    if not facts.proof.passed:
        yield "None: the proof failed, and no program should run this model."
        return
    if facts.example is None:
        yield (
            "None: there is no golden row to show, or a tensor is of a type or a width that the "
            "programs do not know."
        )
        return
    recommended = str(facts.recommended.get("file") or "")
    packed = f", and it alone opens packs, as the recommended {code(recommended)} is"
    yield (
        f"Each predicts one row of the data with {code(facts.example.file)} and prints every "
        "output; what was expected stands at its end. They check nothing: a value that the table "
        "above does not take gets an answer that means nothing. `toolkit.runtime.load` refuses it"
        f"{packed if recommended.endswith('.pack') else ''}."
    )
    for language in LANGUAGES:
        yield f"### {language.TITLE}"
        yield language.NEEDS
        yield fenced(language.FENCE, language.program(facts.example))
