"""What a bundle says of itself: manifest, golden and calibration rows, report, as a card needs it.

All but the manifest may be missing, in a copy that went to a device, or be damaged: then the card
says less.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from toolkit.bundle.card.columns import Column, columns
from toolkit.bundle.card.example import Example, example
from toolkit.bundle.directory import CALIBRATION, MODEL, REPORTS
from toolkit.errors import ToolkitError
from toolkit.runtime import golden
from toolkit.runtime.manifest import VARIANT
from toolkit.runtime.npz import read_npz
from toolkit.runtime.proof import Proof, read_proof

Read = Callable[[str], bytes | None]


@dataclass(frozen=True)
class Facts:
    """A bundle's manifest, and what follows from its files.

    calibration: the number of rows that the ranges are of, None without them. report: report.json,
    None where there is none. example: None where no program can be written.
    """

    manifest: Mapping[str, Any]
    proof: Proof
    columns: tuple[Column, ...]
    calibration: int | None
    report: Mapping[str, Any] | None
    example: Example | None

    @property
    def files(self) -> dict[str, Mapping[str, Any]]:
        """The entries of the model's files, by name."""
        listed = self.manifest["files"].items()
        return {name: entry for name, entry in listed if entry["role"] == VARIANT}

    @property
    def recommended(self) -> Mapping[str, Any]:
        """What the report recommends, empty where there is none."""
        return (self.report or {}).get("recommended") or {}


def gather(manifest: Mapping[str, Any], read: Read) -> Facts:
    """Return the facts of a bundle; read: a file's bytes by name, None where it is not there.

    Raises CorruptArtifact where the proof's figures are damaged.
    """
    proof = read_proof(manifest, manifest["name"])
    rows = _calibration(manifest, read)
    report = _report(read)
    recommended = ((report or {}).get("recommended") or {}).get("file") or ""
    plain = recommended.endswith(".onnx") and recommended in manifest["files"]
    file = recommended if plain else MODEL
    replayed = _golden(manifest, read) if proof.passed and file in manifest["files"] else None
    return Facts(
        manifest,
        proof,
        tuple(columns(manifest, rows)),
        None if rows is None else len(next(iter(rows.values()))),
        report,
        example(manifest, replayed, file),
    )


def _content(read: Read, name: str) -> bytes | None:
    try:
        return read(name)
    except ToolkitError:
        return None


def _calibration(manifest: Mapping[str, Any], read: Read) -> dict[str, np.ndarray] | None:
    content = _content(read, CALIBRATION)
    if content is None:
        return None
    try:
        arrays = read_npz(content, CALIBRATION)
    except ToolkitError:
        return None
    found = {t["name"]: arrays.get(f"input_{k}") for k, t in enumerate(manifest["inputs"])}
    rows = {name: a for name, a in found.items() if a is not None and a.ndim and len(a)}
    return rows if rows and len(rows) == len(found) else None


def _golden(manifest: Mapping[str, Any], read: Read) -> golden.Golden | None:
    content = _content(read, golden.NAME)
    try:
        return None if content is None else golden.read(content, golden.NAME, manifest)
    except ToolkitError:
        return None


def _report(read: Read) -> Mapping[str, Any] | None:
    content = _content(read, REPORTS[0])
    try:
        report = None if content is None else json.loads(content)
    except ValueError:
        return None
    sound = isinstance(report, dict) and isinstance(report.get("variants"), list)
    return report if sound else None
