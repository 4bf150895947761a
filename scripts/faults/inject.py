"""Faults at the k-th call by which this process changes files below a folder."""

from __future__ import annotations

import errno
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

KILLED = 9  # the exit code of a process that was killed
ERRORS = {"ENOSPC": errno.ENOSPC, "EIO": errno.EIO, "EACCES": errno.EACCES}
SIGNALS = {"SIGINT": signal.SIGINT, "SIGTERM": signal.SIGTERM}
# "torn": killed after half of a write. "lasting": the disk is full from that call on.
KINDS = ("kill", "torn", *SIGNALS, *ERRORS, "lasting")

OF_PATHS = ("open", "replace", "rename", "unlink", "remove", "mkdir", "rmdir")
OF_HANDLES = ("write", "fsync", "close")
NEED_SPACE = ("open", "replace", "rename", "mkdir", "write", "fsync")


class Faults:
    """Counts the calls of `os` that change files below `folder`; does `kind` at number `at`."""

    def __init__(self, folder: Path, kind: str = "", at: int = -1) -> None:
        self.folder, self.kind, self.at = os.fspath(folder), kind, at
        self.count = 0
        self.calls: list[str] = []
        self._ours: set[int] = set()
        self._real: dict[str, Callable[..., Any]] = {}

    def install(self) -> None:
        """Put the counters in place of os's functions, for the rest of this process."""
        for name in (*OF_PATHS, *OF_HANDLES):
            self._real[name] = getattr(os, name)
            setattr(os, name, self._counting(name))

    def _counting(self, name: str) -> Callable[..., Any]:
        real = self._real[name]

        def call(first: Any, *rest: Any, **named: Any) -> Any:
            if not self._is_ours(name, first, rest):
                return real(first, *rest, **named)
            number, self.count = self.count, self.count + 1
            self.calls.append(name)
            if number == self.at or (self.kind == "lasting" and number > self.at >= 0):
                self._strike(name, first, rest)
            found = real(first, *rest, **named)
            if name == "open":
                self._ours.add(found)
            elif name == "close":
                self._ours.discard(first)
            return found

        return call

    def _is_ours(self, name: str, first: Any, rest: tuple[Any, ...]) -> bool:
        if name in OF_HANDLES:
            return first in self._ours
        inside = os.path.abspath(os.fspath(first)).startswith(self.folder)
        return inside and (name != "open" or bool(rest))

    def _strike(self, name: str, first: Any, rest: tuple[Any, ...]) -> None:
        if self.kind == "torn" and name == "write":
            self._real["write"](first, bytes(rest[0])[: len(rest[0]) // 2])
        if self.kind in ("kill", "torn"):
            os._exit(KILLED)
        if self.kind in SIGNALS:
            os.kill(os.getpid(), SIGNALS[self.kind])
        elif self.kind in ERRORS and name != "close":
            raise OSError(ERRORS[self.kind], os.strerror(ERRORS[self.kind]))
        elif self.kind == "lasting" and name in NEED_SPACE:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
