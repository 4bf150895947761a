"""Faults at the k-th call by which this process changes or reads files below a folder."""

from __future__ import annotations

import _pyio
import builtins
import errno
import io
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

KILLED = 9  # the exit code of a process that was killed
ERRORS = {"ENOSPC": errno.ENOSPC, "EIO": errno.EIO, "EACCES": errno.EACCES}
SIGNALS = {"SIGINT": signal.SIGINT, "SIGTERM": signal.SIGTERM}
# "torn": killed after half of a write. "lasting": the disk is full from that call on. "late": EIO
# is said of a call that was carried out, as network drives may.
KINDS = ("kill", "torn", *SIGNALS, *ERRORS, "late", "lasting")

OF_PATHS = ("open", "replace", "rename", "unlink", "remove", "mkdir", "rmdir", "listdir", "scandir")
OF_HANDLES = ("write", "fsync", "close", "read")
NEED_SPACE = ("open", "replace", "rename", "mkdir", "write", "fsync")
# They change nothing: only an error of theirs can do harm.
READS = ("reading", "read", "listdir", "scandir")


class Faults:
    """Counts the calls of `os` that concern files below `folder`; does `kind` at number `at`."""

    def __init__(self, folder: Path, kind: str = "", at: int = -1) -> None:
        self.folder, self.kind, self.at = os.fspath(folder), kind, at
        self.count = 0
        self.calls: list[str] = []
        self._ours: dict[int, str] = {}  # open handles, and what they were opened for
        self._real: dict[str, Callable[..., Any]] = {}

    def install(self) -> None:
        """Put the counters in place of os's functions, for the rest of this process.

        Files below the folder are opened by Python's own `open` in Python, which calls those.
        """
        for name in (*OF_PATHS, *OF_HANDLES):
            self._real[name] = getattr(os, name)
            setattr(os, name, self._counting(name))
        compiled = io.open

        def opened(file: Any, *rest: Any, **named: Any) -> Any:
            ours = not isinstance(file, int) and self._is_below(file)
            return (_pyio.open if ours else compiled)(file, *rest, **named)

        io.open = builtins.open = opened

    def _counting(self, name: str) -> Callable[..., Any]:
        real = self._real[name]

        def call(*given: Any, **named: Any) -> Any:
            if not self._is_ours(name, given):
                return real(*given, **named)
            told = self._told(name, given)
            number, self.count = self.count, self.count + 1
            self.calls.append(told)
            late = self.kind == "late" and number == self.at
            if number == self.at or (self.kind == "lasting" and number > self.at >= 0):
                self._strike(name, given)
            found = real(*given, **named)
            if name == "open":
                self._ours[found] = told
            elif name == "close":
                self._ours.pop(given[0], None)
            if late:
                raise OSError(errno.EIO, os.strerror(errno.EIO))
            return found

        return call

    def _told(self, name: str, given: tuple[Any, ...]) -> str:
        """Return the name of a call, "reading" for the opening and closing of what is read."""
        if name == "open" and not given[1] & _WRITING:
            return "reading"
        return "reading" if name == "close" and self._ours[given[0]] == "reading" else name

    def _is_ours(self, name: str, given: tuple[Any, ...]) -> bool:
        if name in OF_HANDLES:
            return given[0] in self._ours
        return bool(given) and not isinstance(given[0], int) and self._is_below(given[0])

    def _is_below(self, path: Any) -> bool:
        return os.path.abspath(os.fsdecode(path)).startswith(self.folder)

    def _strike(self, name: str, given: tuple[Any, ...]) -> None:
        if self.kind == "torn" and name == "write":
            self._real["write"](given[0], bytes(given[1])[: len(given[1]) // 2])
        if self.kind in ("kill", "torn"):
            os._exit(KILLED)
        if self.kind in SIGNALS:
            os.kill(os.getpid(), SIGNALS[self.kind])
        elif self.kind in ERRORS:
            if name == "close":  # that does close it, whatever it says
                self._real["close"](given[0])
                del self._ours[given[0]]
            raise OSError(ERRORS[self.kind], os.strerror(ERRORS[self.kind]))
        elif self.kind == "lasting" and name in NEED_SPACE:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC
