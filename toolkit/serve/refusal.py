"""What ends a request with an error status and one line."""

from __future__ import annotations


class Refused(Exception):
    """A request is not answered: its HTTP status, the line for the client, further headers."""

    def __init__(self, status: int, message: str, headers: tuple[tuple[bytes, bytes], ...] = ()):
        super().__init__(message)
        self.status, self.message, self.headers = status, message, headers


def bad(message: str) -> Refused:
    """Return the refusal of a request that is not what the protocol or the model takes."""
    return Refused(400, message)
