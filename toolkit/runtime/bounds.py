"""Limits of the whole process, for files from strangers: how much memory, and for how long.

A graph can compute the sizes of its tensors and the end of its loops from its rows; only a limit of
the process bounds that.
"""

from __future__ import annotations

import os
import re
import sys

from toolkit.errors import InvalidInput

UNITS = {"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30, "T": 1 << 40}
GRACE = 2.0  # seconds that the message has before the system ends the process without one
STATUS = 2
ROOM = 64 << 20  # bytes that the smallest model needs beside the libraries


def limit_memory(text: str, libraries: str) -> None:
    """Let the process have so much memory for its data, such as "2G", and no more.

    It counts what is allocated (Linux' RLIMIT_DATA), not the code of libraries. libraries: a module
    that imports what will be needed, which could not be imported within a small limit. Raises
    InvalidInput for what is no size or too small, and where the system has no such limit.
    """
    size = size_of(text)
    if not 0 < size < 1 << 62:
        raise InvalidInput(f"--limit-memory {text!r}: is no size; write it as 500M or 2G")
    if not sys.platform.startswith("linux"):
        raise InvalidInput(
            f"--limit-memory {text}: there is no such limit on {sys.platform}; run it in a "
            "container with a limit"
        )
    import importlib
    import resource

    importlib.import_module(libraries)
    least = _allocated() + ROOM
    if size < least:
        raise InvalidInput(
            f"--limit-memory {text}: Python and its libraries take most of it; give "
            f"{(least >> 20) + 1}M or more"
        )
    hard = resource.getrlimit(resource.RLIMIT_DATA)[1]
    size = size if hard == resource.RLIM_INFINITY else min(size, hard)
    resource.setrlimit(resource.RLIMIT_DATA, (size, hard))


def size_of(text: str) -> int:
    """Return how many bytes a size such as "500M" or "2G" is, 0 for what is none."""
    match = re.fullmatch(r"(\d{1,15})([KMGT]?)i?B?", text.strip(), re.IGNORECASE)
    return int(match[1]) * UNITS[match[2].upper()] if match else 0


def _allocated() -> int:
    with open("/proc/self/status", encoding="ascii", errors="replace") as status:
        return next((int(line.split()[1]) << 10 for line in status if "VmData" in line), 0)


def limit_seconds(text: str) -> None:
    """End the process with a message and status 2 after so many seconds.

    Where nothing of Python runs any more by then, the system ends it `GRACE` seconds later, where
    it has alarms. Raises InvalidInput for what is no time.
    """
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not 0 < seconds < 1e6:
        raise InvalidInput(f"--limit-seconds {text!r}: is no number of seconds; write it as 60")
    import signal
    import threading

    timer = threading.Timer(seconds, _stop, [text])
    timer.daemon = True
    timer.start()
    if hasattr(signal, "setitimer"):
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        signal.setitimer(signal.ITIMER_REAL, seconds + GRACE)


def _stop(text: str) -> None:
    line = f"error: not done after {text} seconds (--limit-seconds); nothing more was written\n"
    os.write(2, line.encode())
    os._exit(STATUS)
