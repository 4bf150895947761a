"""The reader of the `.pack` format, and the format's description.

A pack is an ONNX model whose float parameters were taken out and written as small codes. All
integers are little-endian; `uvarint` is a base-128 varint (low groups first).

offset  size     what
0       4        magic, the bytes `TKPK`
4       1        format version, 1
5       1        body compression: 0 stored, 1 raw deflate with the preset dictionary
                 `DICTIONARY` below, 2 raw LZMA2 with an 8 MiB window
6       4        CRC-32 (zlib's) of bytes 4, 5 and of everything from byte 10 on
10      uvarint  length of the body when decompressed
…       to EOF   the body

The body, decompressed:

    uvarint S, then S bytes: the skeleton, a serialized ModelProto without these initializers
    uvarint T, then T tensors, each:
        uvarint L, then L bytes of UTF-8: the initializer's name
        uvarint: ONNX element type; uvarint R, then R uvarints: the shape
        u8: the encoding's code, then its header and payload (see `encodings`)
    uvarint E, then E tree ensembles (see `forest/streams`)

No two tensors have the same name, and nothing may follow. To run a pack, append to the skeleton a
ModelProto that holds the decoded tensors as graph initializers and one that holds the ensembles as
graph nodes (protobuf messages concatenate; the order of nodes is free), and open the bytes as ONNX.

Limits that a reader enforces before it takes memory: the body may be at most 256 times as long
as its compressed bytes plus 64 KiB; at most 65536 tensors and as many ensembles, 8 dimensions a
tensor; every length against what is left.
A change of any of this needs a new version; readers of old versions stay (table `READERS`).
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from toolkit.errors import CorruptArtifact
from toolkit.runtime import wire
from toolkit.runtime.pack.cursor import Cursor
from toolkit.runtime.pack.dictionary import DICTIONARY
from toolkit.runtime.pack.encodings import DECODERS, ELEMENT_TYPES, NAMES, bits_of

if TYPE_CHECKING:
    from toolkit.runtime.pack.forest import Forest

MAGIC = b"TKPK"
VERSION = 1
STORED, DEFLATE, LZMA = 0, 1, 2
COMPRESSIONS = {STORED: "stored", DEFLATE: "deflate", LZMA: "lzma"}
LZMA_WINDOW = 8 << 20
HEADER = 10
MAX_PARTS, MAX_RANK = 1 << 16, 8


# No dataclasses, as records are elsewhere: with their module they take longer to make than most
# packs take to decode.
class Tensor(NamedTuple):
    """One decoded initializer: `values` in its dtype.

    bits: how many a number takes, without its group's scales; stored: the bytes all of it took in
    the body.
    """

    name: str
    elem_type: int
    encoding: str
    bits: int
    values: np.ndarray
    stored: int


class Pack(NamedTuple):
    """A decoded pack: `skeleton` is a serialized ModelProto that lacks the `tensors`."""

    version: int
    compression: str
    skeleton: bytes
    tensors: tuple[Tensor, ...]
    forests: tuple[Forest, ...]

    def to_onnx(self) -> bytes:
        """Return the complete serialized ONNX model."""
        protos = [
            wire.tensor(t.name, t.elem_type, t.values.shape, t.values.tobytes())
            for t in self.tensors
        ]
        whole = self.skeleton + wire.initializers(protos)
        if not self.forests:
            return whole
        from toolkit.runtime.pack.forest.nodes import to_node

        return whole + wire.nodes([to_node(f) for f in self.forests])


def is_pack(content: bytes) -> bool:
    """Tell whether the bytes begin as a pack does."""
    return content[:4] == MAGIC


def read(content: bytes, origin: str) -> Pack:
    """Return the decoded pack; `origin` names it in messages.

    Raises CorruptArtifact where anything is damaged, truncated, of an unknown version or hostile.
    """
    outer = Cursor(content, origin)
    if not is_pack(content):
        raise outer.fail(f"it does not begin with {MAGIC.decode()}, so it is no pack")
    if len(content) <= HEADER:
        raise outer.fail(f"a pack has more than {HEADER} bytes, this file {len(content)}")
    version = content[4]
    if version not in READERS:
        raise CorruptArtifact(
            f"{origin}: pack format {version} is unknown, this runtime reads "
            f"{sorted(READERS)}; update toolkit or make the pack again"
        )
    if checksum(content) != int.from_bytes(content[6:10], "little"):
        raise outer.fail("the checksum does not fit, so the file is damaged")
    return READERS[version](content, origin)


def longest_body(compressed: int) -> int:
    """Return how long a body may be that takes so many bytes in the file."""
    return 256 * compressed + 65536


def checksum(content: bytes) -> int:
    """Return the CRC-32 that bytes 6 to 9 of a pack must hold."""
    return zlib.crc32(memoryview(content)[HEADER:], zlib.crc32(content[4:6]))


def body_of(content: bytes, origin: str) -> bytes:
    """Return a pack's body, decompressed; CorruptArtifact where that is not as it declares."""
    outer = Cursor(content, origin)
    outer.at = HEADER
    length = outer.uvarint()
    compressed = outer.take(len(content) - outer.at)
    if length > longest_body(len(compressed)):
        raise outer.fail(f"a body of {length} bytes is declared by {len(compressed)} bytes")
    compression = content[5]
    if compression not in COMPRESSIONS:
        raise outer.fail(f"compression {compression} is unknown")
    return _decompress(compression, compressed, length, outer)


