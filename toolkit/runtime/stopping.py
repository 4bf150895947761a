"""How a command ends: with its exit code, with one line of what is wrong, or by a signal.

Ctrl-C and SIGTERM end it alike: what was begun is tidied up, then it says so.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from toolkit.errors import ToolkitError, boundary

INTERRUPTED, TERMINATED = 128 + signal.SIGINT, 128 + signal.SIGTERM  # exit codes, as shells give

REPORT = "run it again with -v, and report what it shows"


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


def ended(program: str, run: Callable[[], int], verbose: bool) -> int:
    """Run a command line; return its exit code, or that of what ended it, told on standard error.

    verbose: with the traceback of an error.
    """
    try:
        with sigterm_heeded(), boundary(program, ToolkitError, REPORT):
            return run()
    except ToolkitError as error:
        if verbose:
            import traceback

            traceback.print_exc()
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt as stop:
        print(stopped(stop), file=sys.stderr)
        return getattr(stop, "exit_code", INTERRUPTED)
