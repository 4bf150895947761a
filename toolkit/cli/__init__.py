"""The `toolkit` command line: parses, calls the library, prints; heavy imports wait inside."""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Callable, Sequence
from typing import Any

import click

from toolkit import __version__
from toolkit.cli import (
    bench,
    build,
    check,
    compare,
    export,
    lists,
    provenance,
    quantize,
    serve,
    use,
)
from toolkit.errors import ToolkitWarning
from toolkit.runtime.files import reader_left, set_encodings
from toolkit.runtime.stopping import ended


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; return 0 done, 1 a gate failed, 2 wrong usage or input, 3 unsupported."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    set_encodings()
    verbose = not {"-v", "--verbose"}.isdisjoint(arguments)
    with warnings.catch_warnings():
        warnings.simplefilter("always", ToolkitWarning)
        warnings.showwarning = _say(warnings.showwarning)
        return ended("toolkit", lambda: _invoke(arguments), verbose)


def _say(show: Callable[..., None]) -> Callable[..., None]:
    """Return what shows a warning: toolkit's own as one line, others as before."""

    def say(message: Warning | str, category: type[Warning], *where: Any, **more: Any) -> None:
        if issubclass(category, ToolkitWarning):
            click.echo(f"warning: {message}", err=True)
        else:
            show(message, category, *where, **more)

    return say


def _invoke(arguments: list[str]) -> int:
    try:
        return cli.main(arguments, prog_name="toolkit", standalone_mode=False) or 0
    except click.exceptions.Exit as stop:
        return stop.exit_code
    except click.ClickException as error:
        error.show()
        return 2
    except click.Abort as abort:  # what click makes of it
        if isinstance(abort.__cause__, KeyboardInterrupt):
            raise abort.__cause__ from None
        raise KeyboardInterrupt from None


class _Commands(click.Group):
    """A group that ends well where the reader of its output went away (`… | head`)."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            result = super().invoke(ctx)
            sys.stdout.flush()
            return result
        except OSError as error:
            if not reader_left(error):
                raise
            # click would exit with 1, a failed gate; and Python would complain while it exits.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return 0


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__)
def cli() -> None:
    """From a fitted scikit-learn model to small, fast, proven files for onnxruntime alone.

    Exit codes: 0 done and every gate passed; 1 a parity or budget gate failed; 2 wrong usage or bad
    input; 3 the estimator is not supported.
    """


ROOMS = (build, check, export, quantize, bench, compare, use, serve, lists, provenance)
for command in (command for room in ROOMS for command in room.COMMANDS):
    cli.add_command(command)
