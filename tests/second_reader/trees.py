"""Tree ensembles, and what they answer for a row."""

from __future__ import annotations

import math
import operator
from dataclasses import dataclass, field
from typing import Any

COMPARED = (operator.le, operator.lt, operator.ge, operator.gt, operator.eq, operator.ne)
MEMBER = 6


@dataclass
class Split:
    """Asks its feature's value for a comparison with its threshold, or whether it is a category."""

    feature: int
    threshold: float
    missing_left: bool
    left: int
    mode: int = 0
    categories: list[float] = field(default_factory=list)

    def next(self, row: list[float]) -> int:
        """Return the node where a row goes on: the left child or the one behind it."""
        x = row[self.feature]
        if math.isnan(x):
            left = self.missing_left
        elif self.mode == MEMBER:
            left = x in self.categories
        else:
            left = COMPARED[self.mode](x, self.threshold)
        return self.left if left else self.left + 1


@dataclass
class Ensemble:
    """Trees over the tensor `source`; their leaves' values are summed into `output`.

    nodes: splits, and leaves as values by target; `roots` are the first nodes of the trees.
    """

    source: str
    output: str
    targets: int
    roots: list[int]
    nodes: list[Split | dict[int, float]]

    def answer(self, row: list[float]) -> list[float]:
        """Return the sums for a row, one a target."""
        sums = [0.0] * self.targets
        for root in self.roots:
            node: Any = self.nodes[root]
            while isinstance(node, Split):
                node = self.nodes[node.next(row)]
            for target, value in node.items():
                sums[target] += value
        return sums
