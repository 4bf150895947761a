"""Build all image targets and check them; or measure them against an image with scikit-learn."""

from __future__ import annotations

import argparse
import platform
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import checks
import compare
import host_pip
import serve_checks
from base import stand_in
from engine import Engine, find_engine

TARGETS = ("runtime", "small", "serve")


def main() -> int:
    """Return 0 where everything was built and every check passed, else 1."""
    arguments = parser().parse_args()
    bundle = Path(arguments.bundle)
    if not (bundle / "manifest.json").is_file():
        sys.exit(f"error: {bundle}: holds no manifest.json; make it with `toolkit export`")
    begin = time.monotonic()
    engine = find_engine()
    base = arguments.python_image
    if base is None and engine.name == "podman":
        base = stand_in(engine, arguments.host_python)
    named = base or "of the Dockerfile"
    print(f"engine {engine.name}, {platform.machine()}, base {named}", flush=True)
    targets = [arguments.target] if arguments.target else list(TARGETS)
    passed = True
    with tempfile.TemporaryDirectory() as scratch:
        secrets = host_pip.secrets(Path(scratch))
        for target in targets:
            build(engine, target, bundle, base, secrets, arguments.public_key)
        if engine.name == "podman":  # a store of our own; earlier builds would fill the disk
            engine.call("image", "prune", "--force")
        if arguments.compare:
            compare.write_table(engine, bundle, base, secrets)
        for target in [] if arguments.no_checks else targets:
            statements = serve_checks.CHECKS if target == "serve" else checks.CHECKS
            passed &= checks.run(engine, tag(target), target, bundle, statements)
    print(f"{'all passed' if passed else 'FAILED'} in {time.monotonic() - begin:.0f} s")
    return 0 if passed else 1


def build(
    engine: Engine,
    target: str,
    bundle: Path,
    base: str | None,
    secrets: dict[str, Path],
    public_key: str | None,
) -> None:
    """Build one target of the Dockerfile and say how long it took."""
    begin = time.monotonic()
    values = {"BUNDLE": bundle.as_posix(), **revision()}
    if public_key:
        values["PUBLIC_KEY"] = Path(public_key).read_text(encoding="utf-8").strip()
    if base:
        values["PYTHON_IMAGE"] = base
    engine.build(tag(target), "Dockerfile", target, values, secrets)
    print(f"built {tag(target)} in {time.monotonic() - begin:.0f} s", flush=True)


def tag(target: str) -> str:
    """Return the image's name."""
    return f"localhost/toolkit:{target}"


def revision() -> dict[str, str]:
    """Return the version of the package and the commit that is checked out, for the labels."""
    source = Path("toolkit/__init__.py").read_text(encoding="utf-8")
    version = source.split('__version__ = "')[1].split('"')[0]
    commit = subprocess.run(["git", "rev-parse", "HEAD"], capture_output=True, encoding="utf-8")
    return {"VERSION": version, "REVISION": commit.stdout.strip() or "unknown"}


def parser() -> argparse.ArgumentParser:
    """Return the options."""
    out = argparse.ArgumentParser(prog="scripts/build-image", description=__doc__)
    out.add_argument("--bundle", default="models/california-linear", help="a folder below models/")
    out.add_argument("--target", choices=TARGETS, help="build and check this one only")
    out.add_argument("--public-key", metavar="FILE", help="run only what this key has signed")
    out.add_argument("--python-image", metavar="IMAGE", help="base; made here without docker")
    out.add_argument("--host-python", metavar="PATH", help="make that base image of this Python")
    out.add_argument("--compare", action="store_true", help="measure, and write docs/image-sizes.*")
    out.add_argument("--no-checks", action="store_true", help="build only")
    return out


if __name__ == "__main__":
    try:
        sys.exit(main())
    except subprocess.CalledProcessError as error:
        sys.exit(f"error: {error.cmd[0]} gave code {error.returncode}; see its messages above")
