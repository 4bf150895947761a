"""Stand-ins for values that are to be left out: they tell whether anything depends on the value."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

ABSENT = object()  # no default: the attribute is removed


class NeededError(Exception):
    """Something that is to be left out is used to answer."""


class Stand:
    """Stands for a value. What the value and its default answer alike, it answers so too.

    All else that is asked of it is noted in `asked`, and raises NeededError.
    """

    def __init__(self, value: Any, default: Any) -> None:
        vars(self).update(value=value, default=default, asked=[])

    def __bool__(self) -> bool:
        return self._alike("bool", bool)

    def __eq__(self, other: object) -> bool:
        return self._alike("eq", lambda v: bool(v == other))

    def __getattr__(self, name: str) -> Any:
        return self._need(name)

    def _alike(self, what: str, ask: Callable[[Any], bool]) -> bool:
        told = ask(self.value)
        if self.default is ABSENT or ask(self.default) != told:
            self._need(what)
        return told

    def _need(self, what: str) -> Any:
        self.asked.append(what)  # somebody may catch what is raised
        raise NeededError(f"what is left out was asked for {what!r}")


class StandFunction(Stand):
    """Stands for a function: whoever asks whether it can be called learns that it can."""

    def __call__(self, *_: Any, **__: Any) -> Any:
        """Raise NeededError."""
        return self._need("call")


def stand_for(value: Any, default: Any) -> Stand:
    """Return a stand-in for the value, with the default that is to take its place."""
    return (StandFunction if callable(value) else Stand)(value, default)


def _asking(what: str) -> Callable[..., Any]:
    return lambda stand, *_, **__: stand._need(what)


# Python looks these up on the type, and never asks `__getattr__` for them.
for _name in (
    *("iter", "next", "len", "getitem", "contains", "hash", "enter", "reduce_ex", "fspath"),
    *("str", "format", "int", "float", "index", "lt", "le", "gt", "ge", "neg", "abs", "invert"),
    *("add", "sub", "mul", "matmul", "truediv", "floordiv", "mod", "pow", "and", "or"),
    *("radd", "rsub", "rmul", "rmatmul", "rtruediv", "rfloordiv", "rmod", "rpow", "rand", "ror"),
):
    setattr(Stand, f"__{_name}__", _asking(_name))
