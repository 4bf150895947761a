"""The image under test, and the ways in which checks look at it."""

from __future__ import annotations

import json
import shutil
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import measure
from engine import Engine

HERE = Path(__file__).parent

# What of a bundle goes into an image.
TRAVELS = (".onnx", ".pack", "manifest.json", "model.sig", "golden.npz")

# The golden rows' first three, as a user would write them down.
ROWS = """
import csv, sys
from pathlib import Path
from toolkit.runtime import golden, manifest
folder = Path(sys.argv[1])
found = manifest.read_manifest(folder)
rows = golden.read((folder / golden.NAME).read_bytes(), golden.NAME, found)
names, columns = [], []
for spec in found["inputs"]:
    values = rows.inputs[spec["name"]].reshape(len(rows.adversarial), -1)
    names += spec.get("columns") or [spec["name"]] * values.shape[1]
    columns += list(values[:3].T)
out = csv.writer(sys.stdout, lineterminator="\\n")
out.writerow(names)
out.writerows(zip(*columns))
"""


class Failed(Exception):
    """A statement does not hold; says what was found."""


def require(holds: object, found: object) -> None:
    """Raise Failed with what was found where a statement does not hold."""
    if not holds:
        raise Failed(found)


@dataclass(frozen=True)
class Subject:
    """The image under test; `scratch` is a folder that containers can read."""

    engine: Engine
    image: str
    target: str
    bundle: Path
    scratch: Path

    @cached_property
    def content(self) -> measure.Content:
        """The image's layers and files."""
        return measure.content(self.engine, self.image)

    @cached_property
    def config(self) -> dict:
        """The image's configuration."""
        return self.engine.config(self.image)

    @cached_property
    def manifest(self) -> dict:
        """The manifest of the bundle that was baked in."""
        return json.loads((self.bundle / "manifest.json").read_text(encoding="utf-8"))

    @cached_property
    def variants(self) -> list[str]:
        """The bundle's models, packs among them."""
        return [n for n, entry in self.manifest["files"].items() if entry["role"] == "variant"]

    @cached_property
    def rows(self) -> Path:
        """Three rows that the model takes, as CSV with its column names, made inside the image."""
        path = self.scratch / "rows.csv"
        path.write_text(self.python(ROWS, "/model"), encoding="utf-8")
        return path

    def python(self, source: str, *arguments: str, options: tuple[str, ...] = ()) -> str:
        """Run Python in the container and return what it prints."""
        result = self.engine.run(
            self.image, "-c", source, *arguments, options=["--entrypoint=python3", *options]
        )
        require(result.returncode == 0, result.stderr.strip()[-500:])
        return result.stdout

    def probe(self, *options: str) -> dict:
        """Return what the probe sees, with an empty HOME that it may write to."""
        home = ["--tmpfs=/tmp:rw,mode=1777", "--env=HOME=/tmp"]
        source = (HERE / "probe.py").read_text(encoding="utf-8")
        return json.loads(self.python(source, "/model", options=(*home, *options)))

    def run(self, *arguments: str, stdin: str = "", options: tuple[str, ...] = ()) -> str:
        """Run a command of the runtime that must succeed, and return what it prints."""
        result = self.engine.run(self.image, *arguments, stdin=stdin, options=options)
        require(result.returncode == 0, f"exit code {result.returncode}: {result.stderr.strip()}")
        return result.stdout


class Waiting:
    """A container that waits for rows on its standard input until the block ends."""

    def __init__(
        self, s: Subject, name: str, options: Sequence[str] = (), artifact: str = "/model"
    ) -> None:
        self.engine, self.name = s.engine, f"toolkit-check-{s.target}-{name}"
        options = [f"--name={self.name}", *options]
        command = s.engine.command(s.image, "predict", artifact, options=options)
        self.log = s.scratch / f"{name}.log"
        with self.log.open("w", encoding="utf-8") as log:
            self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=log, stderr=log)

    def __enter__(self) -> Waiting:
        try:
            self.engine.wait_running(self.name)
        except RuntimeError as error:
            raise RuntimeError(f"{error}: {self.log.read_text(encoding='utf-8').strip()}") from None
        time.sleep(1)  # until Python has started and reads
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.engine.call("kill", "--signal=KILL", self.name)
        self.process.stdin.close()
        self.process.wait(timeout=30)


def travelling_copy(s: Subject, name: str) -> Path:
    """Copy of the bundle what travels into a folder that containers can read; return it."""
    target = s.scratch / name
    target.mkdir(mode=0o755)
    for path in s.bundle.iterdir():
        if path.name.endswith(TRAVELS):
            shutil.copyfile(path, target / path.name)
    return target
