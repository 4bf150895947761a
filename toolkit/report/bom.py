"""The CycloneDX ML-BOM of a bundle: its files, their hashes, its figures, what made them.

Every figure is copied from manifest.json and report.json, under the path that it has there;
nothing is computed. The same bundle gives the same document, so that it has no time of its own.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator, Mapping
from typing import Any

from toolkit import __version__
from toolkit.bundle import CALIBRATION, EVALUATION, Bundle
from toolkit.errors import DISTRIBUTION, CorruptArtifact, boundary
from toolkit.runtime import golden
from toolkit.runtime.files import read_bytes, sha256
from toolkit.runtime.listed import is_there
from toolkit.runtime.manifest import NAME as MANIFEST
from toolkit.runtime.manifest import VARIANT
from toolkit.runtime.proof import read_proof

REPORT = "report.json"
SPEC = "1.6"
ROOT = "model"  # the bom-ref of the model itself
OWN_NAMES = {"toolkit": DISTRIBUTION}  # a library in the manifest -> its name on PyPI
# What each file of rows holds, by its name.
ROWS = {
    EVALUATION: "held-out rows with scikit-learn's answers, on which the scores are",
    CALIBRATION: "training rows that the quantizers are calibrated on",
    golden.NAME: "held-out and adversarial rows with scikit-learn's answers, for replaying",
}
# How each kind of task learns; a transformer may do either.
APPROACHES = {
    "regressor": "supervised",
    "classifier": "supervised",
    "outlier_detector": "unsupervised",
    "clusterer": "unsupervised",
}
SCORES = ("bytes", "size_ratio", "batch_consistency", "cold_start_ms", "peak_rss_mb")


def as_bom(bundle: Bundle, report: dict[str, Any] | None) -> str:
    """Return the CycloneDX 1.6 document as JSON.

    report: what `read_report` returns; without it the document has the proof's figures alone.
    Raises CorruptArtifact where a file is not the one that is listed, or what the manifest or the
    report says is not of its kind.
    """
    for name, entry in bundle.manifest["files"].items():
        if is_there(bundle.path / name, entry):
            bundle.read(name)
    remedy = f"{MANIFEST} or {REPORT} is damaged, export and bench the model again"
    with boundary(str(bundle.path), CorruptArtifact, remedy):
        document = _document(bundle, report)
    return json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def _document(bundle: Bundle, report: dict[str, Any] | None) -> dict[str, Any]:
    manifest = bundle.manifest
    content = sha256(read_bytes(bundle.path / MANIFEST))
    bundle.require_unchanged()
    files = [_file(name, entry) for name, entry in manifest["files"].items()]
    files.append(_component(MANIFEST, "file", content, {}))
    libraries = _libraries(manifest, report)
    refs = [c["bom-ref"] for c in (*files, *libraries)]
    return {
        "$schema": f"http://cyclonedx.org/schema/bom-{SPEC}.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": SPEC,
        "serialNumber": uuid.uuid5(uuid.NAMESPACE_URL, f"sha256:{content}").urn,
        "version": 1,
        "metadata": {
            "tools": {
                "components": [{"type": "application", "name": "toolkit", "version": __version__}]
            },
            "component": {
                "type": "machine-learning-model",
                "bom-ref": ROOT,
                "name": bundle.name,
                "description": str(manifest["estimator"].get("summary", "")),
                **_licences(manifest),
                "modelCard": _card(bundle, report),
                "properties": _properties(
                    {
                        "proof": read_proof(manifest, str(bundle.path)).outcome(),
                        "opsets": manifest.get("opsets"),
                        "rows": manifest.get("rows"),
                    }
                ),
            },
        },
        "components": [*files, *libraries],
        "dependencies": [{"ref": ROOT, "dependsOn": refs}],
    }


def read_report(bundle: Bundle) -> dict[str, Any] | None:
    """Return report.json, None where the bundle has none, or is a copy without it.

    Raises CorruptArtifact where it is damaged.
    """
    entry = bundle.manifest["files"].get(REPORT)
    if entry is None or not is_there(bundle.path / REPORT, entry):
        return None
    try:
        report = json.loads(bundle.read(REPORT))
        if isinstance(report["variants"], list) and isinstance(report["environment"], dict):
            return report
    except (ValueError, KeyError, TypeError):
        pass
    raise CorruptArtifact(f"{bundle.path / REPORT}: is no report; bench the model again")


def _card(bundle: Bundle, report: dict[str, Any] | None) -> dict[str, Any]:
    """Return the model card: what it does, on which rows, how well, and what to know of it."""
    manifest = bundle.manifest
    metrics = [*_proof_metrics(manifest["proof"])]
    if report is not None:
        metrics += [m for row in report["variants"] for m in _row_metrics(row, report)]
    approach = APPROACHES.get(bundle.task)
    parameters = {
        **({"approach": {"type": approach}} if approach else {}),
        "task": bundle.task,
        "architectureFamily": str(manifest["estimator"].get("type", "")),
        "modelArchitecture": str(manifest["estimator"].get("summary", "")),
        "datasets": [{"ref": _ref(name)} for name in ROWS if name in manifest["files"]],
        "inputs": [{"format": _tensor(t)} for t in manifest["inputs"]],
        "outputs": [{"format": _tensor(t)} for t in manifest["outputs"]],
    }
    return {
        "modelParameters": parameters,
        "quantitativeAnalysis": {"performanceMetrics": metrics},
        "considerations": _considerations(bundle, report),
    }


def _considerations(bundle: Bundle, report: dict[str, Any] | None) -> dict[str, list[str]]:
    """Return limits (a failed proof, scores on rows of the fit) and each variant's verdict."""
    manifest = bundle.manifest
    limits = []
    if not manifest["proof"].get("passed"):
        outcome = read_proof(manifest, str(bundle.path)).outcome()
        limits.append(f"its proof against scikit-learn: {outcome}")
    if manifest.get("rows", {}).get("fitted") != "no":
        limits.append(
            "the scores may be on rows that it was fitted on: "
            f"{manifest.get('rows', {}).get('note', 'the manifest does not say')}"
        )
    rows = [] if report is None else report["variants"]
    verdicts = [f"{r['method']}: {r['verdict']}" for r in rows if r.get("verdict")]
    return {
        key: texts
        for key, texts in (("technicalLimitations", limits), ("performanceTradeoffs", verdicts))
        if texts
    }


