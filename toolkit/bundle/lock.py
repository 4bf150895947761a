"""One writer at a time: a lock file in the model directory, there while somebody writes.

On a drive without locks it is a file that one of them can make (filelock's SoftFileLock), with the
writer's machine and process in it: who was killed on this machine holds nothing any more.
"""

from __future__ import annotations

import errno
import os
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path

from toolkit.errors import InvalidInput, ToolkitWarning
from toolkit.runtime.manifest import PREFIX

LOCK, MARK, WRITER = f"{PREFIX}lock", f"{PREFIX}held", f"{PREFIX}writer"
LOCKS = frozenset((LOCK, MARK, WRITER))
WITHOUT_LOCKS = {errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOLCK}  # what a drive says
WAIT_S = 60.0  # writing takes a moment, whatever the command before it took
POLL_S = 0.05
SHOWN = 200  # letters of the other writer's command

Release = Callable[[], None]


@contextmanager
def locked(folder: Path, heed: Callable[[], None]) -> Iterator[None]:
    """Hold the lock of a model directory, which must exist.

    heed: called while another one is waited for, see `toolkit.runtime.signals`. Raises InvalidInput
    where the other one takes longer than WAIT_S, or the folder cannot be locked.
    """
    try:
        release = _acquire(folder, heed)
    except OSError as error:
        raise InvalidInput(
            f"{folder}: cannot be written ({error.strerror}); choose a writable folder"
        ) from None
    try:
        with suppress(OSError):  # it only tells others whom they wait for
            _sign(folder / WRITER)
        yield
    finally:
        with suppress(OSError):
            os.unlink(folder / WRITER)
        with suppress(OSError):  # what is left there holds nobody up
            release()


def _acquire(folder: Path, heed: Callable[[], None]) -> Release:
    """Return what gives the lock back, once it is had."""
    begin, told = time.monotonic(), False
    while True:
        heed()
        release = _attempt(folder)
        if release:
            return release
        if time.monotonic() - begin > WAIT_S:
            raise InvalidInput(
                f"{folder}: {_holder(folder)} has been writing it for more than {WAIT_S:g} s; run "
                f"this again when that has ended{_remedy(folder)}"
            )
        if not told:
            warnings.warn(
                f"{folder}: waiting for {_holder(folder)}, which writes it",
                ToolkitWarning,
                stacklevel=2,
            )
            told = True
        time.sleep(POLL_S)


def _attempt(folder: Path) -> Release | None:
    """Return what gives the lock back, None where another one has it."""
    from filelock import lock_descriptor

    while True:
        handle = _open(folder)
        try:
            taken = lock_descriptor(handle, blocking=False)
            # Who holds it removes it; then this was the lock of a file that nobody sees any more.
            if taken and _is_at(handle, folder / LOCK):
                return partial(_release, folder, handle)
        except OSError as error:
            os.close(handle)
            if error.errno in WITHOUT_LOCKS:
                return _mark(folder)
            raise
        os.close(handle)
        if not taken:
            return None


def _open(folder: Path) -> int:
    """Return a descriptor of the lock file."""
    flags = os.O_CREAT | getattr(os, "O_NOFOLLOW", 0)
    try:
        return os.open(folder / LOCK, flags | os.O_RDWR, 0o666)
    except PermissionError:  # another user's, who was killed: read, it can be locked as well
        return os.open(folder / LOCK, flags | os.O_RDONLY, 0o666)
    except FileNotFoundError:  # whoever made the folder failed, and removed it
        folder.mkdir(parents=True, exist_ok=True)
        return os.open(folder / LOCK, flags | os.O_RDWR, 0o666)


def _mark(folder: Path) -> Release | None:
    """Return what removes the mark of this writer, None where another one has made his."""
    from filelock import SoftFileLock, Timeout

    with suppress(OSError):
        os.unlink(folder / LOCK)
    lock = SoftFileLock(folder / MARK, thread_local=False)
    try:
        lock.acquire(blocking=False)
    except Timeout:
        return None
    return lock.release


def _release(folder: Path, handle: int) -> None:
    from filelock import unlock_descriptor

    with suppress(OSError):  # Windows removes no open file
        os.unlink(folder / LOCK)
    try:
        unlock_descriptor(handle)
    finally:
        os.close(handle)
    if os.name == "nt":
        with suppress(OSError):  # who waits for it has it open, and removes it in turn
            os.unlink(folder / LOCK)


def _is_at(handle: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(handle), os.stat(path))
    except FileNotFoundError:
        return False


def _sign(path: Path) -> None:
    """Write who holds the lock, in a new file: never through a link that somebody put there."""
    path.unlink(missing_ok=True)
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
    try:
        os.write(handle, _who().encode("utf-8", "backslashreplace"))
    finally:
        os.close(handle)


def _who() -> str:
    program = os.path.basename(sys.argv[0]) if sys.argv and sys.argv[0] else "python"
    return f"process {os.getpid()} ({' '.join([program, *sys.argv[1:]])})"


def _remedy(folder: Path) -> str:
    if not (folder / MARK).exists():
        return ""
    return f", or remove {folder / MARK} if it was killed on another machine"


def _holder(folder: Path) -> str:
    """Return who holds the lock, in words."""
    try:
        with open(folder / WRITER, encoding="utf-8", errors="replace") as stream:
            text = stream.read(SHOWN)
    except OSError:
        text = ""
    return "".join(c if c.isprintable() else "?" for c in text) or "another process"
