"""SIGINT and SIGTERM wait while files are written, and are heeded where nothing is half-done."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Stopped(BaseException):
    """A signal came that ends the process; what was begun is undone first."""


@contextmanager
def deferred() -> Iterator[Callable[[], None]]:
    """Hold signals back; yield what heeds those that came: it raises what their handlers raise.

    Those that nobody heeded are delivered at the end, after all has been tidied up. Python runs
    handlers between any two instructions of its main thread; in other threads there is nothing to
    hold back.
    """
    came: list[int] = []
    handlers = {int(number): signal.getsignal(number) for number in SIGNALS}
    before = {n: h for n, h in handlers.items() if callable(h) or h is signal.SIG_DFL}

    def hold(number: int, frame: FrameType | None) -> None:
        came.append(number)

    def heed() -> None:
        while came:
            handler = before[came[0]]
            if not callable(handler):
                raise Stopped
            handler(came.pop(0), None)

    held: list[int] = []
    try:
        for number in before:
            try:
                signal.signal(number, hold)
            except ValueError:  # another thread; asking threading itself takes time to import
                break
            held.append(number)
        yield heed
    finally:
        for number in held:
            signal.signal(number, before[number])
        for waiting in came:
            signal.raise_signal(waiting)
