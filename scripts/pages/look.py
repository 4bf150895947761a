"""Open pages in headless Chromium as people see them, and say what is wrong with them."""

from __future__ import annotations

import argparse
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

AXE = "axe-core@4.14.1"
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome")
SERIOUS = ("serious", "critical")
# Elements that stick out of the window, or that scroll sideways within it.
OVERFLOW = """() => {
  const wide = document.documentElement.scrollWidth, seen = window.innerWidth, found = [];
  if (wide > seen) found.push(`the page is ${wide} pixels wide`);
  for (const e of document.querySelectorAll('.scroll, pre, table'))
    if (e.checkVisibility() && e.scrollWidth > e.clientWidth + 1 && e.clientWidth)
      found.push(`${e.tagName.toLowerCase()} ${e.getAttribute('aria-label') || e.className}: `
        + `${e.scrollWidth} pixels in ${e.clientWidth}`);
  return found;
}"""


@dataclass(frozen=True)
class View:
    """A window: its size in pixels, whether it is dark, and whether tables may scroll in it."""

    name: str
    width: int
    height: int
    dark: bool = False
    scrolls: bool = False


VIEWS = (
    View("wide", 1280, 900),
    View("dark", 1280, 900, dark=True),
    View("phone", 390, 844, scrolls=True),
)


def main() -> int:
    """Look at every page in every view; print the faults, and return 1 where there are any."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("pages", nargs="+", type=Path)
    parser.add_argument("--shots", type=Path, help="write a picture of each page here")
    arguments = parser.parse_args()
    axe = axe_source(Path(__file__).resolve().parents[2] / "build" / "axe")
    faults = list(look(arguments.pages, axe, arguments.shots))
    for fault in faults:
        print(f"FAILED {fault}")
    count = len(arguments.pages)
    print(f"{count} page{'s' * (count > 1)} in {len(VIEWS)} views: {len(faults)} faults")
    return int(bool(faults))


def look(pages: list[Path], axe: str, shots: Path | None = None) -> Iterator[str]:
    """Yield the faults of pages: console messages, overflow, and what axe calls serious."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as play:
        # As root, which CI may be, Chromium runs only without its sandbox; the pages are our own.
        browser = play.chromium.launch(executable_path=chromium(), args=["--no-sandbox"])
        for page in pages:
            for view in VIEWS:
                yield from (f"{page} ({view.name}): {f}" for f in _faults(browser, page, view, axe))
                if shots:
                    _shoot(browser, page, view, shots)
        browser.close()


def _faults(browser: Any, path: Path, view: View, axe: str) -> list[str]:
    faults: list[str] = []
    context, page = _opened(browser, path, view, faults)
    found = page.evaluate(OVERFLOW)
    faults += [f for f in found if not view.scrolls or f.startswith("the page")]
    page.evaluate("() => document.querySelectorAll('details').forEach(d => d.open = true)")
    page.evaluate(axe)
    for violation in page.evaluate("() => axe.run().then(result => result.violations)"):
        if violation["impact"] in SERIOUS:
            nodes = violation["nodes"]
            where = re.sub(r"\s+", " ", nodes[0]["html"])[:120]
            faults.append(f"{violation['id']}: {violation['help']} ({len(nodes)}: {where})")
    context.close()
    return faults


def _opened(browser: Any, path: Path, view: View, faults: list[str]) -> tuple[Any, Any]:
    """Return a context and its page, which writes console messages and requests to `faults`."""
    context = browser.new_context(
        viewport={"width": view.width, "height": view.height},
        color_scheme="dark" if view.dark else "light",
    )
    page, address = context.new_page(), path.resolve().as_uri()
    page.on("console", lambda message: faults.append(f"console: {message.text}"))
    page.on("pageerror", lambda error: faults.append(f"error: {error}"))
    page.on(
        "request",
        lambda request: (
            faults.append(f"asks for {request.url}")
            if not request.url.startswith((address.rsplit("/", 1)[0], "data:"))
            else None
        ),
    )
    page.goto(address)
    return context, page


def _shoot(browser: Any, path: Path, view: View, shots: Path) -> None:
    shots.mkdir(parents=True, exist_ok=True)
    context, page = _opened(browser, path, view, [])
    page.screenshot(path=shots / f"{path.parent.name}-{path.stem}-{view.name}.png", full_page=True)
    if not view.dark and not view.scrolls:
        page.pdf(path=shots / f"{path.parent.name}-{path.stem}.pdf", format="A4")
    context.close()


def chromium() -> str:
    """Return the browser's path; exits with the remedy where there is none."""
    found = next(filter(None, map(shutil.which, BROWSERS)), None)
    if found is None:
        sys.exit("error: no Chromium on this machine (Debian: apt install chromium)")
    return found


def axe_source(folder: Path) -> str:
    """Return the source of axe-core, fetched from npm into `folder` once."""
    source = folder / "node_modules" / "axe-core" / "axe.min.js"
    if not source.is_file():
        npm = shutil.which("npm")
        if npm is None:
            sys.exit("error: no npm on this machine (Debian: apt install npm)")
        folder.mkdir(parents=True, exist_ok=True)
        subprocess.run(
            [npm, "install", "--silent", "--no-audit", "--no-fund", "--prefix", str(folder), AXE],
            check=True,
            stdout=sys.stderr,
        )
    return source.read_text(encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
