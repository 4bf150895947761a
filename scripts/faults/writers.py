"""Two commands at once on one model directory, as processes: nothing is lost, every code honest."""

from __future__ import annotations

import random
import shutil
import subprocess
import sys
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from toolkit.bundle import Bundle, open_bundle
from toolkit.errors import ToolkitError
from toolkit.runtime.manifest import read_manifest
from toolkit.runtime.verify import verify

MODEL, SIGNATURE = "model", "model.sig"
LATEST_S = 1.0  # by how much one of two is started after the other, at most


@dataclass(frozen=True)
class Ended:
    """How a command ended: its exit code, and what it said."""

    code: int
    said: str


def pairs(made: Path) -> dict[str, tuple[tuple[str, ...], tuple[str, ...]]]:
    """Return two commands each. made: a folder with what `operations.make` makes."""
    source = ("export", str(made / "own.skops"), "--data", str(made / "rows.npz"))
    quantize = ("quantize", MODEL, "--method", "uint8-pack")
    return {
        "quantize × quantize": (("quantize", MODEL, "--method", "uint4-pack"), quantize),
        "quantize × bench": (quantize, ("bench", MODEL)),
        "export × quantize": ((*source, "-o", MODEL, "--tune", "latency", "--force"), quantize),
        "sign × quantize": (("sign", MODEL, "--key", str(made / "k.pem")), quantize),
    }


def run(made: Path, trials: int) -> tuple[dict[str, dict[str, int]], list[str]]:
    """Return how the trials of each pair ended, by both exit codes, and what was wrong."""
    counts, wrong = {}, []
    for name, commands in pairs(made).items():
        ended: Counter[str] = Counter()
        for trial in range(trials):
            folder = made / "work"
            shutil.rmtree(folder, ignore_errors=True)
            shutil.copytree(made / "old", folder / MODEL)
            both = at_once(folder, commands, random.Random(f"{name} {trial}"))
            ended[" and ".join(f"exit {e.code}" for e in both)] += 1
            faults = judged(folder / MODEL, made / "k.pub", commands, both)
            wrong += [f"{name}, trial {trial}: {f}" for f in faults]
        counts[name] = dict(ended)
        print(f"{name}: {dict(ended)}", file=sys.stderr)
    return counts, wrong


def at_once(
    folder: Path, commands: tuple[tuple[str, ...], ...], chance: random.Random
) -> list[Ended]:
    """Run commands in a folder, all but one of them started a little later."""
    started = []
    for command in chance.sample(commands, len(commands)):
        program = [sys.executable, "-m", "toolkit", *command]
        streams = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
        process = subprocess.Popen(program, cwd=folder, encoding="utf-8", **streams)
        started.append((command, process))
        time.sleep(chance.uniform(0, LATEST_S))
    ends = {command: Ended(*reversed((p.communicate()[0], p.returncode))) for command, p in started}
    return [ends[command] for command in commands]


def judged(
    folder: Path, key: Path, commands: tuple[tuple[str, ...], ...], ends: list[Ended]
) -> list[str]:
    """Return what is wrong with a bundle after commands of which each ended so."""
    wrong = []
    for command, end in zip(commands, ends, strict=True):
        honest = end.code == 0 or (end.code == 2 and "error: " in end.said)
        if not honest or "Traceback" in end.said:
            wrong.append(f"{command[0]} ends with {end.code}: {end.said[-300:]}")
    try:
        wrong += [f"{c.file}: {c.detail}" for c in verify(folder) if not c.passed]
        bundle = open_bundle(folder)
    except ToolkitError as error:
        return [*wrong, f"is corrupt: {error}"]
    listed = {"manifest.json", SIGNATURE, *bundle.manifest["files"]}
    wrong += [f"leaves {p.name}" for p in folder.iterdir() if p.name not in listed]
    exported = any(c[0] == "export" and e.code == 0 for c, e in zip(commands, ends, strict=True))
    said = " ".join(end.said for end in ends)
    for command, end in zip(commands, ends, strict=True):
        if end.code == 0 and is_lost(bundle, key, command, said, exported):
            wrong.append(f"{command[0]} ends with 0, and what it wrote is lost")
    return wrong


def is_lost(bundle: Bundle, key: Path, command: tuple[str, ...], said: str, exported: bool) -> bool:
    """Tell whether what a command wrote is not there, and no other one had to remove it.

    said: what all commands said. exported: whether another export was written as well.
    """
    if command[0] == "quantize":
        return not exported and not any(v.method == command[-1] for v in bundle.variants)
    if command[0] == "sign":
        try:
            return not read_manifest(bundle.path, key)
        except ToolkitError:  # it went with a later commit, which says so
            return (bundle.path / SIGNATURE).exists() or "sign the model again" not in said
    return False  # a report goes with the variants that it measured