def _read(content: bytes, origin: str) -> Pack:
    body = Cursor(body_of(content, origin), origin)
    skeleton = bytes(body.take(body.uvarint()))
    # A hostile file's numbers (signalling NaN, scales that overflow) must not make numpy warn.
    with np.errstate(all="ignore"):
        tensors = tuple(_read_tensor(body) for _ in range(_bounded(body, body.uvarint())))
        if len({t.name for t in tensors}) < len(tensors):
            raise body.fail("two tensors have the same name")
        count = _bounded(body, body.uvarint())
        forests = _read_forests(body, count) if count else ()
    if body.at != len(body.data):
        raise body.fail(f"{len(body.data) - body.at} bytes follow the last part")
    return Pack(content[4], COMPRESSIONS[content[5]], skeleton, tensors, forests)


READERS: dict[int, Callable[[bytes, str], Pack]] = {VERSION: _read}


def _read_forests(body: Cursor, count: int) -> tuple[Forest, ...]:
    # Imported where there are trees: as much code as all the rest.
    from toolkit.runtime.pack.forest import streams

    return tuple(streams.read(body) for _ in range(count))


def _decompress(compression: int, data: memoryview, length: int, cursor: Cursor) -> bytes:
    """Return exactly `length` bytes; never makes more than that, whatever the data says."""
    if compression == STORED:
        body, complete = bytes(data), True
    elif compression == DEFLATE:
        inflate = zlib.decompressobj(-15, zdict=DICTIONARY)
        try:
            body = inflate.decompress(data, length + 1)
        except zlib.error as error:
            raise cursor.fail(f"the deflate stream is damaged ({error})") from None
        complete = inflate.eof and not inflate.unused_data
    else:
        body, complete = _unlzma(data, length, cursor)
    if len(body) != length or not complete:
        raise cursor.fail(f"the body is not the {length} bytes that are declared")
    return body


def _unlzma(data: memoryview, length: int, cursor: Cursor) -> tuple[bytes, bool]:
    import lzma  # its C extension is missing from some minimal interpreters; small packs work there

    # The raw format has no header of its own, so the window is ours and not the file's to choose.
    filters = [{"id": lzma.FILTER_LZMA2, "dict_size": LZMA_WINDOW}]
    stream = lzma.LZMADecompressor(lzma.FORMAT_RAW, filters=filters)
    try:
        body = stream.decompress(bytes(data), length + 1)
    except (lzma.LZMAError, EOFError) as error:
        raise cursor.fail(f"the lzma stream is damaged ({error})") from None
    return body, stream.eof and not stream.unused_data


def _bounded(body: Cursor, count: int) -> int:
    # A tensor or ensemble takes five bytes or more: a count is held against what is left.
    if count > MAX_PARTS or count * 5 > len(body.data) - body.at:
        raise body.fail(f"{count} parts are declared at byte {body.at} of the body")
    return count


def _read_tensor(body: Cursor) -> Tensor:
    start = body.at
    name = body.text()
    elem_type, rank = body.uvarint(), body.uvarint()
    if elem_type not in ELEMENT_TYPES or rank > MAX_RANK:
        raise body.fail(f"tensor {name!r} has element type {elem_type} and {rank} dimensions")
    shape = tuple(body.uvarint() for _ in range(rank))
    # Beside a dimension of 0 the others must still be such as numpy can multiply.
    if any(d >= 1 << 31 for d in shape) or math.prod(max(d, 1) for d in shape) >= 1 << 40:
        raise body.fail(f"tensor {name!r} has the shape {shape}")
    code = body.u8()
    if code not in DECODERS:
        raise body.fail(f"tensor {name!r} has the unknown encoding {code}")
    bits = bits_of(code, elem_type, body.data[body.at : body.at + 2])
    values = DECODERS[code](body, elem_type, shape)
    return Tensor(name, elem_type, NAMES[code], bits, values, body.at - start)
