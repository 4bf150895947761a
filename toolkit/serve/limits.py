"""What one client may ask for, and all together."""

from __future__ import annotations

from dataclasses import dataclass

from toolkit.errors import InvalidInput
from toolkit.runtime.bounds import size_of

HEAD = 1 << 16  # bytes of a request's first line and headers
# Bodies up to this size are read whatever others send; what is larger shares `Limits.held`.
SMALL = 1 << 16


@dataclass(frozen=True)
class Limits:
    """body: bytes of a request's; rows: of one input; requests: under way at the same time.

    connections: open at the same time; patience_s: seconds that a client has to send a request, and
    to take an answer.
    """

    body: int = 16 << 20
    rows: int = 10_000
    requests: int = 64
    connections: int = 512
    patience_s: float = 30.0

    @property
    def held(self) -> int:
        """Bytes of large bodies that are held at the same time."""
        return 4 * self.body


def limits_of(max_body: str, max_rows: int, max_requests: int, timeout: float) -> Limits:
    """Return the limits that the options say; InvalidInput names the one that cannot be."""
    body = size_of(max_body)
    if not 0 < body <= 1 << 31:
        raise InvalidInput(
            f"--max-body {max_body!r:.100}: is no size up to 2G; write it as 500K or 16M"
        )
    for name, value in (("--max-rows", max_rows), ("--max-requests", max_requests)):
        if not 1 <= value <= 1 << 31:
            raise InvalidInput(f"{name} {value}: is no number of them; give 1 or more")
    if not 0 < timeout < 1e6:
        raise InvalidInput(f"--timeout {timeout}: is no number of seconds; write it as 30")
    return Limits(body, max_rows, max_requests, patience_s=timeout)
