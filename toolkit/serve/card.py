"""The page at `/`: what each model is, what it takes and gives, how it was proved, how it did.

Everything on it is from manifest.json, and from report.json where that is there: nothing is
computed, all text is escaped, and the page needs nothing but itself.
"""

from __future__ import annotations

import html
import json
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import quote

from toolkit.errors import CorruptArtifact, boundary
from toolkit.runtime.proof import read_proof
from toolkit.serve.models import Model, Models, described

CSS = """
:root { color-scheme: light dark; --ink: #1c2430; --soft: #5a6675; --line: #dfe4ea;
  --paper: #ffffff; --ground: #f4f6f8; --bad: #a3181f; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6eaf0; --soft: #9aa6b5; --line: #303a47;
  --paper: #1a212b; --ground: #11161d; --bad: #ff9a9a; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--ground); color: var(--ink);
  font: 15px/1.5 system-ui, sans-serif; }
main { max-width: 60rem; margin: 0 auto; padding: 1.5rem 1rem; }
article { background: var(--paper); border: 1px solid var(--line); border-radius: 8px;
  padding: 1rem 1.25rem; margin: 1rem 0; overflow-wrap: anywhere; }
h1, h2, h3 { line-height: 1.25; } h2 { margin-top: 0; } h3 { margin-bottom: .25rem; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
th, td { text-align: left; vertical-align: top; padding: .25rem .9rem .25rem 0;
  border-bottom: 1px solid var(--line); }
th { color: var(--soft); font-weight: 600; }
pre { overflow-x: auto; background: var(--ground); padding: .75rem; border-radius: 6px; }
.failed { color: var(--bad); font-weight: 600; } .soft { color: var(--soft); }
"""
SHOWN = 200  # columns of an input, and letters of a value
# A row's figures in report.json, by their path there, and what they are called here.
FIGURES = {
    "metrics.r2": "R²",
    "metrics.mse": "MSE",
    "metrics.mae": "MAE",
    "metrics.accuracy": "accuracy",
    "metrics.log_loss": "log loss",
    "difference.max_abs": "largest difference from scikit-learn",
    "difference.nmse": "NMSE against scikit-learn",
    "difference.label_agreement": "labels as scikit-learn's",
    "latency_us.1.p50": "p50 of a row, µs",
    "latency_us.1.p99": "p99 of a row, µs",
}


def page(models: Models) -> bytes:
    """Return the page, in UTF-8; CorruptArtifact where a manifest's entries are damaged."""
    articles = []
    for name, versions in models.items():
        with boundary(name, CorruptArtifact, "its manifest is damaged, export it again"):
            articles.append(_article(models, list(versions.values())))
    text = (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{_text(', '.join(models))}</title>\n<style>{CSS}</style>\n</head>\n"
        f"<body>\n<main>\n<h1>Models</h1>\n{''.join(articles)}"
        '<p class="soft">Open Inference Protocol (V2), REST; docs/serve.md of toolkit has the '
        "details.</p>\n</main>\n</body>\n</html>\n"
    )
    return text.encode("utf-8", "replace")


def _article(models: Models, versions: list[Model]) -> str:
    first = versions[0]
    manifest = first.manifest or {}
    about = described(models, first)
    path = f"/v2/models/{quote(first.name, safe='')}"
    facts: dict[str, Any] = {"task": first.predictor.task or "a graph of unknown origin"}
    facts |= {"estimator": (manifest.get("estimator") or {}).get("summary")}
    facts |= {"paths": f"GET {path}, POST {path}/infer"}
    return (
        f"<article>\n<h2>{_text(first.name)}</h2>\n{_table(facts.items())}"
        f"<h3>Proof</h3>\n{_proof(first)}"
        f"<h3>Inputs</h3>\n{_tensors(about['inputs'], manifest.get('inputs', ()))}"
        f"<h3>Outputs</h3>\n{_tensors(about['outputs'], ())}"
        f"<h3>Versions</h3>\n{''.join(map(_version, versions))}"
        f"<h3>A request</h3>\n<pre>{_text(_example(about))}</pre>\n</article>\n"
    )


def _proof(model: Model) -> str:
    if model.manifest is None:
        return '<p class="failed">none: the file lies in no model directory</p>\n'
    proof = read_proof(model.manifest, model.name)
    kind = "" if proof.passed else ' class="failed"'
    return f"<p{kind}>{_text(proof.outcome())}</p>\n"


def _tensors(tensors: list[dict[str, Any]], recorded: Iterable[Mapping[str, Any]]) -> str:
    """Return name, type and shape of tensors, with their columns where the manifest knows them."""
    columns = {entry["name"]: entry.get("columns") for entry in recorded}
    takes = {entry["name"]: entry.get("takes") for entry in recorded}
    rows = []
    for tensor in tensors:
        name = tensor["name"]
        shape = ", ".join("N" if size < 0 else str(size) for size in tensor["shape"])
        named = columns.get(name) or []
        more = [", ".join(named[:SHOWN]) + (" …" if len(named) > SHOWN else "")] if named else []
        more += [f"takes {takes[name]}"] if takes.get(name) else []
        rows.append((name, f"{tensor['datatype']} [{shape}] {'; '.join(more)}"))
    return _table(rows)


def _version(model: Model) -> str:
    facts: dict[str, Any] = {"file": model.file}
    entry = ((model.manifest or {}).get("files") or {}).get(model.file, {})
    facts["bytes"] = entry.get("bytes")
    facts["golden rows"] = model.replayed or "none here"
    row = _row(model)
    for path, label in FIGURES.items():
        value: Any = row
        for key in path.split("."):
            value = value.get(key) if isinstance(value, dict) else None
        if isinstance(value, int | float):
            facts[label] = f"{value:.6g}"
    if row.get("verdict"):
        facts["verdict"] = row["verdict"]
    return f"<h4>{_text(model.version)}</h4>\n{_table(facts.items())}"


def _row(model: Model) -> dict[str, Any]:
    """Return the file's row of report.json, empty where there is none."""
    rows = (model.report or {}).get("variants")
    listed = rows if isinstance(rows, list) else []
    found = (r for r in listed if isinstance(r, dict) and r.get("file") == model.file)
    return next(found, {})


def _example(about: Mapping[str, Any]) -> str:
    """Return a request for one row, of zeros and empty texts."""
    values = {"BYTES": "", "BOOL": False}
    inputs = [
        {
            "name": tensor["name"],
            "shape": [1, max(1, tensor["shape"][1])],
            "datatype": tensor["datatype"],
            "data": [values.get(tensor["datatype"], 0)] * max(1, tensor["shape"][1]),
        }
        for tensor in about["inputs"]
    ]
    text = json.dumps({"inputs": inputs}, ensure_ascii=False)
    return text if len(text) <= 20 * SHOWN else f"{text[: 20 * SHOWN]} …"


def _table(pairs: Iterable[tuple[str, Any]]) -> str:
    rows = "".join(
        f'<tr><th scope="row">{_text(name)}</th><td>{_text(value)}</td></tr>\n'
        for name, value in pairs
        if value is not None
    )
    return f'<div class="scroll"><table>\n{rows}</table></div>\n'


def _text(value: Any) -> str:
    """Return text for HTML: escaped, and without characters that steer."""
    text = "".join(c if c.isprintable() or c in "\n\t" else "\ufffd" for c in str(value))
    return html.escape(text, quote=True)
