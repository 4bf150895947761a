"""The service as an ASGI application: which path asks what, and how it is answered."""

from __future__ import annotations

import asyncio
import json
import sys
import time
import traceback
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any, NamedTuple
from urllib.parse import unquote

from toolkit import __version__
from toolkit.runtime.split import cores
from toolkit.serve.inference import Reply, infer
from toolkit.serve.limits import SMALL, Limits
from toolkit.serve.models import Model, Models, described, find
from toolkit.serve.reading import (
    BINARY,
    JSON,
    JSON_LENGTH,
    Gone,
    Message,
    Receive,
    Request,
    UnderWay,
)
from toolkit.serve.refusal import Refused, bad

Send = Callable[[Message], Awaitable[None]]
Headers = tuple[tuple[bytes, bytes], ...]

HTML = b"text/html; charset=utf-8"
# Who embeds the page, and what it may load: nobody, and nothing but its own style.
PAGE_HEADERS: Headers = (
    (
        b"content-security-policy",
        b"default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; "
        b"frame-ancestors 'none'",
    ),
    (b"referrer-policy", b"no-referrer"),
)
# A small request is answered where it is read, without a thread, unless the model's last one took
# so long that others would have waited for it.
QUICK_S = 2e-3
# What a refused client may still send before the connection is closed: were it closed at once, the
# answer would be lost with what the system has received and nobody read.
LINGER_S, LINGER_BYTES = 1.0, 1 << 24


class Answer(NamedTuple):
    """What is sent: status, type, body, further headers."""

    status: int
    kind: bytes
    body: bytes
    headers: Headers = ()


class Service:
    """The application; given_up: requests that were not answered when it had to end."""

    def __init__(self, models: Models, limits: Limits, page: bytes) -> None:
        self.given_up = 0
        self._under_way = UnderWay()
        self._models, self._limits, self._page = models, limits, page
        self._threads = ThreadPoolExecutor(cores(), thread_name_prefix="infer")
        self._slow: set[Model] = set()  # whose last small request took longer than QUICK_S

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Answer one request; whatever goes wrong is one line of JSON."""
        request = Request(scope, receive)
        try:
            answer = await self._answer(scope["raw_path"], request)
        except Refused as refused:
            answer = _error(refused.status, refused.message, refused.headers)
        except Gone:
            return
        except asyncio.CancelledError:  # the service ends, and its thread computes on
            self.given_up += 1
            answer = _error(503, "this service ends before the answer is there; ask another one")
        except Exception as error:  # a fault of ours: the client learns its name, the log the rest
            traceback.print_exc(file=sys.stderr)
            answer = _error(500, f"this service failed ({type(error).__name__}); its log says more")
        await _send(answer, request, send)

    async def _answer(self, raw_path: bytes, request: Request) -> Answer:
        path = raw_path.decode("latin-1")
        match tuple(unquote(part) for part in path.strip("/").split("/")):
            case ("v2", "models", name, *rest) if asked := _asked(tuple(rest)):
                return await self._of_model(name, *asked, request)
            case ("v2", "health", "live" | "ready"):
                request.require("GET", "HEAD")
                return Answer(200, JSON, b"")  # models are opened before anything is answered
            case ("v2",):
                request.require("GET", "HEAD")
                extensions = ["binary_tensor_data"]
                return _document(
                    {"name": "toolkit", "version": __version__, "extensions": extensions}
                )
            case ("",):
                request.require("GET", "HEAD")
                return Answer(200, HTML, self._page, PAGE_HEADERS)
        raise Refused(404, "there is no such path; GET / shows the models and their paths")

    async def _of_model(
        self, name: str, version: str | None, what: str, request: Request
    ) -> Answer:
        request.require(*(("POST",) if what == "infer" else ("GET", "HEAD")))
        model = find(self._models, name, version)
        if model is None:
            raise Refused(404, self._unknown(name, version))
        if what == "infer":
            return await self._inferred(model, request)
        if what == "ready":
            return Answer(200, JSON, b"")
        return _document(described(self._models, model))

    def _unknown(self, name: str, version: str | None) -> str:
        if name not in self._models:
            return f"there is no model {name!r:.60}; there is {', '.join(self._models)}"
        versions = ", ".join(self._models[name])
        return f"{name} has no version {version!r:.60}; it has {versions}"

    async def _inferred(self, model: Model, request: Request) -> Answer:
        head = request.json_length()
        with request.under_way(self._under_way, self._limits):
            body = await request.body(self._under_way, self._limits)
            if head is not None and head > len(body):
                raise bad(
                    f"Inference-Header-Content-Length is {head}, the body has {len(body)} bytes"
                )
            small, arguments = len(body) <= SMALL, (model, body, head, self._limits.rows)
            if small and model not in self._slow:
                reply, seconds = _timed(*arguments)
            else:
                loop = asyncio.get_running_loop()
                reply, seconds = await loop.run_in_executor(self._threads, _timed, *arguments)
            if small:
                (self._slow.discard if seconds < QUICK_S else self._slow.add)(model)
            return _of(reply)


def _asked(rest: tuple[str, ...]) -> tuple[str | None, str] | None:
    """Return the version and what is asked of it, from the path behind a model's name."""
    version = None
    if len(rest) >= 2 and rest[0] == "versions":
        version, rest = rest[1], rest[2:]
    what = rest[0] if rest else "metadata"
    return (version, what) if len(rest) < 2 and what in ("metadata", "ready", "infer") else None


def _timed(model: Model, body: bytes, head: int | None, most_rows: int) -> tuple[Reply, float]:
    begin = time.perf_counter()
    return infer(model, body, head, most_rows), time.perf_counter() - begin


def _error(status: int, message: str, headers: Headers = ()) -> Answer:
    line = " ".join(message.splitlines())
    return Answer(status, JSON, json.dumps({"error": line}).encode(), headers)


def _document(value: dict[str, Any]) -> Answer:
    return Answer(200, JSON, json.dumps(value).encode())


def _of(reply: Reply) -> Answer:
    if reply.head is None:
        return Answer(200, JSON, reply.body)
    return Answer(200, BINARY, reply.body, ((JSON_LENGTH, str(reply.head).encode()),))


async def _send(answer: Answer, request: Request, send: Send) -> None:
    """Send the answer; where not all of the request was read, close the connection behind it."""
    headers = [
        (b"content-type", answer.kind),
        (b"content-length", str(len(answer.body)).encode()),
        (b"x-content-type-options", b"nosniff"),
        *answer.headers,
        *(() if request.whole else ((b"connection", b"close"),)),
    ]
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    last = answer.body
    if not request.whole:
        await send({"type": "http.response.body", "body": answer.body, "more_body": True})
        last = b""
        with suppress(asyncio.TimeoutError):
            await asyncio.wait_for(request.drained(LINGER_BYTES), LINGER_S)
    await send({"type": "http.response.body", "body": last})
