"""What a check of a restored estimator raises."""

from __future__ import annotations

from typing import Any

import numpy as np


class Damaged(Exception):
    """What is wrong with a part of an estimator, in words that follow the name of its type."""


def require(condition: Any, problem: str) -> None:
    """Raise Damaged with these words unless the condition holds."""
    if not condition:
        raise Damaged(problem)


def within(values: np.ndarray, least: int, most: int, problem: str) -> None:
    """Raise Damaged unless all values are of least … most - 1; an empty array passes."""
    if values.size and not (values.min() >= least and values.max() < most):
        worst = values.min() if values.min() < least else values.max()
        raise Damaged(f"{problem} {worst}, allowed are {least} to {most - 1}")
