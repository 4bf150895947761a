"""Keeping a fitted estimator beside its graph: whole, without what matters only in fitting, or not.

A copy of the estimator lets `bench` time scikit-learn itself. It is no condition of an export: the
proof and scikit-learn's answers are in the bundle anyway.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any

from toolkit.errors import InvalidInput, first_line
from toolkit.estimators.lean import lean_copy
from toolkit.estimators.skops_file import dump_estimator, load_estimator


@dataclass(frozen=True)
class Kept:
    """The estimator's file, None where there is none, and why; left_out: what it is kept without.

    left_out names constructor parameters and attributes, such as "GridSearchCV.cv".
    """

    content: bytes | None
    left_out: tuple[str, ...] = ()
    why: str = ""

    def summary(self) -> dict[str, Any]:
        """Return what the manifest says of it."""
        return {
            "kept": self.content is not None,
            "left_out": [without_addresses(name) for name in self.left_out],
            "why": without_addresses(self.why),
        }


def without_addresses(text: str) -> str:
    """Return a text without the memory addresses that Python shows, other ones in each process."""
    return re.sub(r" at 0x[0-9a-fA-F]+", "", text)


def keep(estimator: Any, same: Callable[[Any], bool], trusted: Collection[str] = ()) -> Kept:
    """Return the estimator's file, read back from its bytes and asked.

    same: tells whether a restored estimator answers as this one. trusted: types beside toolkit's
    own that may be restored. Where the whole of it cannot be kept, what cannot is left out of a
    copy (settings of searches, callbacks, lambdas; columns as an Index become lists); that copy is
    kept if nothing that answers uses what is left out. Nothing is raised: without a file the
    reason is given.
    """
    try:
        return Kept(_checked(dump_estimator(estimator, trusted), same, trusted))
    except InvalidInput as refusal:
        why = str(refusal).partition(": ")[2] or str(refusal)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            copy = lean_copy(estimator, same, trusted)
            if copy is None:
                return Kept(None, why=why)
            content = _checked(dump_estimator(copy[0], trusted), same, trusted)
    except Exception:  # whatever a copy of somebody's object does; the first reason stands
        return Kept(None, why=why)
    return Kept(content, copy[1])


def _checked(content: bytes, same: Callable[[Any], bool], trusted: Collection[str]) -> bytes:
    """Return the bytes; InvalidInput where they cannot be read back, or answer otherwise."""
    restored = load_estimator(content, "estimator", trusted)
    try:
        alike = same(restored)
    except Exception as error:
        raise InvalidInput(
            f"estimator: answers no more once it is kept and read again ({first_line(error)})"
        ) from error
    if not alike:
        raise InvalidInput("estimator: answers otherwise once it is kept and read again")
    return content
