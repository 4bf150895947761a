"""One writer at a time: a lock file in the model directory, there while somebody writes."""

from __future__ import annotations

import os
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from toolkit.errors import InvalidInput, ToolkitWarning
from toolkit.runtime.manifest import PREFIX

LOCK, WRITER = f"{PREFIX}lock", f"{PREFIX}writer"
WAIT_S = 60.0  # writing takes a moment, whatever the command before it took
POLL_S = 0.05
SHOWN = 200  # letters of the other writer's command


@contextmanager
def locked(folder: Path, heed: Callable[[], None]) -> Iterator[None]:
    """Hold the lock of a model directory, which must exist.

    heed: called while another one is waited for, see `toolkit.bundle.signals`. Raises InvalidInput
    where the other one takes longer than WAIT_S, or the folder cannot be locked.
    """
    try:
        handle = _acquire(folder, heed)
    except OSError as error:
        raise InvalidInput(
            f"{folder}: cannot be written ({error.strerror}); choose a writable folder"
        ) from None
    try:
        with suppress(OSError):  # it only tells others whom they wait for
            (folder / WRITER).write_text(_who(), encoding="utf-8")
        yield
    finally:
        _release(folder, handle)


def _acquire(folder: Path, heed: Callable[[], None]) -> int:
    """Return the locked file's descriptor."""
    from filelock import lock_descriptor

    begin, told = time.monotonic(), False
    flags = os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0)
    while True:
        heed()
        try:
            handle = os.open(folder / LOCK, flags, 0o666)
        except FileNotFoundError:  # whoever made the folder failed, and removed it
            folder.mkdir(parents=True, exist_ok=True)
            continue
        try:
            taken = lock_descriptor(handle, blocking=False)
            # Who holds it removes it; then this was the lock of a file that nobody sees any more.
            if taken and _is_at(handle, folder / LOCK):
                return handle
        except BaseException:
            os.close(handle)
            raise
        os.close(handle)
        if taken:
            continue
        if time.monotonic() - begin > WAIT_S:
            raise InvalidInput(
                f"{folder}: {_holder(folder)} has been writing it for more than {WAIT_S:g} s; run "
                "this again when that has ended"
            )
        if not told:
            warnings.warn(
                f"{folder}: waiting for {_holder(folder)}, which writes it",
                ToolkitWarning,
                stacklevel=2,
            )
            told = True
        time.sleep(POLL_S)


def _release(folder: Path, handle: int) -> None:
    from filelock import unlock_descriptor

    with suppress(OSError):
        os.unlink(folder / WRITER)
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


def _who() -> str:
    program = os.path.basename(sys.argv[0]) if sys.argv and sys.argv[0] else "python"
    return f"process {os.getpid()} ({' '.join([program, *sys.argv[1:]])})"


def _holder(folder: Path) -> str:
    """Return who holds the lock, in words."""
    try:
        with open(folder / WRITER, encoding="utf-8", errors="replace") as stream:
            text = stream.read(SHOWN)
    except OSError:
        text = ""
    return "".join(c if c.isprintable() else "?" for c in text) or "another process"
