"""A stand-in for the slim Python base image, of this host's files, where there is no registry."""

from __future__ import annotations

import hashlib
import importlib.util
import platform
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from engine import CACHE, Engine

HERE = Path(__file__).parent


def host_python() -> str:
    """Return the system's Python, else the one that runs this."""
    system = "/usr/bin/python3"
    check = "import sys; sys.exit(sys.version_info < (3, 10))"
    if Path(system).exists() and subprocess.run([system, "-c", check]).returncode == 0:
        return system
    return sys.executable


def stand_in(engine: Engine, python: str | None = None) -> str:
    """Import the image where it is not there yet (about 3 s), and return its name."""
    python = python or host_python()
    version = subprocess.run(
        [python, "-VV"], capture_output=True, encoding="utf-8", check=True
    ).stdout
    recipe = (HERE / "closure.py").read_bytes() + Path(__file__).read_bytes()
    key = hashlib.sha256(recipe + f"{python} {version} {platform.machine()}".encode()).hexdigest()
    name = f"localhost/toolkit-base:{key[:12]}"
    if engine.call("images", "--quiet", name):
        return name
    print(f"making a base image of {python}", file=sys.stderr)
    with tempfile.TemporaryDirectory(dir=CACHE) as scratch:
        root, archive = Path(scratch) / "root", Path(scratch) / "base.tar"
        closure = [python, HERE / "closure.py", root, "/bin/sh", "/bin/chmod", "/sbin/ldconfig"]
        subprocess.run(closure, check=True, stdout=sys.stderr)
        _add_pip(python, root)
        subprocess.run(["tar", "-cf", archive, "-C", root, "."], check=True)
        engine.call("import", "--change=CMD python3", str(archive), name)
    return name


def _add_pip(python: str, root: Path) -> None:
    folder = "import sysconfig; print(sysconfig.get_path('purelib'))"
    result = subprocess.run(
        [python, "-c", folder], capture_output=True, encoding="utf-8", check=True
    )
    target = root / result.stdout.strip().lstrip("/") / "pip"
    spec = importlib.util.find_spec("pip")
    if spec is None or spec.origin is None:
        sys.exit("error: this Python has no pip for the base image; install it (python3-pip)")
    shutil.copytree(Path(spec.origin).parent, target, ignore=shutil.ignore_patterns("__pycache__"))
