"""A parameter of the graph and the formats that it can have: what a budget is spent on."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

EXACT = "exact"


@dataclass(frozen=True)
class Option:
    """One format of one parameter.

    bytes: what it takes in the compressed file, estimated. encode: what is stored, from the values
    that the parameter has by then (None: they stay as they are). alone: the tensors of the graph,
    by name, where only this parameter is coded, with what is refitted for it.
    """

    format: str
    bytes: int
    encode: Callable[[Any], Any]
    alone: dict[str, np.ndarray] = field(default_factory=dict)


@dataclass(frozen=True)
class Parameter:
    """A tensor, or a part of a tree ensemble, by name, and its formats, the exact one first."""

    name: str
    options: tuple[Option, ...]


def compressed_size(content: bytes) -> int:
    """Return the bytes that a part of a pack's body takes in the compressed file, alone."""
    deflate = zlib.compressobj(9, zlib.DEFLATED, -15)
    return min(len(content), len(deflate.compress(content) + deflate.flush()))
