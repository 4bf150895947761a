"""SIGINT and SIGTERM wait while files are written, and are heeded where nothing is half-done."""

from __future__ import annotations

import signal
import threading
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
    if threading.current_thread() is not threading.main_thread():
        yield lambda: None
        return
    found = {int(number): signal.getsignal(number) for number in SIGNALS}
    before = {n: h for n, h in found.items() if callable(h) or h is signal.SIG_DFL}

    def hold(number: int, frame: FrameType | None) -> None:
        came.append(number)

    def heed() -> None:
        while came:
            handler = before[came[0]]
            if not callable(handler):
                raise Stopped
            handler(came.pop(0), None)

    try:
        for number in before:
            signal.signal(number, hold)
        yield heed
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        for waiting in came:
            signal.raise_signal(waiting)
