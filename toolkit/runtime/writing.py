"""Writing files so that a killed run leaves the old file or the new one, and nothing for long."""

from __future__ import annotations

import os
import stat
import time
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from toolkit.errors import CorruptArtifact, InvalidInput
from toolkit.runtime.files import AnyPath, fitting
from toolkit.runtime.regular import FLAGS
from toolkit.runtime.signals import deferred

PART = ".part"  # ends the name of a file that is being written
CHUNK = 1 << 24  # bytes of one write: signals are heeded between two
ATTEMPTS, PAUSE_S = 4, 0.05  # of renaming a file: on Windows not while somebody reads it


def write_atomic(path: AnyPath, content: bytes) -> None:
    """Write `content` to a temporary name beside `path`, read it back, and rename it over `path`.

    Errors and signals as in `written_atomic`.
    """
    with written_atomic(path) as write:
        write(content)


@contextmanager
def written_atomic(path: AnyPath) -> Iterator[Callable[[bytes], None]]:
    """Yield what writes to a temporary name beside `path`; it is renamed over `path` at the end.

    What a link leads to is written, and the link stays. What killed runs left of the same path is
    removed first, and what was written is read back before it is renamed. Raises InvalidInput where
    `path` cannot be written or is no regular file, and CorruptArtifact where other bytes are read
    back; then, as where a signal comes or the block within raises, `path` is as it was. Where a
    signal comes later, its KeyboardInterrupt says that the file had been written.
    """
    target = os.path.realpath(path)
    written = False
    try:
        with deferred() as heed:
            try:
                _require_regular(path, target)
                with made(os.path.dirname(target)) as new:
                    with _replacing(target, heed) as write:
                        yield write
                    written = True
                    sync_folders(os.path.dirname(target), new)
            except OSError as error:
                raise InvalidInput(_failed(path, error, written)) from None
    except KeyboardInterrupt as stop:
        if written:
            stop.args = (f"{path} had been written",)
        raise


@contextmanager
def _replacing(target: str, heed: Callable[[], None]) -> Iterator[Callable[[bytes], None]]:
    folder, name = os.path.split(target)
    _remove_abandoned(folder, name)
    temporary = os.path.join(folder, f"{_stem(name)}{os.urandom(8).hex()}{PART}")
    try:
        with _synced(temporary, heed) as part:
            yield part.write
        part.require_same(temporary, target)
        heed()
        rename(temporary, target)
    except BaseException:
        with suppress(OSError):  # what resists is left to the next run
            os.unlink(temporary)
        raise


def _require_regular(path: AnyPath, target: str) -> None:
    """Raise InvalidInput where a file would take the place of something else."""
    try:
        mode = os.stat(target).st_mode
    except FileNotFoundError:
        return
    if not stat.S_ISREG(mode):
        raise InvalidInput(
            f"{path}: cannot be written (it is a folder, a pipe or a device); choose a file"
        )


def _failed(path: AnyPath, error: OSError, written: bool) -> str:
    if written:
        return (
            f"{path}: is written, but may be lost if the power fails now ({error.strerror}); check "
            "the disk"
        )
    return (
        f"{path}: cannot be written ({error.strerror}); free some space or choose a writable folder"
    )


class _Part:
    """An open file that is being written; it knows what it was given, by size and CRC-32."""

    def __init__(self, handle: int, heed: Callable[[], None]) -> None:
        self._handle, self._heed = handle, heed
        self._size, self._crc = 0, 0

    def write(self, content: bytes) -> None:
        """Write all of the content, a chunk at a time; signals are heeded before each."""
        self._size += len(content)
        self._crc = zlib.crc32(content, self._crc)
        rest = memoryview(content)
        self._heed()
        while rest:
            rest = rest[os.write(self._handle, rest[:CHUNK]) :]
            self._heed()

    def require_same(self, path: AnyPath, name: str) -> None:
        """Raise CorruptArtifact where the file of this `name` holds other bytes than written."""
        size, crc, handle = 0, 0, os.open(path, FLAGS)
        try:
            while block := os.read(handle, CHUNK):
                size, crc = size + len(block), zlib.crc32(block, crc)
        finally:
            os.close(handle)
        if (size, crc) != (self._size, self._crc):
            raise _others(name, self._size)


@contextmanager
def _synced(path: AnyPath, heed: Callable[[], None]) -> Iterator[_Part]:
    """Open a new file, which is on the disk at the end; FileExistsError where there is one.

    It is locked for as long where the system has such locks, so that others see that it is not
    abandoned.
    """
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
    handle = os.open(path, flags, 0o666)
    try:
        _lock(handle)
        yield _Part(handle, heed)
        os.fsync(handle)
    finally:
        os.close(handle)


def write_synced(path: AnyPath, content: bytes, heed: Callable[[], None] = lambda: None) -> None:
    """Write a new file and have it on the disk; FileExistsError where there is one.

    heed: called between two chunks, see `toolkit.runtime.signals`.
    """
    with _synced(path, heed) as part:
        part.write(content)


def require_same(path: AnyPath, content: bytes, name: str) -> None:
    """Raise CorruptArtifact where a file of this `name` holds other bytes than those written."""
    rest = memoryview(content)
    same = True
    handle = os.open(path, FLAGS)
    try:
        while same and (block := os.read(handle, CHUNK)):
            same, rest = block == rest[: len(block)], rest[len(block) :]
    finally:
        os.close(handle)
    if rest or not same:
        raise _others(name, len(content))


def _others(name: str, size: int) -> CorruptArtifact:
    return CorruptArtifact(
        f"{name}: other bytes were read back than the {size} written; check the disk"
    )


def rename(source: AnyPath, target: AnyPath) -> None:
    """Rename a file over another one; OSError where it is not done.

    A network drive that answers twice may say that it failed, and have done it the first time.
    """
    for attempt in range(ATTEMPTS):
        try:
            return os.replace(source, target)
        except OSError:
            if _is_gone(source):
                return None
            if attempt == ATTEMPTS - 1:
                raise
            time.sleep(PAUSE_S)
    return None


def _is_gone(path: AnyPath) -> bool:
    try:
        os.lstat(path)
    except FileNotFoundError:
        return True
    except OSError:  # nobody can tell
        return False
    return False


@contextmanager
def made(folder: AnyPath) -> Iterator[list[str]]:
    """Make a folder and those above it, which are yielded; remove them where they stay empty."""
    new: list[str] = []
    above = os.fspath(folder)
    try:
        while above and not os.path.exists(above):
            new.append(above)
            above = os.path.dirname(above)
        if folder:
            os.makedirs(folder, exist_ok=True)
        yield new
    except BaseException:
        with suppress(OSError):
            for path in new:
                os.rmdir(path)
        raise


def sync_folders(folder: AnyPath, new: list[str]) -> None:
    """Have the names in a folder on the disk, and those of the folders that were made for it."""
    _sync(folder)
    for path in new:
        with suppress(PermissionError):  # a folder above that lets names be made, and not be read
            _sync(os.path.dirname(path) or os.curdir)


def _sync(folder: AnyPath) -> None:
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
    start = _stem(name)
    for entry in os.listdir(folder):
        if not (entry.startswith(start) and entry.endswith(PART)):
            continue
        path = os.path.join(folder, entry)
        try:
            handle = os.open(path, os.O_RDWR)
        except OSError:
            continue
        try:
            free = _lock(handle)
        finally:
            os.close(handle)
        if free:
            with suppress(OSError):
                os.unlink(path)


def _stem(name: str) -> str:
    """Return how the temporary names of a file begin."""
    return f".{fitting(name, 18 + len(PART))}."


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
