"""A client that keeps connections busy: each sends its next request when it has its answer."""

from __future__ import annotations

import itertools
import re
import selectors
import socket
import time
from collections.abc import Sequence
from dataclasses import dataclass

LENGTH = re.compile(rb"content-length: (\d+)", re.IGNORECASE)
RECEIVED = 1 << 18


@dataclass
class Connection:
    """One connection: when its request was sent, and what of the answer is there."""

    socket: socket.socket
    sent_ns: int = 0
    received: bytes = b""


def post(path: str, body: bytes, headers: Sequence[str] = ()) -> bytes:
    """Return a request as it goes over the wire."""
    lines = [f"POST {path} HTTP/1.1", "host: 127.0.0.1", *headers, f"content-length: {len(body)}"]
    return "\r\n".join([*lines, "", ""]).encode() + body


def measure(port: int, requests: Sequence[bytes], connections: int, seconds: float) -> list[int]:
    """Return each answer's time in ns, of so many connections in so many seconds.

    Ends with an error where an answer is not 200.
    """
    following = itertools.cycle(requests)
    selector = selectors.DefaultSelector()
    opened = [Connection(socket.create_connection(("127.0.0.1", port))) for _ in range(connections)]
    times: list[int] = []
    try:
        for one in opened:
            one.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            selector.register(one.socket, selectors.EVENT_READ, one)
            _send(one, next(following))
        end = time.perf_counter_ns() + int(seconds * 1e9)
        while time.perf_counter_ns() < end:
            for key, _ in selector.select(timeout=10):
                one = key.data
                one.received += one.socket.recv(RECEIVED)
                if answer(one.received) is not None:
                    times.append(time.perf_counter_ns() - one.sent_ns)
                    _send(one, next(following))
    finally:
        for one in opened:
            one.socket.close()
        selector.close()
    return times


def ask(port: int, request: bytes) -> bytes:
    """Return the body of the answer to one request."""
    with socket.create_connection(("127.0.0.1", port), timeout=60) as connection:
        connection.sendall(request)
        received = b""
        while (body := answer(received)) is None:
            received += connection.recv(RECEIVED)
    return body


def answer(received: bytes) -> bytes | None:
    """Return the body of an answer once all of it is there."""
    head, found, body = received.partition(b"\r\n\r\n")
    if not found:
        return None
    if b" 200 " not in head[:16]:
        raise SystemExit(f"error: the service answers {received[:300]!r}")
    length = LENGTH.search(head)
    if length is None:
        raise SystemExit(f"error: the answer has no length: {head!r}")
    return body if len(body) >= int(length[1]) else None


def _send(one: Connection, request: bytes) -> None:
    one.received, one.sent_ns = b"", time.perf_counter_ns()
    one.socket.sendall(request)
