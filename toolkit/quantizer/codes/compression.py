"""The body of a pack compressed: stored, deflated or LZMA, whichever is smallest."""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Iterable, Iterator, Sequence

from toolkit.runtime import pack
from toolkit.runtime.pack.dictionary import DICTIONARY

# Streams of fewer bytes share a run: a run costs a header, and its model starts from nothing.
SHORT = 256
# (lc, lp, pb) of LZMA's literals: bytes by themselves, bytes by the one before, and its default.
MODELS = ((0, 0, 0), (4, 0, 0), (3, 0, 2))
# A draft of more bytes has its streams compressed one by one only, which takes half the time.
LARGE = 1 << 18
# The encoder's dictionary is at least so large, and no larger than it takes to hold the part.
SMALLEST_WINDOW = 1 << 16
# Compressed parts of so many bytes together are kept: packs of one model have most streams alike.
KEPT = 1 << 25
_kept: dict[bytes, bytes] = {}


def compressed(streams: Sequence[bytes], draft: bool = False) -> tuple[int, bytes]:
    """Return the body, which is the streams' bytes in their order, as (compression, bytes).

    A compression that a reader would refuse as too dense is passed over. draft: a large body may
    have a percent or so more bytes than the fewest.
    """
    body = b"".join(streams)
    choices = [(pack.STORED, body), (pack.LZMA, run(_joined(streams)))]
    if not draft or len(body) <= LARGE:
        deflate = zlib.compressobj(9, zlib.DEFLATED, -15, 9, zdict=DICTIONARY)
        choices[1:1] = [
            (pack.DEFLATE, deflate.compress(body) + deflate.flush()),
            (pack.LZMA, run([body])),
        ]
    allowed = [(k, c) for k, c in choices if len(body) <= pack.longest_body(len(c))]
    return min(allowed, key=lambda choice: len(choice[1]))


def _joined(streams: Sequence[bytes]) -> Iterator[bytes]:
    """Yield the streams, short ones joined to what follows them."""
    waiting = b""
    for stream in streams:
        waiting += stream
        if len(stream) >= SHORT:
            yield waiting
            waiting = b""
    yield waiting


def run(parts: Iterable[bytes]) -> bytes:
    """Return one raw LZMA2 stream of the parts, each compressed with the model that suits it.

    A stream of LZMA2 is a run of chunks and a zero byte; a chunk may reset the dictionary and give
    its model anew, and the first of a stream does. So the chunks of several streams one after the
    other are a stream, whose reader learns the models from it.
    """
    return b"".join(map(_smallest, parts)) + b"\0"


def _smallest(part: bytes) -> bytes:
    """Return a part's chunks with the model that suits it, from memory where they are there."""
    key = hashlib.blake2b(part, digest_size=16).digest()
    packed = _kept.get(key)
    if packed is None:
        packed = _kept[key] = min((_chunks(part, model) for model in MODELS), key=len)
        while sum(map(len, _kept.values())) > KEPT:
            _kept.pop(next(iter(_kept)))
    return packed


def _chunks(part: bytes, model: tuple[int, int, int]) -> bytes:
    import lzma

    names = dict(zip(("lc", "lp", "pb"), model, strict=True))
    # The encoder takes eleven times its dictionary in memory, and a part of that is filled with 0.
    size = min(pack.LZMA_WINDOW, max(SMALLEST_WINDOW, 1 << (len(part) - 1).bit_length()))
    filters = [{"id": lzma.FILTER_LZMA2, "preset": 9, "dict_size": size, **names}]
    return lzma.compress(part, lzma.FORMAT_RAW, filters=filters)[:-1]
