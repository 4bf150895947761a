"""Connections with bounds that uvicorn has not: patience, the size of a head, their number.

Its parts that are overridden here are the callbacks of httptools' parser and of asyncio; a test
holds each bound on a real socket.
"""

from __future__ import annotations

import asyncio
import json
import socket
from http import HTTPStatus
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from toolkit.serve.limits import HEAD, Limits


class Connection(HttpToolsProtocol):
    """uvicorn's connection. A request that is not there in time ends it, as does an endless head.

    An answer that the client does not take in time is given up.
    """

    limits = Limits()
    _deadline: asyncio.TimerHandle | None = None
    _messages = 0  # begun so far
    _in_head = True
    _head = 0  # bytes of the head that is being read, but for its first piece

    def connection_made(self, transport: Any) -> None:
        """Take a connection, or send it away where there are too many."""
        super().connection_made(transport)
        # asyncio does so by itself only where the listener names its protocol. Without it the body
        # of an answer waits for the client's word that it has the head: 40 ms.
        transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if len(self.connections) > self.limits.connections:
            self._refuse(503, f"too many connections, up to {self.limits.connections} are taken")
            return
        self._arm()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the connection."""
        self._disarm()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Read on; the time for a request runs from its first byte."""
        before = self._messages
        self._arm()
        super().data_received(data)
        if self._in_head and before == self._messages and not self.transport.is_closing():
            self._head += len(data)
            if self._head > HEAD:
                self._refuse(431, f"the request's head is too large, up to {HEAD} bytes are taken")

    def on_message_begin(self) -> None:
        """Begin a request, which may be pipelined behind another."""
        super().on_message_begin()
        self._messages, self._in_head, self._head = self._messages + 1, True, 0
        self._arm()

    def on_headers_complete(self) -> None:
        """Go on to the body."""
        super().on_headers_complete()
        self._in_head = False

    def on_message_complete(self) -> None:
        """Stop the clock: all of the request is there."""
        super().on_message_complete()
        self._disarm()

    def on_response_complete(self) -> None:
        """Give the client time to take the rest of an answer behind which the connection closes."""
        super().on_response_complete()
        if self.transport.is_closing():
            self._deadline = self.loop.call_later(self.limits.patience_s, self.transport.abort)

    def timeout_keep_alive_handler(self) -> None:
        """Close an idle connection, at once where its last answer was not taken."""
        if self.transport.get_write_buffer_size():
            self.transport.abort()
        else:
            super().timeout_keep_alive_handler()

    def send_400_response(self, msg: str) -> None:
        """Answer what is no HTTP; msg, uvicorn's own line, is not sent."""
        self._refuse(400, "this is no HTTP request; see GET /")

    def _arm(self) -> None:
        if self._deadline is None:
            self._deadline = self.loop.call_later(self.limits.patience_s, self._too_slow)

    def _disarm(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _too_slow(self) -> None:
        self._deadline = None
        if self.transport.is_closing():
            return
        unanswered = self.cycle is not None and not self.cycle.response_complete
        if self.pipeline or (self._in_head and unanswered):
            self._arm()  # it waits for us
        elif not self._messages or (unanswered and self.cycle.response_started):
            self.transport.abort()
        else:
            self._refuse(408, f"the request was not there within {self.limits.patience_s:g} s")

    def _refuse(self, status: int, message: str) -> None:
        """Answer without the application, and close."""
        self._disarm()
        body = json.dumps({"error": message}).encode()
        head = (
            f"HTTP/1.1 {status} {HTTPStatus(status).phrase}\r\ncontent-type: application/json\r\n"
            f"content-length: {len(body)}\r\nconnection: close\r\n\r\n"
        )
        self.transport.write(head.encode() + body)
        self.transport.close()
