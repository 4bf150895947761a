"""The file: header, checksum, compression, and the parts of the body."""

from __future__ import annotations

import lzma
import zlib
from dataclasses import dataclass

from tests.second_reader.stream import Stream
from tests.second_reader.tensors import Tensor, read_tensor
from tests.second_reader.tree_streams import read_ensemble
from tests.second_reader.trees import Ensemble


@dataclass
class Packed:
    """What a pack holds."""

    version: int
    skeleton: bytes
    tensors: list[Tensor]
    ensembles: list[Ensemble]


def read(content: bytes, dictionary: bytes) -> Packed:
    """Return what is in a pack; dictionary: the preset one, as the document prints it."""
    if content[:4] != b"TKPK":
        raise ValueError("no pack")
    version, compression = content[4], content[5]
    if version != 1:
        raise ValueError(f"version {version}")
    if zlib.crc32(content[4:6] + content[10:]) != int.from_bytes(content[6:10], "little"):
        raise ValueError("checksum")
    outer = Stream(content[10:])
    length = outer.varint()
    body = Stream(_plain(compression, outer.rest(), length, dictionary))
    skeleton = body.take(body.varint())
    tensors = [read_tensor(body) for _ in range(body.varint())]
    ensembles = [read_ensemble(body) for _ in range(body.varint())]
    if body.rest():
        raise ValueError("bytes follow")
    return Packed(version, skeleton, tensors, ensembles)


def _plain(compression: int, data: bytes, length: int, dictionary: bytes) -> bytes:
    if compression == 1:
        data = zlib.decompressobj(-15, zdict=dictionary).decompress(data)
    elif compression == 2:
        filters = [{"id": lzma.FILTER_LZMA2, "dict_size": 8 << 20}]
        data = lzma.LZMADecompressor(lzma.FORMAT_RAW, filters=filters).decompress(data)
    elif compression != 0:
        raise ValueError(f"compression {compression}")
    if len(data) != length:
        raise ValueError("length")
    return data
