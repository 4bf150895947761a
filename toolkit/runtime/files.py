"""Reading, hashing and writing files so that a killed run leaves the old file or the new one.

And the standard streams: their encoding, and readers that go away.

Paths are text on the way to a prediction: importing pathlib takes a twentieth of a process's start.
"""

from __future__ import annotations

import contextlib
import io
import os
import stat
import sys
from typing import Any

from toolkit.errors import InvalidInput

AnyPath = str | os.PathLike[str]

PART = ".part"  # ends the name of a file that is being written
CHUNK = 1 << 24  # bytes of one write: signals come through between two
SMALL = 1 << 20  # bytes that are hashed without OpenSSL in less time than loading it takes


STREAM = 1 << 28  # bytes that are taken of what has no size: a pipe, a device


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


def write_atomic(path: AnyPath, content: bytes) -> None:
    """Write `content` to a temporary name beside `path`, then rename it over `path`.

    What killed runs left of the same path is removed first. Raises InvalidInput where the folder
    cannot be written; then, as where it is interrupted, `path` is as it was.
    """
    folder, name = os.path.split(path)
    folder = folder or os.curdir
    temporary = os.path.join(folder, f".{name}.{os.urandom(8).hex()}{PART}")
    try:
        os.makedirs(folder, exist_ok=True)
        _remove_abandoned(folder, name)
        write_synced(temporary, content)
        os.replace(temporary, path)
    except OSError as error:
        _remove(temporary)
        raise InvalidInput(
            f"{path}: cannot be written ({error.strerror}); free some space or choose a writable "
            "folder"
        ) from None
    except BaseException:
        _remove(temporary)
        raise
    try:
        sync_folder(folder)
    except OSError as error:
        raise InvalidInput(
            f"{path}: is written, but may be lost if the power fails now ({error.strerror}); check "
            "the disk"
        ) from None


def write_synced(path: AnyPath, content: bytes) -> None:
    """Write a new file and have it on the disk; FileExistsError where there is one.

    What is written in is locked for as long where the system has such locks, so that others see
    that it is not abandoned.
    """
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
    handle = os.open(path, flags, 0o666)
    try:
        _lock(handle)
        rest = memoryview(content)
        while rest:
            rest = rest[os.write(handle, rest[:CHUNK]) :]
        os.fsync(handle)
    finally:
        os.close(handle)


def sync_folder(folder: AnyPath) -> None:
    """Have a folder's names on the disk; where a system cannot, nothing is done."""
    import errno

    if os.name == "nt":  # opens no folders, and needs no such thing
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):  # some network drives
            raise
    finally:
        os.close(handle)


def _remove_abandoned(folder: str, name: str) -> None:
    """Remove the temporary files of a name that nobody is writing any more."""
    start = f".{name}."
    for found in os.listdir(folder):
        if not (found.startswith(start) and found.endswith(PART)):
            continue
        path = os.path.join(folder, found)
        try:
            handle = os.open(path, os.O_RDWR)
        except OSError:
            continue
        try:
            free = _lock(handle)
        finally:
            os.close(handle)
        if free:
            _remove(path)


def _lock(handle: int) -> bool:
    """Lock an open file, unless another one has; Windows removes no open file anyway."""
    try:
        import fcntl

        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except (ImportError, OSError):  # none there, or none on this drive
        pass
    return True


def _remove(path: str) -> None:
    with contextlib.suppress(OSError):
        os.unlink(path)


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
