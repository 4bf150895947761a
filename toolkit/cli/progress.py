"""One line that says what a long command does: it moves on a terminal, and is a log elsewhere.

The command tells its stages, and the work itself its steps (`toolkit.stages`).
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from toolkit.cli.output import say
from toolkit.stages import heard

Tell = Callable[[str], None]
PATIENCE = 5.0  # seconds between two steps in a log


@contextmanager
def progress(quiet: bool = False) -> Iterator[tuple[Tell, Tell]]:
    """Yield what tells a stage, and what tells a result within it, on standard error.

    quiet: nothing is told.
    """
    if quiet:
        yield (lambda _: None), (lambda _: None)
        return
    if not sys.stderr.isatty():
        with heard(_sparingly(lambda text: say(f"  {text} …"))):
            yield say, say
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

        with heard(step):
            yield tell, step


def _sparingly(tell: Tell) -> Tell:
    """Return `tell` for what is told often: nothing at first, then one message in PATIENCE."""
    last = time.monotonic()

    def told(message: str) -> None:
        nonlocal last
        now = time.monotonic()
        if now - last >= PATIENCE:
            last = now
            tell(message)

    return told
