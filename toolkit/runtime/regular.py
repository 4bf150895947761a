"""Reading regular files of a known size, and nothing else: no pipe, no device, no endless file."""

from __future__ import annotations

import os
import stat

from toolkit.errors import CorruptArtifact, InvalidInput
from toolkit.runtime.files import AnyPath, unreadable

# To read a file with: a FIFO would make open() wait for its other end; O_BINARY is Windows'.
FLAGS = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)


def another(path: AnyPath, size: int, recorded: int) -> CorruptArtifact:
    """Return the refusal of a file that is not the one that was recorded."""
    return CorruptArtifact(
        f"{path}: its SHA-256 is not the one in manifest.json ({size} bytes, recorded "
        f"{recorded}); copy it again or make it again with toolkit"
    )


def read_regular(path: AnyPath, most: int, size: int | None = None) -> bytes:
    """Return the bytes of a regular file, of `most` at most; else CorruptArtifact.

    size: how many it must have, where that is recorded. Raises InvalidInput where it cannot be
    opened.
    """
    try:
        handle = os.open(path, FLAGS)
        try:
            status = os.fstat(handle)
            if not stat.S_ISREG(status.st_mode):
                raise CorruptArtifact(
                    f"{path}: is no regular file (a pipe, a device or a folder); copy the file"
                )
            if size is not None and status.st_size != size:
                raise another(path, status.st_size, size)
            if status.st_size > most:
                raise CorruptArtifact(
                    f"{path}: has {status.st_size} bytes, up to {most} are read; export the model "
                    "again"
                )
            return _all_of(handle, status.st_size)
        finally:
            os.close(handle)
    except FileNotFoundError:
        raise InvalidInput(f"{path}: no such file; check the path") from None
    except OSError as error:
        raise unreadable(path, error) from None


def _all_of(handle: int, size: int) -> bytes:
    content = os.read(handle, size)
    while len(content) < size:  # the system gives two gigabytes at a time
        more = os.read(handle, size - len(content))
        if not more:
            break
        content += more
    return content