def _proof_metrics(proof: Mapping[str, Any]) -> Iterator[dict[str, str]]:
    for reference, sets in proof.get("comparisons", {}).items():
        for rows, figures in sets.items():
            for key, value in figures.items():
                path = f"proof.comparisons.{reference}.{rows}.{key}"
                yield from _metric(path, value, MANIFEST)


def _row_metrics(row: Mapping[str, Any], report: Mapping[str, Any]) -> Iterator[dict[str, str]]:
    """Yield a variant's figures; type: the path in its row, slice: the method and the rows."""
    on = f"{row['method']}, {report.get('rows')} {report.get('scores', {}).get('on', '')} rows"
    for key in SCORES:
        yield from _metric(key, row.get(key), on)
    for group in ("metrics", "difference"):
        for key, value in (row.get(group) or {}).items():
            yield from _metric(f"{group}.{key}", value, on)
    for batch, times in (row.get("latency_us") or {}).items():
        for key in ("p50", "p99"):
            yield from _metric(f"latency_us.{batch}.{key}", times.get(key), on)


def _metric(path: str, value: Any, on: str) -> Iterator[dict[str, str]]:
    """Yield a figure, written as in the file that it is from; nothing for what is no number."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        yield {"type": path, "value": json.dumps(value), "slice": on}


def _file(name: str, entry: Mapping[str, Any]) -> dict[str, Any]:
    kind = "machine-learning-model" if entry["role"] == VARIANT else "file"
    if name in ROWS:
        kind = "data"
    facts = {key: entry.get(key) for key in ("role", "method", "bytes", "tolerance", "session")}
    component = _component(name, kind, entry["sha256"], facts)
    if name in ROWS:
        component["data"] = [{"type": "dataset", "name": name, "description": ROWS[name]}]
    return component


def _licences(manifest: Mapping[str, Any]) -> dict[str, Any]:
    stated = manifest.get("license")
    return {"licenses": [{"license": {"name": str(stated)}}]} if stated else {}


def _component(name: str, kind: str, digest: str, facts: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "type": kind,
        "bom-ref": _ref(name),
        "name": name,
        "hashes": [{"alg": "SHA-256", "content": digest}],
        **({"properties": _properties(facts)} if facts else {}),
    }


def _ref(name: str) -> str:
    return f"file:{name}"


def _libraries(manifest: Mapping[str, Any], report: dict[str, Any] | None) -> list[dict[str, Any]]:
    """Return what exported the model and, where another version measured it, that one too."""
    measured = {} if report is None else report["environment"].get("libraries", {})
    used = dict.fromkeys([*manifest.get("versions", {}).items(), *measured.items()])
    return [_library(name, version) for name, version in used]


def _library(name: str, version: str) -> dict[str, Any]:
    if not isinstance(version, str):
        raise TypeError(f"the version of {name!r} is {version!r}")
    kind = "platform" if name == "python" else "library"
    distribution = OWN_NAMES.get(name, name)
    purl = {"purl": f"pkg:pypi/{distribution}@{version}"} if kind == "library" else {}
    return {
        "type": kind,
        "bom-ref": f"{kind}:{name}@{version}",
        "name": name,
        "version": version,
        **purl,
    }


def _tensor(entry: Mapping[str, Any]) -> str:
    """Return a tensor as its name, type and shape, N for the rows."""
    shape = ", ".join("N" if size is None else str(size) for size in entry.get("shape", ()))
    return f"{entry['name']}: {entry.get('dtype')} [{shape}]"


def _properties(facts: Mapping[str, Any]) -> list[dict[str, str]]:
    """Return CycloneDX properties; what is no text is written as JSON, None is left out."""
    return [
        {
            "name": f"toolkit:{key}",
            "value": value if isinstance(value, str) else json.dumps(value, ensure_ascii=False),
        }
        for key, value in facts.items()
        if value is not None
    ]
