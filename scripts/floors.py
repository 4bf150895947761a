"""What scripts/floors runs: the lowest versions that pyproject.toml allows, bundles, their checks.

Usage: floors.py pins | make FOLDER RECIPE… | check FOLDER
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

PROJECT = Path("pyproject.toml")
EXTRAS = ("export", "report", "parquet", "serve", "sign", "boosters")
EXACT = ("float32", "float32-pack")  # the methods whose numbers are scikit-learn's
TOLERANCE = 1e-4


def pins() -> Iterator[str]:
    """Yield each requirement of ours at its floor, as far as it is for this Python and system.

    Only with what comes with pip, since nothing else is installed yet.
    """
    from pip._vendor.packaging.requirements import Requirement

    try:
        import tomllib
    except ModuleNotFoundError:  # before Python 3.11
        from pip._vendor import tomli as tomllib

    project = tomllib.loads(PROJECT.read_text(encoding="utf-8"))["project"]
    lists = [project["dependencies"], *(project["optional-dependencies"][e] for e in EXTRAS)]
    for requirement in (Requirement(text) for texts in lists for text in texts):
        floors = [s.version for s in requirement.specifier if s.operator == ">="]
        if len(floors) != 1:
            raise SystemExit(f"pyproject.toml: {requirement} has no floor")
        if requirement.marker is None or requirement.marker.evaluate():
            yield f"{requirement.name}=={floors[0]}"


def make(folder: Path, recipes: list[str]) -> None:
    """Write the bundle of each recipe (of all, where none is named), quantized with every method.

    Ends with an error where a proof fails.
    """
    from toolkit.trainer.catalog import recipe_names

    for name in recipes or recipe_names():
        for arguments in (["export", name, "-o", folder / name], ["quantize", folder / name]):
            command = [sys.executable, "-m", "toolkit", *map(str, arguments)]
            subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


def check(folder: Path) -> None:
    """Hold every file of every bundle against its golden rows, and exact ones against all rows.

    The golden rows are few: a tree that is taken for another shows on all of them.
    """
    from toolkit.runtime.verify import verify

    paths = sorted(p.parent for p in folder.glob("*/manifest.json"))
    failed = [] if paths else [f"{folder}: no bundles"]
    for path in paths:
        checks = verify(path)
        failed += [f"{path.name}: {c.file}: {c.detail}" for c in checks if not c.passed]
        exact = {f"{path.name}: {name}": found for name, found in held_out(path)}
        failed += [
            f"{name}: deviation {worst:.1e}, labels equal {equal:.4g} on the held-out rows"
            for name, (worst, equal) in exact.items()
            if worst > TOLERANCE or equal < 1
        ]
        print(f"{path.name}: {len(checks)} checks, {len(exact)} files on all held-out rows")
    if failed:
        raise SystemExit("\n".join(failed))


def held_out(path: Path) -> Iterator[tuple[str, tuple[float, float]]]:
    """Yield each exact file of a bundle, its largest deviation and its share of equal labels."""
    from toolkit.bundle import open_bundle
    from toolkit.metrics import deviation, scales_of
    from toolkit.runtime import load

    bundle = open_bundle(path)
    rows = bundle.evaluation()
    for variant in bundle.variants:
        if variant.method in EXACT and variant.file is not None:
            got = load(path / variant.file).run(rows.inputs)
            yield variant.file, deviation(rows.outputs, got, scales_of(rows.outputs))


def main(command: str, *arguments: str) -> None:
    """Run one of the three."""
    if command == "pins":
        print(*pins(), sep="\n")
    elif command == "make":
        make(Path(arguments[0]), list(arguments[1:]))
    else:
        check(Path(arguments[0]))


if __name__ == "__main__":
    main(*sys.argv[1:])
