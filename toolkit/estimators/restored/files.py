"""A skops file before anything is made of it: what it would unpack to, and what it would call.

A skops file is a zip archive of `schema.json`, a tree of nodes that say how each object is made,
and of the arrays and bytes that the nodes name, each as often as it likes.
"""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Collection, Iterator
from typing import Any

import numpy as np

from toolkit.errors import InvalidInput
from toolkit.estimators.restored.refusal import Damaged
from toolkit.runtime.archive import check_archive, check_arrays, check_size

SCHEMA = "schema.json"
# Python makes some hundred bytes of each part of a schema, which may be two letters long; those of
# real files have twenty letters and more.
FREE_PARTS, LETTERS_A_PART = 1_000_000, 16
# Libraries whose objects skops never makes by calling their type; compiled ones would take sizes
# from the call, and allocate or read as much.
NEVER_CALLED = ("sklearn.", "scipy.", "lightgbm.", "xgboost.", "catboost.")
SAME = ("__loader__", "__module__", "__class__", "type", "content", "file")  # what makes a node
# Arrays of a tree's state -> their dimensions, which `Tree.__setstate__` takes on trust.
STATE = {"nodes": 1, "values": 3}


def check_sizes(content: bytes, origin: str) -> None:
    """Raise InvalidInput for sizes that are not taken, before any of it is unpacked.

    What is no archive, or no skops file, passes: skops says so when it opens it.
    """
    check_archive(content, origin)
    try:
        archive = zipfile.ZipFile(io.BytesIO(content))
        text = archive.read(SCHEMA)
    except Exception:  # zipfile's own, zlib's, a missing member
        return
    parts = sum(text.count(mark) for mark in (b",", b"[", b"{"))
    if parts > FREE_PARTS + len(text) // LETTERS_A_PART:
        raise InvalidInput(
            f"{origin}: its {SCHEMA} has {parts} parts in {len(text)} bytes, more than skops "
            "writes; write it again with skops.io.dump"
        )
    _check_references(list(_nodes(json.loads(text))), archive, len(content), origin)
    check_arrays(archive, origin)


def check_calls(content: bytes, asked: Collection[str] = ()) -> None:
    """Raise Damaged for types that are called as skops never does, and trees of wrong sizes.

    `Tree(columns, classes [n], n)` reads n numbers of the array, however many that has, and a
    tree's state the length of arrays that may have none. asked: types that may be called all the
    same, since the user trusts them by name.
    """
    archive = zipfile.ZipFile(io.BytesIO(content))
    nodes = list(_nodes(json.loads(archive.read(SCHEMA))))
    for node in nodes:
        name = f"{node.get('__module__')}.{node.get('__class__')}"
        called = node.get("__loader__") == "ConstructorFromReduceNode"
        if called and name.startswith(NEVER_CALLED) and name not in asked:
            raise Damaged(f"calls {name}, which skops never does")
    trees = [node for node in nodes if node.get("__loader__") == "TreeNode"]
    numbered = _by_number(nodes) if trees else {}
    for tree in trees:
        _check_call(tree, numbered, archive)


def _nodes(schema: Any) -> Iterator[dict[str, Any]]:
    """Yield every node of a schema, and every other mapping in it."""
    waiting = [schema]
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            yield value
            waiting.extend(value.values())
        elif isinstance(value, list):
            waiting.extend(value)


def _check_references(
    nodes: list[dict[str, Any]], archive: zipfile.ZipFile, size: int, origin: str
) -> None:
    """Hold what all nodes unpack together against what the file may: a node reads its member."""
    sizes = {member.filename: member.file_size for member in archive.infolist()}
    read: dict[tuple[Any, str], int] = {}
    for node in nodes:
        name = node.get("file")
        if isinstance(name, str):
            # A node with the number of an earlier one is that one.
            number = node.get("__id__")
            key = (id(node) if not isinstance(number, int | str) else number, name)
            read[key] = sizes.get(name, 0)
    check_size(sum(read.values()), size, origin)
    for name in {name for _, name in read if name.endswith(".npz")} & sizes.keys():
        inner = archive.read(name)
        check_archive(inner, f"{origin}, {name}")
        check_arrays(zipfile.ZipFile(io.BytesIO(inner)), f"{origin}, {name}")


def _by_number(nodes: list[dict[str, Any]]) -> dict[Any, dict[str, Any] | None]:
    """Return node by its number, None where two that differ have the same."""
    numbered: dict[Any, dict[str, Any] | None] = {}
    for node in nodes:
        number = node.get("__id__")
        if not isinstance(number, int | str) or node.get("__loader__") == "CachedNode":
            continue
        first = numbered.setdefault(number, node)
        if first is not None and any(first.get(key) != node.get(key) for key in SAME):
            numbered[number] = None
    return numbered


def _check_call(
    tree: dict[str, Any], numbered: dict[Any, dict[str, Any] | None], archive: zipfile.ZipFile
) -> None:
    def stands_for(node: Any) -> dict[str, Any]:
        number = node.get("__id__")
        target = numbered.get(number) if isinstance(number, int | str) else node
        if target is None:
            raise Damaged("has two parts of one number")
        return target

    try:
        arguments = stands_for(tree["__reduce__"]["args"])
        columns, classes, count = (stands_for(node) for node in arguments["content"])
        kinds = [node["__loader__"] for node in (arguments, columns, count)]
        array = _array(classes, archive)
        state = stands_for(tree["content"])["content"]
        parts = {name: _array(stands_for(state[name]), archive).ndim for name in STATE}
        sound = (
            kinds == ["TupleNode", "JsonNode", "JsonNode"]
            and 0 < json.loads(columns["content"]) < 1 << 31
            and array.shape == (json.loads(count["content"]),)
            and (array > 0).all()
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise Damaged(f"makes a tree of what is none ({error})") from None
    if not sound:
        raise Damaged("makes a tree with a number of outputs that its classes do not have")
    if parts != STATE:
        raise Damaged("makes a tree of nodes and values that are not rows")


def _array(node: dict[str, Any], archive: zipfile.ZipFile) -> np.ndarray:
    """Return what a node makes, ValueError unless that is an array of numbers or records."""
    maker = [node.get(key) for key in ("__loader__", "__module__", "__class__", "type")]
    if maker != ["NdArrayNode", "numpy", "ndarray", "numpy"]:
        raise ValueError(f"{maker} where an array is expected")
    with archive.open(node["file"]) as stream:
        return np.lib.format.read_array(stream, allow_pickle=False)
