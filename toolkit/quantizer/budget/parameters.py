"""A parameter of the graph and the formats that it can have: what a budget is spent on."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

EXACT = "exact"


@dataclass(frozen=True)
class Option:
    """One format of one parameter.

    bytes: what it takes in the compressed file, estimated. encode: what is stored, from the values
    that the parameter has by then and what else its kind gives (None: they stay as they are).
    """

    format: str
    bytes: int
    encode: Callable[..., Any]


@dataclass(frozen=True)
class Parameter:
    """A tensor, or a part of a tree ensemble, by name, and its formats, the exact one first."""

    name: str
    options: tuple[Option, ...]


def compressed_size(content: bytes) -> int:
    """Return the bytes that a part of a pack's body takes in the compressed file, alone."""
    deflate = zlib.compressobj(9, zlib.DEFLATED, -15)
    return min(len(content), len(deflate.compress(content) + deflate.flush()))


class Kind(Protocol):
    """The parameters of one kind in a graph: its initializers, or its tree ensembles."""

    @property
    def count(self) -> int:
        """The number of parameters."""

    def parameters(self) -> Iterator[Parameter]:
        """Yield each parameter with its options."""

    def alone(self, name: str, option: Option) -> dict[str, np.ndarray]:
        """Return the graph's tensors where only one parameter is coded, and the rest refitted."""

    def outputs(self, changed: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Return the model's outputs on some rows with tensors replaced."""
