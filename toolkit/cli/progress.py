"""One line that says what a long command does: it moves on a terminal, and is a log elsewhere."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from toolkit.cli.output import say, sparingly

Tell = Callable[[str], None]


@contextmanager
def progress(quiet: bool = False) -> Iterator[tuple[Tell, Tell]]:
    """Yield what tells a stage, and what tells a step within it, on standard error.

    quiet: nothing is told.
    """
    if quiet:
        yield (lambda _: None), (lambda _: None)
        return
    if not sys.stderr.isatty():
        yield say, sparingly(say)
        return
    from rich.console import Console

    console = Console(stderr=True)
    with console.status("") as status:
        stage = ""

        def tell(text: str) -> None:
            nonlocal stage
            stage = text
            status.update(stage)

        def step(text: str) -> None:
            status.update(f"{stage} {text}")

        yield tell, step
