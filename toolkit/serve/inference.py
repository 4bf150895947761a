"""An inference request as the protocol writes it, and the answer to it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, NamedTuple, NoReturn

import numpy as np

from toolkit.errors import ToolkitError
from toolkit.serve.models import Model
from toolkit.serve.refusal import Refused, bad
from toolkit.serve.tensors import (
    DATATYPES,
    dtype_of,
    from_bytes,
    from_json,
    shape_of,
    to_bytes,
    to_json,
)

# What an object of a request may have; what is not known would be passed over in silence.
REQUEST = ("id", "parameters", "inputs", "outputs", "model_name", "model_version")
INPUT = ("name", "shape", "datatype", "parameters", "data")
OUTPUT = ("name", "parameters")
# Of the extension for binary data.
SIZE, WANTED, WANTED_ALL = "binary_data_size", "binary_data", "binary_data_output"


class Reply(NamedTuple):
    """The answer's body; head: how much of it is JSON where bytes follow, else None."""

    body: bytes
    head: int | None


def infer(model: Model, body: bytes, head: int | None, most_rows: int) -> Reply:
    """Return the answer to a request.

    body: JSON, of `head` bytes where the bytes of tensors follow. Raises Refused: 400 where it is
    not what the protocol or the model takes, 413 for more rows than `most_rows`, 422 for an answer
    that JSON cannot hold.
    """
    request = parsed(body if head is None else body[:head])
    outputs = _wanted(model, request)
    feed = _feed(model, request, memoryview(body)[len(body) if head is None else head :], most_rows)
    try:
        answers = model.predictor.run(feed)
    except ToolkitError as error:
        raise bad(str(error)) from None
    return _reply(model, request, {name: answers[name] for name in outputs}, outputs)


def parsed(content: bytes) -> dict[str, Any]:
    """Return the object that JSON holds; Refused where it is none, or not strictly JSON."""
    try:
        request = DECODER.decode(content.decode())
    except RecursionError:
        raise bad("the body is nested too deeply; a tensor's data has its shape's levels") from None
    except UnicodeDecodeError as error:
        raise bad(f"the body is no UTF-8 ({error.reason} at byte {error.start})") from None
    except ValueError as error:
        raise bad(f"the body is no JSON ({error}); send an inference request") from None
    if not isinstance(request, dict):
        raise bad(f"the body is {request!r:.40}, no JSON object; send an inference request")
    return request


def _no_json(constant: str) -> NoReturn:
    raise bad(f"the body has {constant}, which is no JSON; null stands for a missing number")


def _without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise bad(f"the body has {twice!r:.60} twice in one object; leave one out")
    return found


# Made once: to make them takes as long as to read a request for one row.
DECODER = json.JSONDecoder(parse_constant=_no_json, object_pairs_hook=_without_repeats)
ENCODER = json.JSONEncoder(allow_nan=False)


def _wanted(model: Model, request: Mapping[str, Any]) -> dict[str, bool]:
    """Return the outputs that are asked for, and whether each is to come as bytes."""
    _known("the request", request, REQUEST)
    if "id" in request and not isinstance(request["id"], str):
        raise bad(f"id is {request['id']!r:.40}, no text")
    every = _flag("the request", _parameters("the request", request), WANTED_ALL, default=False)
    names = model.predictor.outputs
    if "outputs" not in request or request["outputs"] == []:
        return dict.fromkeys(names, every)
    wanted: dict[str, bool] = {}
    for entry in _entries(request, "outputs", OUTPUT):
        name = str(entry.get("name"))
        if name not in names:
            raise bad(f"there is no output {name!r:.60}; the model gives {', '.join(names)}")
        if name in wanted:
            raise bad(f"the output {name!r} is asked for twice; leave one out")
        parameters = _parameters(name, entry)
        odd = next((p for p in parameters if p not in (WANTED, SIZE)), None)
        if odd is not None:
            raise bad(f"{name}: this service has no parameter {odd!r:.60} of an output")
        wanted[name] = _flag(name, parameters, WANTED, default=every)
    return wanted


