"""`python -m toolkit.serve.ready`: is the service here ready? The image's health check."""

from __future__ import annotations

import http.client
import os
import sys

PORT = "TOOLKIT_PORT"  # in the environment: where the service listens
SECONDS = 5.0


def main(port: str) -> int:
    """Return 0 where /v2/health/ready answers 200, else 1, with a line that says what it did."""
    try:
        connection = http.client.HTTPConnection("127.0.0.1", int(port), timeout=SECONDS)
        connection.request("GET", "/v2/health/ready")
        status = connection.getresponse().status
    except (OSError, ValueError, http.client.HTTPException) as error:
        print(f"error: port {port} does not answer ({error})", file=sys.stderr)
        return 1
    if status != 200:
        print(f"error: port {port} answers {status}; it is not ready", file=sys.stderr)
    return int(status != 200)


if __name__ == "__main__":
    sys.exit(main(os.environ.get(PORT, "8080")))
