"""Sizes of an image from its archive, and how long a prediction takes to start in it."""

from __future__ import annotations

import gzip
import json
import tarfile
import tempfile
import zlib
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from engine import CACHE, Engine

# Runs in the container: starts the command anew each time, as a device does for one prediction, and
# by turns with it what every such process has to do, importing numpy.
STOPWATCH = """
import json, os, subprocess, sys, time

def start(command):
    begin = time.monotonic()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        sys.exit(f"{command} fails")
    return (time.monotonic() - begin) * 1000, usage.ru_maxrss * 1024 / 1e6

milliseconds, numpy, megabytes = [], [], []
for turn in range(int(sys.argv[1]) + 1):
    whole, peak = start(sys.argv[2:])
    import_alone, _ = start(["python3", "-c", "import numpy"])
    if turn:  # the first fills the page cache
        milliseconds.append(whole)
        numpy.append(import_alone)
        megabytes.append(peak)
print(json.dumps({"milliseconds": milliseconds, "numpy": numpy, "peak_mb": max(megabytes)}))
"""


@dataclass(frozen=True)
class Content:
    """An image: its layers' bytes, plain and with gzip, and the sizes of the files it shows."""

    size: int
    compressed: int
    files: dict[str, int]

    def below(self, folder: str) -> int:
        """Return the bytes of the files below a folder, given without the first slash."""
        return sum(size for name, size in self.files.items() if name.startswith(folder + "/"))


def content(engine: Engine, image: str) -> Content:
    """Return what an image holds, counted the same way for every engine: from `save`'s archive."""
    size = compressed = 0
    files: dict[str, int] = {}
    with tempfile.TemporaryDirectory(dir=CACHE) as scratch:
        archive = Path(scratch) / "image.tar"
        engine.call("save", "--output", str(archive), image)
        with tarfile.open(archive) as outer:
            names = json.load(outer.extractfile("manifest.json"))[0]["Layers"]
            for name in names:
                layer = Path(scratch) / "layer.tar"
                _unpack(outer.extractfile(name), layer)
                size += layer.stat().st_size
                compressed += _gzip_size(layer)
                _apply(layer, files)
    return Content(size, compressed, files)


def start(engine: Engine, image: str, command: list[str], options: list[str], runs: int) -> dict:
    """Start a command `runs` times in a container; return `milliseconds`, `numpy` and `peak_mb`.

    numpy: the milliseconds of a process that only imports it, each right after the command's.
    """
    result = engine.run(
        image, "-c", STOPWATCH, str(runs), *command, options=["--entrypoint=python3", *options]
    )
    if result.returncode:
        raise RuntimeError(f"{image}: {result.stderr.strip()}")
    return json.loads(result.stdout)


def _unpack(stream, target: Path) -> None:
    # Some engines save layers compressed, some plain.
    head = stream.read(2)
    stream.seek(0)
    source = gzip.GzipFile(fileobj=stream) if head == b"\x1f\x8b" else stream
    with target.open("wb") as out:
        while block := source.read(1 << 20):
            out.write(block)


def _gzip_size(path: Path) -> int:
    packer, total = zlib.compressobj(6, wbits=31), 0
    with path.open("rb") as stream:
        while block := stream.read(1 << 20):
            total += len(packer.compress(block))
    return total + len(packer.flush())


def _apply(layer: Path, files: dict[str, int]) -> None:
    with tarfile.open(layer) as members:
        for member in members:
            path = PurePosixPath("/", member.name)
            name = str(path)[1:]
            if path.name == ".wh..wh..opq":
                _remove(files, str(path.parent)[1:])
            elif path.name.startswith(".wh."):
                _remove(files, str(path.parent / path.name[4:])[1:])
            elif not member.isdir():
                files[name] = member.size


def _remove(files: dict[str, int], name: str) -> None:
    for known in [f for f in files if f == name or f.startswith(name + "/")]:
        del files[known]
