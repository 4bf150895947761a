"""What marks a missing text: NaN, None or pandas' NA, which estimators tell from each other."""

from __future__ import annotations

from collections.abc import Sequence

from toolkit.errors import InvalidInput
from toolkit.estimators.frames import KEPT, NA, NAN, NONE
from toolkit.exporter.schema.told import Told
from toolkit.exporter.schema.values import Values

ORDER = (NAN, NONE, NA)


def text_mark(values: Sequence[Values], told: Sequence[Told], name: str) -> str:
    """Return the mark of missing text in a column, or in several that are one input.

    A graph has one: the empty text. It stands for the mark that the rows hold; where they hold
    none, for that of the estimator; where that tells none either, for NaN, as pandas has it.
    Raises InvalidInput where the rows hold several marks, or a mark and empty texts.
    """
    held = frozenset[str]().union(*(v.marks for v in values))
    if len(held) > 1:
        texts = {NAN: "NaN", NONE: "None", NA: "pandas.NA", KEPT: "empty texts"}
        raise InvalidInput(
            f"column {name!r} holds {' and '.join(texts[m] for m in sorted(held))}, which are one "
            "to a graph; replace one of them, and fit again where the estimator tells them apart"
        )
    if held:
        return next(iter(held))
    known = frozenset[str]().union(*(t.marks for t in told))
    return next((m for m in ORDER if m in known), KEPT if KEPT in known else NAN)
