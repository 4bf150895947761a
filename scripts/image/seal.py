"""Finish the image that stands on a Python base: installers go, bytecode comes.

Runs as root inside the build, with PYTHONPATH as in the image.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

INSTALLERS = ("pip", "setuptools", "wheel", "ensurepip", "pkg_resources", "_distutils_hack")


def main() -> None:
    """Compile what a run imports, then remove the installers from the base's own folders."""
    # The slim base images come without bytecode, and a read-only container can never write it. A
    # run by root writes it for exactly the modules that the runtime imports.
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    command = [sys.executable, "-m", "toolkit.runtime", "verify", "/model"]
    subprocess.run(command, check=True, env=environment)
    found = list(Path(sysconfig.get_path("scripts")).glob("pip*"))
    for key in ("stdlib", "purelib", "platlib"):
        folder = Path(sysconfig.get_path(key))
        for name in INSTALLERS:
            found += [folder / name, *folder.glob(f"{name}-*.dist-info")]
    for path in found:
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)


if __name__ == "__main__":
    main()
