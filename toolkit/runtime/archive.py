"""Zip archives (npz, skops) from anywhere: what they declare is checked before it is unpacked."""

from __future__ import annotations

import io
import math
from typing import Any

import numpy as np

from toolkit.errors import InvalidInput

# An archive may unpack to so many bytes, and so many times its own: deflate makes zeros a thousand
# times smaller, so that a megabyte could fill the memory; what people store is made ten to fifty
# times smaller (vocabularies are the largest).
SPARE, MULTIPLE = 128 << 20, 100


def allowance(size: int) -> int:
    """Return how many bytes an archive of `size` bytes may unpack to."""
    return SPARE + MULTIPLE * size


def check_archive(content: bytes, origin: str) -> None:
    """Raise InvalidInput where the members of a zip archive declare more than its allowance.

    zipfile gives no more of a member than it declares. What is no zip archive passes: who reads it
    says so.
    """
    import zipfile

    try:
        members = zipfile.ZipFile(io.BytesIO(content)).infolist()
    except Exception:  # zipfile's own, and those of damaged fields
        return
    check_size(sum(m.file_size for m in members), len(content), origin)


def check_size(declared: int, size: int, origin: str) -> None:
    """Raise InvalidInput where an archive of `size` bytes would unpack to more than it may."""
    if declared > allowance(size):
        raise InvalidInput(
            f"{origin}: its {size} bytes would unpack to {declared:.3g}, more than the "
            f"{allowance(size)} that are taken; write it without compression if it is meant so"
        )


def check_arrays(archive: Any, origin: str) -> None:
    """Raise InvalidInput where a member's header declares an array of another size than its bytes.

    archive: an open zipfile.ZipFile with numpy's files in it. Other members pass.
    """
    for member in archive.infolist():
        with archive.open(member) as stream:
            header = _header(stream)
            if header is None:
                continue
            shape, dtype = header
            left = member.file_size - stream.tell()
            if not dtype.hasobject and math.prod(shape) * dtype.itemsize != left:
                raise InvalidInput(
                    f"{origin}: its member {member.filename!r:.100} declares the shape "
                    f"{shape!s:.60} of {dtype!s:.60} in {left} bytes; write it again with "
                    "numpy.savez"
                )


def _header(stream: Any) -> tuple[tuple[int, ...], np.dtype] | None:
    """Return an array's shape and type; None for what numpy reads as no array or refuses."""
    readers = {
        (1, 0): np.lib.format.read_array_header_1_0,
        (2, 0): np.lib.format.read_array_header_2_0,
    }
    try:
        reader = readers.get(np.lib.format.read_magic(stream))
        if reader is None:
            return None
        shape, _, dtype = reader(stream)
    except ValueError:
        return None
    return shape, dtype
