"""Opening models, listening, serving until a signal: what `toolkit serve` and the image run."""

from __future__ import annotations

import gc
import json
import logging
import os
import socket
import sys
from collections.abc import Sequence
from typing import Any

from toolkit.errors import InvalidInput, missing_package
from toolkit.runtime.stopping import TERMINATED
from toolkit.serve.limits import Limits
from toolkit.serve.models import Models, Options, open_models

IDLE_S = 20  # that a connection is kept without a request
GRACE_S = 8  # that requests under way have to end after a signal; docker kills after ten
BACKLOG = 256


def serve(
    artifacts: Sequence[str],
    options: Options,
    limits: Limits,
    *,
    host: str = "127.0.0.1",
    port: int = 8080,
    as_json: bool = False,
    verbose: bool = False,
) -> int:
    """Serve models until SIGINT or SIGTERM, which raises as elsewhere once requests were answered.

    Tells where on standard error, and with `as_json` on standard output. port: 0 for any that is
    free. verbose: a line on standard error for each request. Raises InvalidInput where the extra is
    missing or the address cannot be had, and what `open_models` raises.
    """
    try:
        import uvicorn

        from toolkit.serve.connection import Connection
    except ImportError as error:
        raise missing_package(error) or error from None
    from toolkit.serve.app import Service
    from toolkit.serve.card import page

    models = open_models(artifacts, options)
    service = Service(models, limits, page(models))
    listener = _listening(host, port)
    _tell(models, _url(listener), as_json)
    if verbose:
        logging.basicConfig(format="%(message)s", stream=sys.stderr)
    config = uvicorn.Config(
        service,
        http=type("Bounded", (Connection,), {"limits": limits}),
        loop="asyncio",
        ws="none",
        lifespan="off",
        log_config=None,
        log_level="info" if verbose else "error",
        access_log=verbose,
        proxy_headers=False,
        server_header=False,
        timeout_keep_alive=IDLE_S,
        timeout_graceful_shutdown=GRACE_S,
        backlog=BACKLOG,
    )
    gc.freeze()  # what is there by now stays: looking through it again would delay requests
    try:
        uvicorn.Server(config).run(sockets=[listener])
    finally:
        if service.given_up:  # threads that compute cannot be stopped otherwise
            print(
                f"stopped; {service.given_up} requests took longer than {GRACE_S} s and were given "
                "up",
                file=sys.stderr,
                flush=True,
            )
            os._exit(TERMINATED)
    return 0


def _listening(host: str, port: int) -> socket.socket:
    """Return a socket that listens."""
    if not 0 <= port < 1 << 16:
        raise InvalidInput(f"--port {port}: is no port; give 1 to 65535, or 0 for a free one")
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        return socket.create_server(address[:2], family=family, backlog=BACKLOG)
    except (OSError, UnicodeError) as error:
        reason = getattr(error, "strerror", None) or "no address"
        raise InvalidInput(
            f"--host {host} --port {port}: cannot be listened on ({reason}); choose another one"
        ) from None


def _url(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _tell(models: Models, url: str, as_json: bool) -> None:
    listed: list[dict[str, Any]] = []
    for name, versions in models.items():
        for model in versions.values():
            golden = (
                f"golden rows replayed: {model.replayed}"
                if model.replayed
                else ("no golden rows here, so that nothing was replayed")
            )
            print(f"{name} version {model.version} ({model.file}): {golden}", file=sys.stderr)
            listed.append({"name": name, "version": model.version, "file": model.file})
    print(f"serving at {url}; Ctrl-C ends it", file=sys.stderr, flush=True)
    if as_json:
        print(json.dumps({"schema_version": 1, "url": url, "models": listed}), flush=True)
