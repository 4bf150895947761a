"""Reading, hashing and writing files so that a killed run leaves the old file or the new one.

And the standard streams: their encoding, and readers that go away.

Paths are text on the way to a prediction: importing pathlib takes a twentieth of a process's start.
"""

from __future__ import annotations

import io
import os
import sys

from toolkit.errors import InvalidInput

AnyPath = str | os.PathLike[str]

SMALL = 1 << 20  # bytes that are hashed without OpenSSL in less time than loading it takes


def plain_path(path: AnyPath) -> str:
    """Return a path as text; InvalidInput where it is none, or one that no file can have."""
    try:
        found = os.fspath(path)
    except TypeError:
        found = None
    if not isinstance(found, str) or "\0" in found:
        raise InvalidInput(f"{path!r:.100} is no path; give that of a file or a model directory")
    return found


def read_bytes(path: AnyPath) -> bytes:
    """Return the content of `path`; InvalidInput where it is missing or not a readable file."""
    try:
        with open(path, "rb") as stream:
            return stream.read()
    except FileNotFoundError:
        raise InvalidInput(f"{path}: no such file; check the path") from None
    except OSError as error:
        raise InvalidInput(
            f"{path}: cannot be read ({error.strerror}); give a readable file"
        ) from None


def write_atomic(path: AnyPath, content: bytes) -> None:
    """Write `content` to a temporary name beside `path`, then rename it over `path`.

    Raises InvalidInput where the folder cannot be written.
    """
    import tempfile

    folder, name = os.path.split(path)
    try:
        os.makedirs(folder or ".", exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=folder or ".", prefix=f".{name}.")
    except OSError as error:
        raise InvalidInput(
            f"{path}: cannot be written ({error.strerror}); choose a writable folder"
        ) from None
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        os.chmod(temporary, 0o666 & ~_umask())
        os.replace(temporary, path)
    except BaseException as error:
        os.unlink(temporary)
        if isinstance(error, OSError):
            raise InvalidInput(
                f"{path}: cannot be written ({error.strerror}); free some space or choose another "
                "path"
            ) from None
        raise


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


def _umask() -> int:
    # mkstemp makes files private; artifacts are to be read by other users (a container's, say).
    mask = os.umask(0)
    os.umask(mask)
    return mask
