"""Options that several commands have."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import click

Command = Callable[..., int | None]


unproved = click.option("--unproved", is_flag=True, help="Use a model whose proof failed.")
trust = click.option(
    "--trust",
    "trusted",
    multiple=True,
    metavar="TYPE",
    help="A type that the estimator's .skops file may hold, such as package.module.Type "
    "(repeatable).",
)


licensed = click.option(
    "--license",
    metavar="TEXT",
    help="The model's licence, such as Apache-2.0, for its card and bill of materials.",
)
quietly = click.option("-q", "--quiet", is_flag=True, help="No progress on standard error.")


def recommending(command: Command) -> Command:
    """Give a command what steers the recommended file."""
    for option in (
        click.option(
            "--within",
            multiple=True,
            metavar="EXPR",
            help="What the recommended file may lose, such as 'nmse<=1e-4' (repeatable).",
        ),
        click.option(
            "--for",
            "goal",
            default="balance",
            metavar="GOAL",
            help="What it is to be: balance, size, speed, accuracy or portable.  "
            "[default: balance]",
        ),
    ):
        command = option(command)
    return command


def limited(libraries: str) -> Callable[[Command], Command]:
    """Return what gives a command that reads files from anywhere the limits of its process.

    libraries: a module that imports what the command needs.
    """

    def add(command: Command) -> Command:
        for option in (
            click.option(
                "--limit-seconds",
                metavar="N",
                expose_value=False,
                callback=_limit_seconds,
                help="Stop after so many seconds, with exit code 2.",
            ),
            click.option(
                "--limit-memory",
                metavar="SIZE",
                expose_value=False,
                callback=partial(_limit_memory, libraries),
                help="Take no more memory, such as 2G (Linux).",
            ),
        ):
            command = option(command)
        return command

    return add


def _limit_seconds(_context: Any, _option: Any, value: str | None) -> None:
    if value is not None:
        from toolkit.runtime.bounds import limit_seconds

        limit_seconds(value)


def _limit_memory(libraries: str, _context: Any, _option: Any, value: str | None) -> None:
    if value is not None:
        from toolkit.runtime.bounds import limit_memory

        limit_memory(value, libraries)


def require_signature(*other_names: str) -> Callable[[Command], Command]:
    """Give a command the option of a public key, under other names too."""
    return click.option(
        "--require-signature",
        *other_names,
        "require_signature",
        metavar="PUBKEY",
        help="Use only what was signed with this public key (a PEM file).",
    )


def common(command: Command) -> Command:
    """Give a command the options that all have."""
    for option in (
        click.option("-v", "--verbose", is_flag=True, expose_value=False, help="Show tracebacks."),
        click.option("--json", "as_json", is_flag=True, help="Print JSON for machines."),
    ):
        command = option(command)
    return command
