"""Damage to bytes, archives, documents and messages of protobuf, as a random generator says."""

from __future__ import annotations

import contextlib
import io
import random
import zipfile
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from toolkit.runtime import wire

NUMBERS = (0, 1, 2, 0x7F, 0x80, 0xFF, 1 << 15, 1 << 16, (1 << 31) - 1, 1 << 31, 1 << 32, 1 << 62)
WORDS = (None, True, -1, 0, 1 << 62, 1e308, "", "X", "\ud800", "n" * 5000, "../x", [], {}, [[]])
REALS = (0.0, -1.0, 1e-45, 3e38, float("inf"), float("nan"))


def damaged(content: bytes, chance: random.Random) -> bytes:
    """Return bytes with one to four changes: bits, integers, what is cut, doubled or moved."""
    out = bytearray(content)
    for _ in range(chance.randint(1, 4)):
        at = chance.randrange(len(out) + 1)
        size = min(chance.choice((1, 2, 4, 8, 64)), len(out) - at)
        what = chance.randrange(6)
        if what == 0 and at < len(out):
            out[at] ^= 1 << chance.randrange(8)
        elif what == 1:
            number = chance.choice(NUMBERS)
            out[at : at + size] = number.to_bytes(8, "little")[: max(size, 1)]
        elif what == 2:
            out[at : at + size] = wire.varint(chance.choice(NUMBERS))
        elif what == 3:
            del out[at : at + size]
        elif what == 4:
            out[at:at] = out[at : at + size]
        else:
            out[at : at + size] = chance.randbytes(size)
    return bytes(out)


def members_of(content: bytes) -> dict[str, bytes]:
    """Return the members of a zip archive by name."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def archive_of(members: Mapping[str, bytes], chance: random.Random) -> bytes:
    """Return a zip archive, packed or not, whose CRCs are right."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", chance.choice((zipfile.ZIP_STORED, 8))) as archive:
        for member, held in members.items():
            archive.writestr(member, held)
    return out.getvalue()


def change_document(document: Any, chance: random.Random) -> None:
    """Change, remove or rename one value, anywhere in a document of mappings and lists."""
    while True:
        keys = list(document) if isinstance(document, dict) else list(range(len(document)))
        if not keys:
            return
        key = chance.choice(keys)
        inner = document[key]
        if isinstance(inner, dict | list) and inner and chance.random() < 0.8:
            document = inner
            continue
        if isinstance(document, dict) and chance.random() < 0.2:
            document[str(chance.choice(WORDS))] = document.pop(key)
        elif chance.random() < 0.2:
            del document[key]
        else:
            document[key] = chance.choice(WORDS)
        return


def changed_array(content: bytes, chance: random.Random) -> bytes:
    """Return an .npy file with other values, another length or another shape; or damaged bytes."""
    try:
        array = np.lib.format.read_array(io.BytesIO(content), allow_pickle=False).copy()
    except ValueError:
        return damaged(content, chance)
    what = chance.randrange(4)
    if what == 0 or not array.size:
        array = np.concatenate([array, array]) if array.ndim else np.stack([array] * 2)
    elif what == 1:
        array = array[: chance.randrange(len(array))] if array.ndim else array
    elif what == 2:
        array = array.T if array.ndim > 1 else array.reshape(1, -1)
    else:
        _change_values(array, chance)
    out = io.BytesIO()
    np.lib.format.write_array(out, np.asarray(array), allow_pickle=False)
    return out.getvalue()


def _change_values(array: np.ndarray, chance: random.Random) -> None:
    """Set some values, in one field where there are records, to what is rarely right."""
    if array.dtype.names:
        array = array[chance.choice(array.dtype.names)]
    flat = array.reshape(-1)  # a view of what is contiguous, a copy else
    for _ in range(chance.randint(1, 3)):
        at = chance.randrange(flat.size)
        if array.dtype.kind in "iu":
            value = chance.choice(NUMBERS) * chance.choice((1, -1))
            flat[at] = np.array(value).astype(array.dtype)
        elif array.dtype.kind == "f":
            flat[at] = chance.choice(REALS)
        else:
            flat[at] = flat[chance.randrange(flat.size)]
    array[...] = flat.reshape(array.shape)


def change_message(message: Any, chance: random.Random, pools: Mapping[str, list[Any]]) -> None:
    """Change one field somewhere in a message of protobuf.

    pools: by a field's full name, values that stand in it elsewhere.
    """
    inner = chance.choice(list(_messages(message)))
    fields = [field for field, _ in inner.ListFields()]
    if not fields or chance.random() < 0.1:
        fields = list(inner.DESCRIPTOR.fields)
    field = chance.choice(fields)
    values = getattr(inner, field.name)
    if field.message_type is not None:
        _change_inner(inner, field, values, chance)
    elif not field.is_repeated:
        _set(inner, field, chance, pools)
    else:
        held = list(values)
        at = chance.randrange(len(held) + 1)
        what = chance.randrange(4)
        if what == 0:
            held[at : at + 1] = []
        elif what == 1:
            held[at:at] = held[:1] or [_value(field, None, chance, pools)]
        else:
            held[at : at + 1] = [_value(field, held[at] if held[at:] else None, chance, pools)]
        del values[:]
        _take(lambda: values.extend(held))


def pools_of(message: Any) -> dict[str, list[Any]]:
    """Return by a field's full name all values of it in a message."""
    pools: dict[str, list[Any]] = {}
    for inner in _messages(message):
        for field, value in inner.ListFields():
            if field.message_type is None:
                held = list(value) if field.is_repeated else [value]
                pools.setdefault(field.full_name, []).extend(held)
    return pools


def _messages(message: Any) -> Iterator[Any]:
    yield message
    for field, value in message.ListFields():
        if field.message_type is not None:
            for inner in value if field.is_repeated else [value]:
                yield from _messages(inner)


def _change_inner(message: Any, field: Any, values: Any, chance: random.Random) -> None:
    """Remove, double or move messages within a field."""
    if not field.is_repeated:
        message.ClearField(field.name)
    elif not len(values) or chance.random() < 0.4:
        values.add()
        if len(values) > 1:
            values[-1].CopyFrom(values[chance.randrange(len(values) - 1)])
    elif chance.random() < 0.6:
        del values[chance.randrange(len(values))]
    else:
        one, other = (values[chance.randrange(len(values))] for _ in range(2))
        one.MergeFrom(other)


def _set(message: Any, field: Any, chance: random.Random, pools: Mapping[str, list[Any]]) -> None:
    value = _value(field, getattr(message, field.name), chance, pools)
    _take(lambda: setattr(message, field.name, value))


def _take(change: Any) -> None:
    with contextlib.suppress(ValueError, TypeError):  # protobuf takes no such value there
        change()


def _value(field: Any, old: Any, chance: random.Random, pools: Mapping[str, list[Any]]) -> Any:
    pool = pools.get(field.full_name, [])
    if pool and chance.random() < 0.6:
        return chance.choice(pool)
    kind = field.cpp_type
    if kind in (field.CPPTYPE_FLOAT, field.CPPTYPE_DOUBLE):
        return chance.choice(REALS)
    if kind != field.CPPTYPE_STRING:
        return chance.choice(NUMBERS) * chance.choice((1, -1))
    if isinstance(old, bytes):
        return damaged(old, chance)
    return chance.choice(("", "X", "Y", "n" * 5000, "../x"))
