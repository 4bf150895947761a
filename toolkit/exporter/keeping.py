"""Keeping a fitted estimator beside its graph: whole, without what matters only in fitting, or not.

A copy of the estimator lets `bench` time scikit-learn itself. It is no condition of an export: the
proof and scikit-learn's answers are in the bundle anyway.
"""

from __future__ import annotations

import copy
import inspect
import warnings
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any

import numpy as np

from toolkit.errors import InvalidInput, first_line
from toolkit.skops_file import dump_estimator, is_kept, load_estimator

PLAIN = (str, bytes, int, float, complex, bool, type(None), np.number, np.bool_)


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
            "left_out": list(self.left_out),
            "why": self.why,
        }


def keep(estimator: Any, same: Callable[[Any], bool], trusted: Collection[str] = ()) -> Kept:
    """Return the estimator's file, read back from its bytes and asked.

    same: tells whether a restored estimator answers as this one. trusted: types beside toolkit's
    own that may be restored. Where the whole of it cannot be kept, what cannot is left out of a
    copy (settings of searches, callbacks, lambdas, columns as an Index become lists); that copy is
    kept if it answers alike. Nothing is raised: without a file the reason is given.
    """
    try:
        return Kept(_checked(dump_estimator(estimator, trusted), same, trusted))
    except InvalidInput as refusal:
        why = str(refusal).partition(": ")[2] or str(refusal)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            lean = _Lean(trusted)
            twin = lean.of(copy.deepcopy(estimator), type(estimator).__name__)
            content = _checked(dump_estimator(twin, trusted), same, trusted)
    except Exception:  # whatever a copy of somebody's object does; the first reason stands
        return Kept(None, why=why)
    return Kept(content, tuple(dict.fromkeys(lean.left_out)))


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


class _Lean:
    """Takes out of an estimator what cannot be kept."""

    def __init__(self, trusted: Collection[str]) -> None:
        self.trusted = trusted
        self.left_out: list[str] = []

    def of(self, value: Any, path: str) -> Any:
        """Return a value in which all can be kept but what is no more there; path: its name."""
        if isinstance(value, PLAIN) or _is_numbers(value):
            return value
        if _is_index(value):
            return value.tolist()
        if isinstance(value, list | tuple) and not hasattr(value, "_fields"):
            return type(value)(self.of(v, path) for v in value)
        if type(value) is dict:
            return {k: self.of(v, f"{path}[{k!r}]") for k, v in value.items()}
        if hasattr(value, "get_params") and hasattr(value, "__dict__"):
            return self._estimator(value)
        return value

    def _estimator(self, estimator: Any) -> Any:
        """Take out of an estimator, in place, each attribute that cannot be kept."""
        defaults = _defaults(type(estimator))
        for name, value in list(vars(estimator).items()):
            path = f"{type(estimator).__name__}.{name}"
            lean = self.of(value, path)
            if _is_plain(lean) or is_kept(lean, self.trusted):
                if lean is not value:
                    setattr(estimator, name, lean)
                continue
            self.left_out.append(path)
            if name in defaults:
                setattr(estimator, name, defaults[name])
            else:
                delattr(estimator, name)
        return estimator


def _defaults(kind: type) -> dict[str, Any]:
    """Return the constructor's parameters and their defaults, None for those without."""
    parameters = inspect.signature(kind).parameters.values()
    return {p.name: None if p.default is p.empty else p.default for p in parameters}


def _is_plain(value: Any) -> bool:
    return isinstance(value, PLAIN) or _is_numbers(value)


def _is_numbers(value: Any) -> bool:
    return isinstance(value, np.ndarray) and value.dtype.kind in "fiubcUS"


def _is_index(value: Any) -> bool:
    """Tell whether a value is one of pandas' indexes, which skops does not take."""
    library = type(value).__module__.partition(".")[0]
    return library == "pandas" and hasattr(value, "get_indexer")
