"""Ctrl-C and SIGTERM end a command alike: what was begun is tidied up, then it says so."""

from __future__ import annotations

import signal
from contextlib import suppress
from types import FrameType
from typing import NoReturn

INTERRUPTED, TERMINATED = 128 + signal.SIGINT, 128 + signal.SIGTERM  # exit codes, as shells give


class Terminated(KeyboardInterrupt):
    """SIGTERM came."""

    exit_code = TERMINATED


def heed_sigterm() -> None:
    """Let SIGTERM raise Terminated; as process 1 of a container Python would ignore it."""
    with suppress(ValueError):  # only the main thread may; threading takes time to import
        signal.signal(signal.SIGTERM, _terminate)


def _terminate(number: int, frame: FrameType | None) -> NoReturn:
    raise Terminated


def stopped(stop: BaseException | None) -> str:
    """Return what a command that was stopped says: what stood by then, if that is not nothing."""
    done = str(stop or "")
    return f"stopped; {done}, whole" if done else "stopped; nothing was half-written"
