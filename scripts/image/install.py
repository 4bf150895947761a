"""Install hashed requirements into a folder for the image, drop what a prediction never opens.

    install.py REQUIREMENTS TARGET

Runs inside the build, with the base image's Python.
"""

from __future__ import annotations

import compileall
import os
import py_compile
import shutil
import subprocess
import sys
from pathlib import Path

# The build's secrets: pip's settings and certificates of the host, where it has some.
SECRETS = {"PIP_CONFIG_FILE": "/run/secrets/pip-config", "PIP_CERT": "/run/secrets/pip-cert"}

# Patterns below the target. None of these is opened by importing the two packages, by a session or
# by a run; what numpy imports lazily is among them. The build proves it with the bundle.
UNUSED = (
    "bin",
    "onnxruntime/backend",
    "onnxruntime/datasets",
    "onnxruntime/quantization",
    "onnxruntime/tools",
    "onnxruntime/transformers",
    # For C programs; Python's own module has the same code linked in.
    "onnxruntime/capi/libonnxruntime.so*",
    "numpy/_core/*_tests*.so",
    "numpy/_core/_simd*.so",  # for numpy's own tests
    "numpy/_core/include",
    "numpy/_core/lib",
    "numpy/_pyinstaller",
    "numpy/conftest.py",
    "numpy/distutils",
    "numpy/f2py",
    "numpy/polynomial",
    "numpy/random",
    "numpy/testing",
    "numpy/**/tests",
    "**/*.pxd",
    "**/*.pyi",
    "**/*.lib",
    "**/*.a",
    "**/__pycache__",
)


def main(requirements: str, target: str) -> None:
    """Install, trim, compile, and print what is left."""
    environment = {**os.environ, **{k: p for k, p in SECRETS.items() if os.path.isfile(p)}}
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-cache-dir", "--no-deps"]
    command += ["--only-binary=:all:", "--require-hashes", "--no-compile"]
    command += ["--root-user-action=ignore", "--disable-pip-version-check"]
    command += ["--target", target, "--requirement", requirements]
    subprocess.run(command, check=True, env=environment)
    root = Path(target)
    for pattern in UNUSED:
        for path in list(root.glob(pattern)):
            remove(path)
    # Unchecked: nothing in an image changes its sources, and a comparison would cost a read each.
    unchecked = py_compile.PycInvalidationMode.UNCHECKED_HASH
    if not compileall.compile_dir(root, quiet=1, invalidation_mode=unchecked):
        sys.exit(f"{root}: does not compile")
    subprocess.run(["chmod", "-R", "a+rX", target], check=True)
    size = sum(p.stat().st_size for p in root.rglob("*") if p.is_file())
    print(f"{target}: {size / 1e6:.1f} MB")


def remove(path: Path) -> None:
    """Delete a file or a folder."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
