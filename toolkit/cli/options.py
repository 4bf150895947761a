"""Options that several commands have."""

from __future__ import annotations

from collections.abc import Callable

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
