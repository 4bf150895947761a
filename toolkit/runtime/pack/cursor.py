"""Reading a buffer that may be hostile: every length is held against what is left."""

from __future__ import annotations

import numpy as np

from toolkit.errors import CorruptArtifact


class Cursor:
    """A position in a buffer that never moves past its end."""

    def __init__(self, data: bytes | memoryview, origin: str) -> None:
        self.data, self.origin, self.at = memoryview(data), origin, 0

    def fail(self, what: str) -> CorruptArtifact:
        """Return the error that names the file, what is wrong in it and the remedy."""
        return CorruptArtifact(f"{self.origin}: {what}; copy or make the file again")

    def take(self, size: int) -> memoryview:
        """Return the next `size` bytes; CorruptArtifact where fewer are left."""
        if size > len(self.data) - self.at:
            left = len(self.data) - self.at
            raise self.fail(
                f"{size} bytes are declared at byte {self.at} of the body, {left} are left"
            )
        self.at += size
        return self.data[self.at - size : self.at]

    def u8(self) -> int:
        """Return the next byte."""
        return self.take(1)[0]

    def uvarint(self) -> int:
        """Return the next base-128 varint."""
        value = shift = 0
        while True:
            byte = self.u8()
            value |= (byte & 0x7F) << shift
            shift += 7
            if value >= 1 << 64 or (byte >= 0x80 and shift > 63):
                raise self.fail(f"the integer before byte {self.at} of the body exceeds 64 bits")
            if byte < 0x80:
                return value

    def text(self) -> str:
        """Return the name that is next: a uvarint, and so many bytes of UTF-8."""
        start = self.at
        try:
            return bytes(self.take(self.uvarint())).decode()
        except UnicodeDecodeError:
            raise self.fail(f"the name at byte {start} of the body is not UTF-8") from None

    def array(self, dtype: np.dtype, count: int) -> np.ndarray:
        """Return the next `count` elements as a read-only array that shares the buffer."""
        return np.frombuffer(self.take(count * dtype.itemsize), dtype=dtype)

    def bits(self, count: int) -> np.ndarray:
        """Return the next `count` bits, eight a byte, the first in the lowest bit, as bool."""
        packed = self.array(np.dtype("u1"), (count + 7) // 8)
        return np.unpackbits(packed, count=count, bitorder="little").view(bool)
