"""Threshold codes within the cells that the splits above leave (see `forest/streams`)."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import numpy as np

from toolkit.runtime.pack.cursor import Cursor

GROUP = 4  # splits whose codes share a number
MAX_TABLE = (1 << 16) - 1
MAX_BOUNDS = 1 << 23


class Outside(ValueError):
    """A code lies outside its cell, or the cells would take too much memory."""


def read_cells(
    cursor: Cursor,
    split: np.ndarray,
    starts: list[int],
    feature: np.ndarray,
    sizes: np.ndarray,
    inclusive: bool,
) -> np.ndarray:
    """Return each split's threshold code, int64 [i].

    sizes: the number of thresholds of each feature; starts: of the levels. inclusive: the bounds
    belong to both children.
    """
    stored = cursor.take(cursor.uvarint())
    words = np.zeros(len(stored) // 8 + 3, dtype="<u8")
    words.view(np.uint8)[: len(stored)] = np.frombuffer(stored, dtype=np.uint8)
    at = 0
    codes = [np.zeros(0, dtype=np.int64)]

    def take(low: np.ndarray, room: np.ndarray) -> np.ndarray:
        nonlocal at
        rooms = grouped(room)
        size = bit_lengths(rooms)
        ends = at + np.cumsum(size)
        if int(ends[-1]) > 8 * len(stored):
            raise Outside(f"{ends[-1]} bits of codes in {len(stored)} bytes")
        code = low + unmixed(extract(words, ends - size, size), rooms)[: len(low)]
        at = int(ends[-1])
        codes.append(code)
        return code

    try:
        walk(split, starts, feature, sizes, inclusive, take)
    except Outside as error:
        raise cursor.fail(f"threshold codes that are not in their cells ({error})") from None
    return np.concatenate(codes)


def walk(
    split: np.ndarray,
    starts: list[int],
    feature: np.ndarray,
    sizes: np.ndarray,
    inclusive: bool,
    take: Callable[[np.ndarray, np.ndarray], np.ndarray],
) -> None:
    """Go down the levels, and ask `take(low, room)` for the codes of each level's splits.

    low, room: int64, the lowest code and the number of codes of each split's cell.
    """
    if sizes.max(initial=0) > MAX_TABLE:
        raise Outside(f"a feature of {sizes.max()} thresholds")
    features = len(sizes)
    whole = np.concatenate([np.zeros(features), sizes]).astype(np.uint16)  # low, then high
    bounds = np.repeat(whole[None], int(split[: starts[1]].sum()), axis=0)
    first = 0
    for start, end in itertools.pairwise(starts[1:]):
        count = len(bounds)
        mine = feature[first : first + count].astype(np.int64)
        first += count
        row = np.arange(count)
        lowest = bounds[row, mine].astype(np.int64)
        room = bounds[row, features + mine].astype(np.int64) - lowest
        if (room < 1).any():
            raise Outside("a cell without thresholds")
        code = take(lowest, room)
        inner = np.flatnonzero(split[start:end])  # the children that are splits themselves
        if len(inner) * len(whole) > 2 * MAX_BOUNDS:
            raise Outside(f"{len(inner) * features} bounds a level")
        parent, right = inner >> 1, inner & 1
        bounds = bounds.take(parent, axis=0)
        column = mine[parent] + features * (1 - right)
        bounds[np.arange(len(inner)), column] = code[parent] + (right ^ inclusive)


def grouped(room: np.ndarray) -> np.ndarray:
    """Return `room` [k] as uint64 [GROUP, ⌈k / GROUP⌉], 1 where there is no split."""
    groups = -(-len(room) // GROUP)
    padded = np.ones(groups * GROUP, dtype=np.uint64)
    padded[: len(room)] = room
    return np.ascontiguousarray(padded.reshape(groups, GROUP).T)


def bit_lengths(rooms: np.ndarray) -> np.ndarray:
    """Return how many bits the number of each group takes, int64 [groups]."""
    product = rooms[0].copy()
    for more in rooms[1:]:
        product *= more
    rest = product - np.uint64(1)
    size = np.frexp(rest.astype(np.float64))[1].astype(np.int64)
    # A number next to a power of two may have been rounded up to it.
    return size - ((rest >> np.maximum(size - 1, 0).astype(np.uint64)) == 0) * (size > 0)


def extract(words: np.ndarray, start: np.ndarray, size: np.ndarray) -> np.ndarray:
    """Return `size` bits (0 to 64) from bit `start` on of uint64 words, uint64."""
    word, shift = start >> 6, (start & 63).astype(np.uint64)
    # A shift by 64 is undefined: in two steps it is 0.
    above = (words[word + 1] << (np.uint64(63) - shift)) << np.uint64(1)
    value = (words[word] >> shift) | above
    ones = np.uint64(0xFFFFFFFFFFFFFFFF)
    return value & np.where(size == 0, np.uint64(0), ones >> ((64 - size) & 63).astype(np.uint64))


def unmixed(number: np.ndarray, rooms: np.ndarray) -> np.ndarray:
    """Return the codes, int64 [groups · GROUP], of numbers in mixed radix."""
    digits = np.empty((rooms.shape[1], len(rooms)), dtype=np.int64)
    for k, room in enumerate(rooms[:-1]):
        rest = number // room
        digits[:, k] = number - rest * room
        number = rest
    if (number >= rooms[-1]).any():
        raise Outside("a number beyond its largest")
    digits[:, -1] = number
    return digits.ravel()


def mixed(codes: np.ndarray, rooms: np.ndarray) -> np.ndarray:
    """Return the numbers of codes [k], uint64 [groups]: the inverse of `unmixed`."""
    padded = np.zeros(rooms.size, dtype=np.uint64)
    padded[: len(codes)] = codes
    digits = padded.reshape(-1, GROUP).T
    number = np.zeros(rooms.shape[1], dtype=np.uint64)
    for digit, room in zip(digits[::-1], rooms[::-1], strict=True):
        number = number * room + digit
    return number
