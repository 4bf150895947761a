"""Compare the graphs and packs of every case of the estimator matrix with those of a revision.

A change of structure alone leaves every byte as it was. Both trees run with this environment's
libraries, each with its own cases; those that only one of them has are told, and are no fault.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import warnings
import zlib
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
PACKED = 24  # every so many cases all methods are tried, of every case the graphs are compared
TUNES = ("latency", "throughput")


def main() -> int:
    """Run both trees side by side and print what differs, as JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("revision", nargs="?", default="HEAD")
    parser.add_argument("--every", type=int, default=1, help="only every n-th case (a sample)")
    parser.add_argument("--only", default="", help="only cases whose names hold this")
    parser.add_argument("--digests", metavar="TREE", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.digests:
        sys.path.insert(0, arguments.digests)
        os.chdir(arguments.digests)
        print(json.dumps(dict(digests(arguments.every, arguments.only))))
        return 0
    with tempfile.TemporaryDirectory(prefix="compare-graphs-") as scratch:
        other = Path(scratch) / "tree"
        git = ("git", "-C", str(ROOT), "worktree")
        subprocess.run([*git, "add", "-q", "--detach", str(other), arguments.revision], check=True)
        try:
            before, after = _both(
                other, ["--every", str(arguments.every), "--only", arguments.only]
            )
        finally:
            subprocess.run([*git, "remove", "--force", str(other)], check=True)
    found = compared(before, after)
    print(json.dumps(found, indent=1))
    return int(bool(found["differ"]))


def compared(before: dict[str, Any], after: dict[str, Any]) -> dict[str, Any]:
    """Return how many digests are equal, and the names of those that differ or stand alone."""
    both = sorted(before.keys() & after.keys())
    differ = [name for name in both if before[name] != after[name]]
    return {
        "equal": len(both) - len(differ),
        "differ": differ,
        "only before": sorted(before.keys() - after.keys()),
        "only after": sorted(after.keys() - before.keys()),
    }


def _both(other: Path, options: list[str]) -> tuple[dict[str, Any], dict[str, Any]]:
    running = [
        subprocess.Popen(
            [sys.executable, "-P", __file__, "--digests", str(tree), *options],
            stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": str(tree), "PYTHONHASHSEED": "0"},
        )
        for tree in (other, ROOT)
    ]
    said = [process.communicate()[0] for process in running]
    if any(process.returncode for process in running):
        raise SystemExit("a tree could not be run; see above")
    before, after = map(json.loads, said)
    return before, after


def digests(every: int, only: str) -> Iterator[tuple[str, str]]:
    """Yield (case and file, SHA-256 of it, or the message where it is refused)."""
    from tests.estimators.harness import all_cases

    warnings.simplefilter("ignore")
    for case in all_cases():
        number = zlib.crc32(case.name.encode())  # a case keeps its turn when others come
        if number % every or only not in case.name:
            continue
        for tune in TUNES:
            yield f"{case.name} {tune}", _graph(case, tune)
        if number // every % PACKED == 0 and not case.refused:
            yield from _files(case)


def _graph(case: Any, tune: str) -> str:
    from toolkit import export

    estimator, X, y = case.fit()
    with tempfile.TemporaryDirectory() as folder:
        return _digest_of(lambda: export(estimator, X, y, name="m", out=folder, tune=tune), folder)


def _digest_of(make: Any, folder: str) -> str:
    from toolkit.errors import ToolkitError

    try:
        make()
    except ToolkitError as error:
        return f"{type(error).__name__}: {str(error).replace(folder, '')}"
    return sha256((Path(folder) / "model.onnx").read_bytes()).hexdigest()


def _files(case: Any) -> Iterator[tuple[str, str]]:
    from toolkit import export, quantize
    from toolkit.errors import ToolkitError

    estimator, X, y = case.fit()
    with tempfile.TemporaryDirectory() as folder:
        try:
            bundle = export(estimator, X, y, name="m", out=folder, tune="latency")
            for variant in quantize(bundle):
                said = f"{variant.status}: {variant.reason}"
                if variant.file:
                    said = sha256((Path(folder) / variant.file).read_bytes()).hexdigest()
                yield f"{case.name} {variant.method}", said
        except ToolkitError as error:
            yield f"{case.name} quantize", str(error).replace(folder, "")


if __name__ == "__main__":
    sys.exit(main())
