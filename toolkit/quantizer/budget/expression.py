"""What a budget says: `nmse<=1e-4`, or several limits joined by commas (see `toolkit.limits`)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from toolkit import limits
from toolkit.arguments import texts
from toolkit.bundle import Bundle
from toolkit.errors import InvalidInput
from toolkit.limits import Limit

# What the choice of formats can be steered by, and to which side.
STEERED = {"nmse": "<=", "r2_drop": "<=", "agreement": ">=", "max_abs": "<=", "bytes": "<="}
_FORM = "a budget takes " + ", ".join(f"{name}{sign}NUMBER" for name, sign in STEERED.items())


@dataclass(frozen=True)
class Budget:
    """Limits that must all be kept, in the order in which they were given."""

    limits: tuple[Limit, ...]

    @property
    def bytes(self) -> float:
        """The most bytes that the file may have, infinite where no limit says."""
        return min((m.value for m in self.limits if m.metric == "bytes"), default=math.inf)

    @property
    def of_error(self) -> tuple[Limit, ...]:
        """The limits on what is lost."""
        return tuple(m for m in self.limits if m.metric != "bytes")

    def __str__(self) -> str:
        return ",".join(map(str, self.limits))


def parse(expressions: str | Sequence[str]) -> Budget:
    """Return the budget of one or more expressions; InvalidInput names the part that is wrong."""
    expressions_in = texts(expressions, "budget")
    if not expressions_in:
        raise InvalidInput(f"budget: holds no limit; {_FORM}")
    parsed = [limit for text in expressions_in for limit in limits.parse(text, "budget", STEERED)]
    for k, limit in enumerate(parsed):
        _check_steers(limit)
        if limit.metric in (m.metric for m in parsed[:k]):
            raise InvalidInput(
                f"budget {limit.expression!r}: {limit.metric} has a limit already; give one"
            )
    return Budget(tuple(parsed))


def _check_steers(limit: Limit) -> None:
    """Raise InvalidInput for a limit that a gate could have, and no choice can be steered by."""
    said = f"budget {limit.expression!r}: "
    if limit.method is not None:
        raise InvalidInput(f"{said}a budget is for no method; leave out {limit.method + ':'!r}")
    if limit.metric not in STEERED:
        raise InvalidInput(
            f"{said}formats cannot be chosen by {limit.metric}; {_FORM}, and `toolkit bench "
            "--gate` the rest"
        )
    if limit.operator != STEERED[limit.metric]:
        raise InvalidInput(f"{said}{limit.operator!r} after {limit.metric}; {_FORM}")


def check_applies(budget: Budget, bundle: Bundle, targets: bool) -> None:
    """Raise InvalidInput where a limit's figure does not exist for this model and these rows.

    targets: whether the calibration rows have any.
    """
    there = limits.facts(bundle.task, bundle.manifest["outputs"], targets)
    for limit in budget.limits:
        limits.check(limit, "budget", STEERED, there)
