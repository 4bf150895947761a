"""Bytes that are read from front to back."""

from __future__ import annotations

import struct
from typing import Any


class Stream:
    """A position in bytes; reading past the end raises ValueError."""

    def __init__(self, data: bytes) -> None:
        self.data, self.at = data, 0

    def take(self, count: int) -> bytes:
        """Return the next bytes."""
        if self.at + count > len(self.data):
            raise ValueError("too short")
        self.at += count
        return self.data[self.at - count : self.at]

    def rest(self) -> bytes:
        """Return all that is left."""
        return self.take(len(self.data) - self.at)

    def byte(self) -> int:
        """Return the next byte as a number."""
        return self.take(1)[0]

    def varint(self) -> int:
        """Return the next base-128 number, its low groups first."""
        value = shift = 0
        while True:
            byte = self.byte()
            value |= (byte & 127) << shift
            if byte < 128:
                return value
            shift += 7

    def text(self) -> str:
        """Return text that begins with its length."""
        return self.take(self.varint()).decode("utf-8")

    def many(self, kind: str, count: int) -> list[Any]:
        """Return `count` numbers; kind: a letter of the struct module."""
        return list(struct.unpack(f"<{count}{kind}", self.take(count * struct.calcsize(kind))))

    def bits(self, count: int) -> list[int]:
        """Return `count` bits, the first in the lowest bit of the first byte."""
        packed = self.take((count + 7) // 8)
        return [packed[i // 8] >> i % 8 & 1 for i in range(count)]

    def codes(self, count: int, width: int) -> list[int]:
        """Return `count` numbers of `width` bits, one behind the other from the lowest bit on."""
        packed = self.take((count * width + 7) // 8)
        found, held, bits = [], 0, 0
        for byte in packed:
            held |= byte << bits
            bits += 8
            while bits >= width and len(found) < count:
                found.append(held & (1 << width) - 1)
                held >>= width
                bits -= width
        return found
