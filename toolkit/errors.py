"""The errors that toolkit raises on purpose, each with the exit code that the commands give it."""

from __future__ import annotations


class ToolkitError(Exception):
    """Base of every deliberate error: one line that names offender, value and remedy."""

    exit_code = 2


class InvalidInput(ToolkitError):
    """A file, option or array that the user gave does not fit what is asked."""

    exit_code = 2


class CorruptArtifact(ToolkitError):
    """A file that toolkit wrote (or should have written) is damaged, truncated or hostile."""

    exit_code = 2


class UnsupportedEstimator(ToolkitError):
    """The estimator or graph cannot be converted; says which, why, and what to do instead."""

    exit_code = 3


class ParityError(ToolkitError):
    """An artifact was written and measured, and its figures break a stated limit."""

    exit_code = 1


class ToolkitWarning(UserWarning):
    """Something of the user's input is not used as it stands; the message says what."""


LONGEST_LINE = 2000  # letters of a message
LONGEST = 500  # letters of another library's message, which may hold a damaged file's bytes


def first_line(error: BaseException) -> str:
    """Return the first line of another library's message, or the error's type where it has none."""
    lines = str(error).strip().splitlines()
    line = lines[0].strip() if lines else type(error).__name__
    return line if len(line) <= LONGEST else f"{line[:LONGEST]} …"


def one_line(error: BaseException) -> str:
    """Return the message on one line; a file's name or another library's words may hold breaks.

    Names in files from anywhere may be of any length; a message is not.
    """
    line = " ".join(str(error).splitlines())
    return line if len(line) <= LONGEST_LINE else f"{line[:LONGEST_LINE]} …"
