"""Look around inside a container of the image and print what is seen, as JSON.

Is given to the container's Python on the command line; knows the runtime and nothing of the checks.
"""

from __future__ import annotations

import importlib.util
import json
import os
import resource
import sys
from pathlib import Path

MUST_BE_ABSENT = (
    "click", "coloredlogs", "ensurepip", "flatbuffers", "google", "joblib", "matplotlib", "onnx",
    "packaging", "pandas", "pip", "pyarrow", "rich", "scipy", "setuptools", "skl2onnx", "sklearn",
    "skops", "sympy", "toolkit.bundle", "toolkit.cli", "toolkit.exporter", "toolkit.quantizer",
    "toolkit.runner", "toolkit.trainer", "wheel",
)  # fmt: skip


def main(artifact: str) -> dict:
    """Open an artifact, predict one row, and return what the process may do and what it left."""
    import numpy

    from toolkit.runtime import load

    model = load(artifact)
    model.run({i.name: numpy.full((1, i.width or 1), *_zero(i.dtype)) for i in model.inputs})
    home = Path(os.environ["HOME"])
    status = dict(line.split(":\t", 1) for line in _lines("/proc/self/status"))
    return {
        "uid": os.getuid(),
        "gid": os.getgid(),
        "capabilities": [status[key] for key in ("CapPrm", "CapEff", "CapInh", "CapBnd")],
        "interfaces": [line.split(":")[0].strip() for line in _lines("/proc/net/dev")[2:]],
        "writable": [path for path in ("/", "/opt", "/model", "/tmp", "/usr") if _can_write(path)],
        "home_writable": _can_write(str(home)),
        "home_files": [str(p) for p in home.rglob("*")],
        "ci": os.environ.get("CI"),
        "present": [name for name in MUST_BE_ABSENT if _exists(name)],
        "python": sys.version.split()[0],
        "imported": sorted({name.partition(".")[0] for name in sys.modules}),
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6,
    }


def _zero(dtype: str) -> tuple:
    return ("0", object) if dtype == "string" else (0.0, "float64")


def _lines(path: str) -> list[str]:
    return Path(path).read_text(encoding="utf-8").splitlines()


def _can_write(folder: str) -> bool:
    path = Path(folder) / ".probe"
    try:
        path.touch()
        path.unlink()
    except OSError:
        return False
    return True


def _exists(name: str) -> bool:
    try:
        return importlib.util.find_spec(name) is not None
    except ModuleNotFoundError:
        return False


if __name__ == "__main__":
    print(json.dumps(main(sys.argv[1])))
