"""Reading and hashing files.

And the standard streams: their encoding, and readers that go away.

Paths are text on the way to a prediction: importing pathlib takes a twentieth of a process's start.
"""

from __future__ import annotations

import io
import os
import stat
import sys
from typing import Any

from toolkit.errors import InvalidInput

AnyPath = str | os.PathLike[str]

MANIFEST = "manifest.json"  # of a model directory
LONGEST = 255  # bytes of a file's name, on every system
SMALL = 1 << 20  # bytes that are hashed without OpenSSL in less time than loading it takes
STREAM = 1 << 28  # bytes that are taken of what has no size: a pipe, a device


def plain_path(path: AnyPath) -> str:
    """Return a path as text; InvalidInput where it is none, or one that no file can have."""
    try:
        text = os.fspath(path)
    except TypeError:
        text = None
    if not isinstance(text, str) or "\0" in text:
        raise InvalidInput(f"{path!r:.100} is no path; give that of a file or a model directory")
    return text


def fitting(name: str, room: int) -> str:
    """Return a file's name, or a part of its SHA-256 where `room` bytes more would be too many."""
    encoded = name.encode("utf-8", "surrogatepass")
    return name if len(encoded) + room <= LONGEST else sha256(encoded)[:32]


def read_bytes(path: AnyPath) -> bytes:
    """Return the content of `path`; InvalidInput where it is missing or not a readable file."""
    try:
        with open(path, "rb") as stream:
            if stat.S_ISREG(os.fstat(stream.fileno()).st_mode):
                return stream.read()
            return read_stream(stream, path)
    except FileNotFoundError:
        raise InvalidInput(f"{path}: no such file; check the path") from None
    except ValueError:
        raise InvalidInput(f"{path!r:.300}: is no name of a file; check the path") from None
    except OSError as error:
        raise unreadable(path, error) from None


def read_stream(stream: Any, origin: AnyPath) -> bytes:
    """Return all of a pipe or device; InvalidInput where that is more than `STREAM` bytes."""
    content = stream.read(STREAM + 1)
    if len(content) > STREAM:
        raise InvalidInput(f"{origin}: gives more than {STREAM} bytes; give a file")
    return content


def unreadable(path: AnyPath, error: OSError) -> InvalidInput:
    """Return the refusal of a file that the system does not let be read."""
    return InvalidInput(f"{path!s:.300}: cannot be read ({error.strerror}); give a readable file")


def sha256(content: bytes) -> str:
    """Return the hexadecimal SHA-256 of `content`."""
    if len(content) <= SMALL:
        # Python's own, which hashlib takes where there is no OpenSSL.
        try:
            if sys.version_info >= (3, 12):
                from _sha2 import sha256 as small
            else:
                from _sha256 import (  # type: ignore[import-not-found,unused-ignore]
                    sha256 as small,
                )
            return small(content).hexdigest()
        except ImportError:
            pass
    import hashlib

    return hashlib.sha256(content).hexdigest()


def set_encodings() -> None:
    """Let no character be one that standard output or error cannot bear.

    Files and other programs get UTF-8, as JSON is; Windows would give them a code page without the
    Δ of our tables. A terminal keeps its own encoding, with a question mark for what that lacks.
    """
    if "PYTHONIOENCODING" in os.environ:
        return
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            if stream.isatty():
                stream.reconfigure(errors="replace")
            else:
                stream.reconfigure(encoding="utf-8", errors="backslashreplace")


def reader_left(error: OSError) -> bool:
    """Tell whether writing failed because the reader of a pipe went away (`… | head`)."""
    import errno

    on_windows = sys.platform == "win32" and error.errno == errno.EINVAL  # how it says it there
    return isinstance(error, BrokenPipeError) or on_windows
