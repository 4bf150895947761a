"""What a budget says: `nmse<=1e-4`, or several limits joined by commas."""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass

from toolkit.bundle import Bundle
from toolkit.errors import InvalidInput

# Metric -> (its operator, the largest limit that means anything).
METRICS: dict[str, tuple[str, float]] = {
    "nmse": ("<=", math.inf),
    "r2_drop": ("<=", math.inf),
    "agreement": (">=", 1.0),
    "max_error": ("<=", math.inf),
    "bytes": ("<=", math.inf),
}

_LIMIT = re.compile(r"\s*(?P<metric>[^\s<>=]+)\s*(?P<operator>[<>=]+)\s*(?P<limit>[^\s<>=]+)\s*")
_FORM = (
    "write " + ", ".join(f"{name}{op}NUMBER" for name, (op, _) in METRICS.items()) + ", or several "
    "joined by commas"
)


@dataclass(frozen=True)
class Limit:
    """One figure that a variant must keep: at most `value`, for an agreement at least."""

    metric: str
    value: float

    def kept_by(self, figure: float) -> bool:
        """Tell whether a figure keeps the limit; NaN keeps none."""
        return figure >= self.value if METRICS[self.metric][0] == ">=" else figure <= self.value

    def __str__(self) -> str:
        return f"{self.metric}{METRICS[self.metric][0]}{self.value:.12g}"


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
    given = [expressions] if isinstance(expressions, str) else list(expressions)
    if not given:
        raise InvalidInput(f"budget: holds no limit; {_FORM}")
    limits = tuple(_limit(part) for text in given for part in text.split(","))
    for k, limit in enumerate(limits):
        if limit.metric in (m.metric for m in limits[:k]):
            raise InvalidInput(
                f"budget {str(limit)!r}: {limit.metric} has a limit already; give one"
            )
    return Budget(limits)


def _limit(part: str) -> Limit:
    match = _LIMIT.fullmatch(part)
    if match is None:
        raise InvalidInput(f"budget {part.strip()!r}: is no limit; {_FORM}")
    metric, sign, text = match["metric"], match["operator"], match["limit"]
    if metric not in METRICS:
        near = difflib.get_close_matches(metric, METRICS, n=1)
        hint = f", did you mean {near[0]!r}?" if near else ""
        raise InvalidInput(
            f"budget {part.strip()!r}: there is no metric {metric!r}{hint}; the metrics are "
            f"{', '.join(METRICS)}"
        )
    wanted, most = METRICS[metric]
    if sign != wanted:
        raise InvalidInput(f"budget {part.strip()!r}: {sign!r} after {metric}; {_FORM}")
    value = _number(text)
    if not 0 <= value <= most or math.isinf(value):
        largest = "a number of 0 or more" if math.isinf(most) else f"a number from 0 to {most:g}"
        raise InvalidInput(f"budget {part.strip()!r}: {text!r} is not {largest}; {_FORM}")
    return Limit(metric, value)


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return math.nan


def check_applies(budget: Budget, bundle: Bundle, targets: bool) -> None:
    """Raise InvalidInput where a limit's figure does not exist for this model and these rows.

    targets: whether the calibration rows have any.
    """
    labels = {o["name"] for o in bundle.manifest["outputs"] if _is_label(o)}
    numbers = {o["name"] for o in bundle.manifest["outputs"]} - labels
    needs = {
        "nmse": (bool(numbers), "numeric outputs, and this model gives none"),
        "max_error": (bool(numbers), "numeric outputs, and this model gives none"),
        "agreement": (bool(labels), "labels, and this model gives none"),
        "r2_drop": (
            bundle.task == "regressor" and targets,
            "a regressor whose calibration rows have targets, and this model is none",
        ),
        "bytes": (True, ""),
    }
    usable = [name for name, (there, _) in needs.items() if there]
    for limit in budget.limits:
        there, what = needs[limit.metric]
        if not there:
            raise InvalidInput(
                f"budget {str(limit)!r}: {limit.metric} needs {what}; here the metrics are "
                f"{', '.join(usable)}"
            )


def _is_label(output: dict) -> bool:
    return output["name"] == "label" or output.get("dtype") == "string"
