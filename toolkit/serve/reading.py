"""Reading a request as far as it is taken, and what is held of all of them together."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, MutableMapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from toolkit.serve.limits import SMALL, Limits
from toolkit.serve.refusal import Refused, bad

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]

JSON, BINARY = b"application/json", b"application/octet-stream"
JSON_LENGTH = b"inference-header-content-length"


class Gone(Exception):
    """The client went away before its request was there."""


@dataclass
class UnderWay:
    """How many requests are under way, and how many bytes of large ones are held."""

    requests: int = 0
    held: int = 0


class Request:
    """One request as it comes in; whole: whether all of it was read."""

    def __init__(self, scope: Message, receive: Receive) -> None:
        self.method: str = scope["method"]
        self.receive = receive
        self._headers = dict(scope["headers"])
        length = self._headers.get(b"content-length")
        self._declared = int(length) if length and length.isdigit() else 0
        self.whole = not self._declared and b"transfer-encoding" not in self._headers
        self._held = 0

    def require(self, *allowed: str) -> None:
        """Raise Refused (405) for another method."""
        if self.method not in allowed:
            raise Refused(
                405,
                f"{self.method:.20} is not taken here; use {allowed[0]}",
                ((b"allow", ", ".join(allowed).encode()),),
            )

    def json_length(self) -> int | None:
        """Return how much of the body is JSON, None where all is; Refused (415) for other types."""
        kind = self._headers.get(b"content-type", b"").partition(b";")[0].strip().lower()
        if self._headers.get(b"content-encoding", b"identity") != b"identity":
            raise Refused(415, "compressed bodies are not taken; send it as it is")
        if kind not in (b"", JSON, BINARY):
            text = kind.decode("latin-1")
            raise Refused(415, f"content-type {text!r:.60} is not taken; send application/json")
        length = self._headers.get(JSON_LENGTH)
        if length is None:
            if kind == BINARY:
                raise bad("Inference-Header-Content-Length is missing: how much of it is JSON")
            return None
        if not length.isdigit() or len(length) > 12:
            text = length.decode("latin-1")
            raise bad(f"Inference-Header-Content-Length is {text!r:.40}, no number of bytes")
        return int(length)

    @contextmanager
    def under_way(self, all_: UnderWay, limits: Limits) -> Iterator[None]:
        """Count the request among those under way; Refused (503) where there are too many."""
        if all_.requests >= limits.requests:
            raise _busy(f"{limits.requests} requests are under way")
        all_.requests += 1
        try:
            yield
        finally:
            all_.requests -= 1
            all_.held -= self._held

    async def body(self, all_: UnderWay, limits: Limits) -> bytes:
        """Return the body; Refused (413) as soon as it is larger than is taken.

        Raises Refused (503) where too much of others' is held, and Gone.
        """
        if self._declared > limits.body:
            raise _too_large(limits.body)
        parts: list[bytes] = []
        size, more = 0, True
        while more:
            message = await self.receive()
            if message["type"] == "http.disconnect":
                raise Gone
            parts.append(message.get("body", b""))
            size, more = size + len(parts[-1]), message.get("more_body", False)
            if size > limits.body:
                raise _too_large(limits.body)
            if size > SMALL:
                all_.held += size - self._held
                self._held = size
                if all_.held > limits.held:
                    raise _busy(f"{all_.held} bytes of requests are held")
        self.whole = True
        return parts[0] if len(parts) == 1 else b"".join(parts)

    async def drained(self, most: int) -> None:
        """Read what is left of it, up to so many bytes, and forget it."""
        while most > 0:
            message = await self.receive()
            if message["type"] == "http.disconnect" or not message.get("more_body", False):
                return
            most -= len(message.get("body", b""))


def _too_large(most: int) -> Refused:
    return Refused(413, f"the body is too large: up to {most} bytes are taken; send fewer rows")


def _busy(what: str) -> Refused:
    return Refused(503, f"too much at once: {what}; try again", ((b"retry-after", b"1"),))
