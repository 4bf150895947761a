"""What long work is at: said by the work itself, heard by the command that shows it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

_listener: ContextVar[Callable[[str], Any] | None] = ContextVar("listener", default=None)


def at(text: str) -> None:
    """Say what is done next, in some words; nothing happens where nobody listens."""
    listener = _listener.get()
    if listener is not None:
        listener(text)


@contextmanager
def heard(listener: Callable[[str], Any]) -> Iterator[None]:
    """Hand what is said within to `listener`."""
    token = _listener.set(listener)
    try:
        yield
    finally:
        _listener.reset(token)
