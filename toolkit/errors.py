"""The errors that toolkit raises on purpose, each with the exit code that the commands give it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from typing import ParamSpec, TypeVar

    P = ParamSpec("P")
    R = TypeVar("R")

DISTRIBUTION = "proven-onnx"  # on the public index; `toolkit` is another project there
# What the base install leaves out -> the extra that brings it.
EXTRAS = (
    dict.fromkeys(
        ("filelock", "joblib", "onnx", "pandas", "scipy", "skl2onnx", "sklearn", "skops"), "export"
    )
    | dict.fromkeys(("matplotlib", "rich"), "report")
    | {"cryptography": "sign"}
    | {"pyarrow": "parquet"}
    | dict.fromkeys(("httptools", "uvicorn"), "serve")
)
LONGEST_LINE = 2000  # letters of a message
LONGEST = 500  # letters of another library's message


class ToolkitError(Exception):
    """Base of every deliberate error: one line that names offender, value and remedy.

    A file's name, a value or another library's words may hold breaks: they become blanks.
    Names in files from anywhere may be of any length: the message is cut.
    """

    exit_code = 2

    def __init__(self, message: object = "") -> None:
        line = " ".join(str(message).splitlines())
        super().__init__(line if len(line) <= LONGEST_LINE else f"{line[:LONGEST_LINE]} …")


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


def first_line(error: BaseException) -> str:
    """Return the first line of another library's message, or the error's type where it has none."""
    lines = str(error).strip().splitlines()
    return lines[0].strip()[:LONGEST] if lines else type(error).__name__


def install(extra: str) -> str:
    """Say how an extra is installed."""
    return f"pip install '{DISTRIBUTION}[{extra}]'"


def missing_package(error: ImportError) -> InvalidInput | None:
    """Return what is said of a package of toolkit's extras that is not there; else None."""
    package = (error.name or "").partition(".")[0]
    if package not in EXTRAS:
        return None
    return InvalidInput(f"this needs {package}, which is not installed; {install(EXTRAS[package])}")


@contextmanager
def boundary(subject: str, kind: type[ToolkitError], remedy: str) -> Iterator[None]:
    """Let whatever another library raises leave as one line, with the error itself as its cause.

    subject: whose error it is, kind: what it becomes, and remedy: what to do then. Memory that does
    not suffice is told as such (InvalidInput), a full disk is, and what is missing of toolkit's
    extras.
    """
    try:
        yield
    except ToolkitError:
        raise
    except MemoryError as error:
        raise InvalidInput(
            f"{subject}: the memory does not suffice ({first_line(error)}); give fewer rows, or a "
            "smaller model"
        ) from error
    except Exception as error:  # that is what it is for
        if isinstance(error, OSError) and _is_full(error):
            where = error.filename or "a temporary folder, or where the output goes"
            raise InvalidInput(
                f"{subject}: cannot write on ({error.strerror}: {where}); free some space"
            ) from error
        if isinstance(error, ImportError) and (missing := missing_package(error)):
            raise missing from error
        raise kind(
            f"{subject}: fails with {type(error).__name__} ({first_line(error)}); {remedy}"
        ) from error


def _is_full(error: OSError) -> bool:
    """Tell whether a disk is full, or what of it a user may take."""
    import errno

    return error.errno in (errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC))


def guarded(
    subject: str, kind: type[ToolkitError], remedy: str
) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Return what puts a `boundary` around a function; subject: the argument that it is named for.

    A path is named as it is, another object by its type.
    """

    def decorate(function: Callable[P, R]) -> Callable[P, R]:
        place = function.__code__.co_varnames.index(subject)

        @wraps(function)
        def call(*args: P.args, **kwargs: P.kwargs) -> R:
            value: Any = args[place] if len(args) > place else kwargs.get(subject)
            with boundary(_named(value), kind, remedy):
                return function(*args, **kwargs)

        return call

    return decorate


def _named(value: Any) -> str:
    if isinstance(value, str):
        return value
    if hasattr(value, "__fspath__"):
        return str(value.__fspath__())
    return type(value).__name__
