"""Try the service inside the build: start it, ask it, end it; the bytecode that it needs stays.

Runs as root, with PYTHONPATH as in the image: what the standard library has of bytecode is what a
run by root has written, see scripts/image/seal.py.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from urllib.parse import quote
from urllib.request import urlopen

ENDED = 143  # by SIGTERM


def main() -> None:
    """End with an error where the service does not start, answer or stop."""
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    command = [sys.executable, "-m", "toolkit.serve", "--port", "0", "--json"]
    with subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, encoding="utf-8"
    ) as service:
        told = json.loads(service.stdout.readline())
        for path in (
            "/",
            "/v2",
            *(f"/v2/models/{quote(m['name'], safe='')}" for m in told["models"]),
        ):
            print(f"{path}: {len(urlopen(told['url'] + path, timeout=30).read())} bytes")
        port = {"TOOLKIT_PORT": told["url"].rpartition(":")[2]}
        ready = [sys.executable, "-m", "toolkit.serve.ready"]
        subprocess.run(ready, check=True, env={**environment, **port})
        service.terminate()
    if service.returncode != ENDED:
        sys.exit(f"the service ended with code {service.returncode}")


if __name__ == "__main__":
    main()
