"""Ctrl-C and SIGTERM end a command alike: what was begun is tidied up, then it says so."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

INTERRUPTED, TERMINATED = 128 + signal.SIGINT, 128 + signal.SIGTERM  # exit codes, as shells give


class Terminated(KeyboardInterrupt):
    """SIGTERM came."""

    exit_code = TERMINATED


@contextmanager
def sigterm_heeded() -> Iterator[None]:
    """Let SIGTERM raise Terminated; as process 1 of a container Python would ignore it.

    A process that was forked meanwhile (a pool's worker) ends by it as it would without: what it
    was begun with is its parent's to tidy up.
    """
    owner = os.getpid()

    def terminate(number: int, frame: FrameType | None) -> None:
        if os.getpid() == owner:
            raise Terminated
        signal.signal(number, signal.SIG_DFL)
        signal.raise_signal(number)

    try:
        before = signal.signal(signal.SIGTERM, terminate)
    except ValueError:  # only the main thread may; threading takes time to import
        yield
        return
    try:
        yield
    finally:
        if before is not None:  # else it is not one of Python's
            signal.signal(signal.SIGTERM, before)


def stopped(stop: BaseException | None) -> str:
    """Return what a command that was stopped says: what stood by then, if that is not nothing."""
    done = str(stop or "")
    return f"stopped; {done}, whole" if done else "stopped; nothing was half-written"
