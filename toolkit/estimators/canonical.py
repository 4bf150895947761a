"""The bytes of a skops file without what differs from dump to dump."""

from __future__ import annotations

import io
import json
import re
import zipfile

import numpy as np

_ID = re.compile(r'("__id__": )(\d+)')


_FILE = re.compile(r'("file": ")([^"]+)')


def canonical(content: bytes) -> bytes:
    """Return a skops file of the same objects that is the same for all dumps of them."""
    source = zipfile.ZipFile(io.BytesIO(content))
    schema = source.read("schema.json").decode()
    numbers: dict[str, str] = {}
    for match in _ID.finditer(schema):
        numbers.setdefault(match.group(2), str(len(numbers) + 1))
    schema = _ID.sub(lambda m: m.group(1) + numbers[m.group(2)], schema)
    names = _names(schema, numbers)
    schema = _FILE.sub(lambda m: m.group(1) + names[m.group(2)], schema)
    members = {names.get(name, name): name for name in source.namelist() if name != "schema.json"}
    compact = json.dumps(json.loads(schema), separators=(",", ":")).encode()
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, old in sorted(members.items()):  # one at a time: a forest's are large
            archive.writestr(_entry(name), _without_padding(old, source.read(old)))
        archive.writestr(_entry("schema.json"), compact)
    return out.getvalue()


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


def _names(schema: str, numbers: dict[str, str]) -> dict[str, str]:
    """Return each file's canonical name: its object's number, or that of its turn in the schema."""
    names: dict[str, str] = {}
    for match in _FILE.finditer(schema):
        stem, dot, suffix = match.group(2).partition(".")
        names.setdefault(match.group(2), numbers.get(stem, f"file{len(names) + 1}") + dot + suffix)
    return names
