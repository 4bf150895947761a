"""What a method raises where it makes no variant; both are results, not errors."""

from __future__ import annotations


class NotApplicable(Exception):
    """The method has nothing to do on this graph; the message says why."""


class NoOp(NotApplicable):
    """A tool that the method calls said that it was done, and had changed nothing."""