def _feed(
    model: Model, request: Mapping[str, Any], content: memoryview, most_rows: int
) -> dict[str, np.ndarray]:
    """Return each input's array; content: the bytes behind the JSON."""
    expected = [spec.name for spec in model.predictor.inputs]
    feed: dict[str, np.ndarray] = {}
    at = 0
    for entry in _entries(request, "inputs", INPUT):
        name = str(entry.get("name"))
        if name not in expected:
            raise bad(f"there is no input {name!r:.60}; the model takes {_listed(expected)}")
        if name in feed:
            raise bad(f"the input {name!r} is given twice; leave one out")
        shape = shape_of(name, entry.get("shape"))
        if shape[0] > most_rows:
            raise Refused(
                413, f"{name}: has {shape[0]} rows, up to {most_rows} are taken; send fewer at once"
            )
        size = _parameters(name, entry).get(SIZE)
        if size is None:
            if "data" not in entry:
                raise bad(f"{name}: has no data")
            feed[name] = from_json(name, entry.get("datatype", ""), shape, entry["data"])
            continue
        if type(size) is not int or not 0 <= size <= len(content) - at:
            raise bad(
                f"{name}: {SIZE} is {size!r:.40}, and {len(content) - at} bytes follow the JSON"
            )
        if "data" in entry:
            raise bad(f"{name}: has data and {SIZE}; leave one out")
        dtype_of(name, entry.get("datatype"))
        feed[name] = from_bytes(name, entry["datatype"], shape, content[at : at + size])
        at += size
    missing = [name for name in expected if name not in feed]
    if missing:
        raise bad(f"the input {missing[0]!r} is missing; the model takes {_listed(expected)}")
    if at != len(content):
        raise bad(f"{len(content) - at} bytes follow that belong to no input")
    return feed


def _reply(
    model: Model,
    request: Mapping[str, Any],
    answers: Mapping[str, np.ndarray],
    as_bytes: Mapping[str, bool],
) -> Reply:
    outputs: list[dict[str, Any]] = []
    tail: list[bytes] = []
    for name, array in answers.items():
        kind = "string" if array.dtype == object else array.dtype.name
        entry: dict[str, Any] = {
            "name": name,
            "datatype": DATATYPES[kind],
            "shape": list(array.shape),
        }
        if as_bytes[name]:
            tail.append(to_bytes(array))
            entry["parameters"] = {SIZE: len(tail[-1])}
        else:
            entry["data"] = to_json(name, array)
        outputs.append(entry)
    document = {"model_name": model.name, "model_version": model.version}
    if "id" in request:
        document["id"] = request["id"]
    head = ENCODER.encode({**document, "outputs": outputs}).encode()
    return Reply(b"".join([head, *tail]), len(head) if tail else None)


def _entries(request: Mapping[str, Any], key: str, known: tuple[str, ...]) -> list[dict[str, Any]]:
    entries = request.get(key)
    if not isinstance(entries, list) or not entries:
        raise bad(f"{key} is {entries!r:.40}, no list of tensors")
    for k, entry in enumerate(entries):
        if not isinstance(entry, dict):
            raise bad(f"{key}[{k}] is {entry!r:.40}, no object")
        _known(f"{key}[{k}]", entry, known)
    return entries


def _known(what: str, entry: Mapping[str, Any], known: tuple[str, ...]) -> None:
    odd = next((key for key in entry if key not in known), None)
    if odd is not None:
        raise bad(f"{what} has {odd!r:.60}, which the protocol has not; it has {', '.join(known)}")


def _parameters(what: str, entry: Mapping[str, Any]) -> dict[str, Any]:
    parameters = entry.get("parameters", {})
    if not isinstance(parameters, dict):
        raise bad(f"{what}: parameters is {parameters!r:.40}, no object")
    return parameters


def _flag(what: str, parameters: Mapping[str, Any], key: str, *, default: bool) -> bool:
    value = parameters.get(key, default)
    if not isinstance(value, bool):
        raise bad(f"{what}: {key} is {value!r:.40}, neither true nor false")
    return value


def _listed(names: list[str]) -> str:
    return ", ".join(names[:20]) + (" …" if len(names) > 20 else "")
