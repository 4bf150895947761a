"""A copy of an estimator without what cannot be kept.

That a copy answers some rows alike is not enough to leave a value out: a function that fills in
missing values may meet none among them, and compiled code may read what is no longer there. So the
copy is made twice: first with stand-ins (`toolkit.estimators.stands`) that tell whether they are
used, then, where they are not, with the values' defaults.
"""

from __future__ import annotations

import copy
import inspect
from collections.abc import Callable, Collection
from typing import Any

import numpy as np

from toolkit.estimators.skops_file import is_kept
from toolkit.estimators.stands import ABSENT, Stand, stand_for

PLAIN = (str, bytes, int, float, bool, type(None), np.floating, np.integer, np.bool_)
CALLS = ("get_params", "predict", "predict_proba")  # an estimator, or a part of one


def lean_copy(
    estimator: Any, same: Callable[[Any], bool], trusted: Collection[str]
) -> tuple[Any, tuple[str, ...]] | None:
    """Return the copy and what it lacks ("GridSearchCV.cv"), None where that is used to answer.

    What can be kept is shared with the estimator, which stays as it is. same: tells whether a copy
    answers as the estimator does. trusted: types beside toolkit's own that can be kept.
    """
    if not _answers(estimator):
        return None
    known: dict[int, tuple[bool, Any]] = {}
    trial = _Copier(trusted, known, stand_for)
    if not same(trial.of_object(estimator)) or any(stand.asked for stand in trial.placed):
        return None
    final = _Copier(trusted, known, lambda value, default: default)
    return final.of_object(estimator), tuple(dict.fromkeys(final.left_out))


class _Copier:
    """Copies what can be kept, with something in the place of what cannot.

    known: by address, whether the object there can be kept, and the object, so that no other gets
    that address. instead: what takes a value's place, of the value and its default, ABSENT for an
    attribute or entry to be removed.
    """

    def __init__(
        self,
        trusted: Collection[str],
        known: dict[int, tuple[bool, Any]],
        instead: Callable[[Any, Any], Any],
    ) -> None:
        self.trusted, self.known, self.instead = trusted, known, instead
        self.left_out: list[str] = []
        self.placed: list[Stand] = []
        # By address: the copy, and what was copied.
        self._made: dict[int, tuple[Any, Any]] = {}

    def of_object(self, value: Any) -> Any:
        """Return an object of the same type without the attributes that cannot be kept."""
        kind = type(value)
        twin = object.__new__(kind)
        self._made[id(value)] = twin, value  # before its attributes: one of them may hold it
        place, defaults, saved = vars(twin), _defaults(kind), _saved(value)
        for name, held in vars(value).items():
            path = f"{kind.__name__}.{name}"
            lean = self._of(held, path) if name in saved else held
            if lean is ABSENT and type(held) is dict and name not in defaults:
                lean = self._entries(held, path)
            elif lean is ABSENT:
                lean = self._cut(held, defaults.get(name, ABSENT), path)
            if lean is not ABSENT:
                place[name] = lean
        return twin

    def _of(self, value: Any, path: str) -> Any:
        """Return what stands for a value in the copy, ABSENT where it cannot be kept."""
        if isinstance(value, PLAIN) or _is_numbers(value):
            return value
        if id(value) not in self._made:
            self._made[id(value)] = self._made_of(value, path), value
        return self._made[id(value)][0]

    def _made_of(self, value: Any, path: str) -> Any:
        if _is_labels(value):
            return self._of(value.tolist(), path)
        if isinstance(value, list | tuple):
            return self._row(value, path)
        if isinstance(value, dict):
            return self._dict(value, path)
        if self._is_kept(value):
            return value
        if any(hasattr(type(value), call) for call in CALLS) and hasattr(value, "__deepcopy__"):
            copied = copy.deepcopy(value)  # a library's own copy may be leaner
            if self._is_kept(copied):
                return copied
        return self.of_object(value) if _answers(value) else ABSENT

    def _row(self, value: Any, path: str) -> Any:
        """Return a list or tuple; of a row with estimators in it a part may be left out."""
        parts = [self._of(v, f"{path}[{k}]") for k, v in enumerate(value)]
        if any(part is ABSENT for part in parts):
            if not any(_answers(v) for v in value):
                return ABSENT
            parts = [
                self._cut(v, None, f"{path}[{k}]") if part is ABSENT else part
                for k, (v, part) in enumerate(zip(value, parts, strict=True))
            ]
        return value._make(parts) if hasattr(value, "_make") else type(value)(parts)

    def _dict(self, value: dict[Any, Any], path: str) -> Any:
        parts = {k: self._of(v, f"{path}[{k!r}]") for k, v in value.items()}
        duplicate = copy.copy(value)
        for key in duplicate:
            duplicate[key] = None
        if any(part is ABSENT for part in parts.values()) or not is_kept(duplicate, self.trusted):
            return ABSENT  # a key, or the dictionary's own type
        for key, part in parts.items():
            duplicate[key] = part
        return duplicate

    def _entries(self, held: dict[Any, Any], path: str) -> Any:
        """Return a dictionary without the entries that cannot be kept."""
        entries = {}
        for key, value in held.items():
            at = f"{path}[{key!r}]"
            lean = self._of(value, at) if is_kept({key: None}, self.trusted) else ABSENT
            if lean is ABSENT:
                lean = self._cut(value, ABSENT, at)
            if lean is not ABSENT:
                entries[key] = lean
        return entries

    def _cut(self, value: Any, default: Any, path: str) -> Any:
        self.left_out.append(path)
        instead = self.instead(value, default)
        if isinstance(instead, Stand):
            self.placed.append(instead)
        return instead

    def _is_kept(self, value: Any) -> bool:
        if id(value) not in self.known:
            self.known[id(value)] = is_kept(value, self.trusted), value
        return self.known[id(value)][0]


def _defaults(kind: type) -> dict[str, Any]:
    """Return the constructor's parameters and their defaults, None for those without."""
    try:
        parameters = inspect.signature(kind).parameters.values()
    except (TypeError, ValueError):  # compiled types need not say
        return {}
    return {p.name: None if p.default is p.empty else p.default for p in parameters}


def _saved(value: Any) -> set[str]:
    """Return which attributes skops saves: what the object's state lacks it does not.

    CatBoost's state has the entries of a dictionary in place of the attribute that holds them.
    """
    state = value.__getstate__()
    state = state if isinstance(state, dict) else {}
    return {
        name
        for name, held in vars(value).items()
        if name in state or (type(held) is dict and held and held.keys() <= state.keys())
    }


def _answers(value: Any) -> bool:
    """Tell whether a value is an estimator, or a part of one, with all that it holds by name."""
    kind = type(value)
    plain = getattr(kind, "__new__", None) is object.__new__  # nothing that __dict__ does not show
    # What frees something at its end, such as a booster, would free it twice.
    plain = plain and not hasattr(kind, "__del__")
    return plain and hasattr(value, "__dict__") and any(hasattr(kind, call) for call in CALLS)


def _is_numbers(value: Any) -> bool:
    return type(value) is np.ndarray and value.dtype.kind in "fiubcUS"


def _is_labels(value: Any) -> bool:
    """Tell whether a value is an Index, Series or array of pandas, of which skops takes none."""
    library = type(value).__module__.partition(".")[0]
    return library == "pandas" and getattr(value, "ndim", 0) == 1 and hasattr(value, "tolist")
