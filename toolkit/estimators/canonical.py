"""The bytes of a skops file without what differs from dump to dump."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterator
from typing import Any

import numpy as np

# Trees of points count their queries, in these places of their state.
TREES, COUNTERS = ("KDTree", "BallTree"), slice(7, 11)
Node = dict[str, Any]


def canonical(content: bytes) -> bytes:
    """Return a skops file of the same objects that is the same for all dumps of them."""
    source = zipfile.ZipFile(io.BytesIO(content))
    schema = json.loads(source.read("schema.json"))
    names = _numbered(schema)
    members = {names.get(name, name): name for name in source.namelist() if name != "schema.json"}
    compact = json.dumps(schema, separators=(",", ":")).encode()
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, old in sorted(members.items()):  # one at a time: a forest's are large
            archive.writestr(_entry(name), _without_padding(old, source.read(old)))
        archive.writestr(_entry("schema.json"), compact)
    return out.getvalue()


def _numbered(schema: Node) -> dict[str, str]:
    """Number the objects of a schema by their turn in it; return the files' new names by the old.

    Numbers, texts and None are one object wherever they are equal, as nobody can tell them apart.
    A file is named by its object's number, or by its own turn.
    """
    numbers: dict[Any, int] = {}
    turns: dict[str, str] = {}
    nodes = list(_nodes(schema))
    for node in nodes:
        if "__id__" in node:
            known = ("plain", node["content"]) if node.get("is_json") else node["__id__"]
            old, node["__id__"] = node["__id__"], numbers.setdefault(known, len(numbers) + 1)
            if not node.get("is_json"):
                turns.setdefault(str(old), str(node["__id__"]))
    names: dict[str, str] = {}
    for node in nodes:
        if isinstance(node.get("file"), str):
            stem, dot, suffix = node["file"].partition(".")
            own = turns.get(stem, f"file{len(names) + 1}") + dot + suffix
            node["file"] = names.setdefault(node["file"], own)
    return names


def _nodes(node: Any) -> Iterator[Node]:
    """Yield a schema's nodes, inner ones first, without the traces of their order and use."""
    if isinstance(node, list):
        for inner in node:
            yield from _nodes(inner)
    if not isinstance(node, dict):
        return
    content = node.get("content")
    if node.get("__loader__") == "SetNode" and isinstance(content, list):
        content.sort(key=lambda item: json.dumps({**item, "__id__": 0}))
    if node.get("__class__") in TREES and isinstance(content, dict):
        for counter in content["content"][COUNTERS]:
            counter["content"] = "0"
    for value in node.values():
        yield from _nodes(value)
    yield node


def _entry(name: str) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name, date_time=(1980, 1, 1, 0, 0, 0))
    entry.compress_type = zipfile.ZIP_DEFLATED
    return entry


def _without_padding(name: str, content: bytes) -> bytes:
    """Return an .npy file of records with zeros between the fields, any other file as it is.

    scikit-learn never sets the gaps in a tree's nodes: they hold what lay in memory before.
    """
    if not name.endswith(".npy"):
        return content
    array = np.load(io.BytesIO(content), allow_pickle=False)
    if array.dtype.names is None:
        return content
    clean = np.zeros(array.shape, array.dtype)
    for field in array.dtype.names:
        clean[field] = array[field]
    out = io.BytesIO()
    np.save(out, clean, allow_pickle=False)
    return out.getvalue()
