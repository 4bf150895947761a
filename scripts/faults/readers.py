"""Readers of a model directory while it is exported anew: they answer as one of two models does."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from toolkit.bundle import Bundle, open_bundle, transaction, write_files
from toolkit.bundle.transaction import NEW_MANIFEST
from toolkit.errors import InvalidInput
from toolkit.runtime import load
from toolkit.runtime.describe import describe
from toolkit.runtime.verify import verify

MODEL = "model"
PAUSE_S = 0.02  # between two exports
MEANWHILE = "another command wrote it while this one was reading"  # what bench may say

Answer = Any
Reader = Callable[[Path], Answer]


def readers(made: Path) -> dict[str, Reader]:
    """Return what reads a bundle, by name, and gives what tells one model from another."""
    rows = np.loadtxt(made / "rows.csv", delimiter=",", dtype=np.float32)[:1]

    def predicts(folder: Path) -> Answer:
        return load(folder).predict(rows).tolist()

    def predicts_packed(folder: Path) -> Answer:
        return load(folder / "model.uint8-pack.pack").predict(rows).tolist()

    def verifies(folder: Path) -> Answer:
        return [(c.file, c.kind, c.passed, c.detail) for c in verify(folder)]

    def inspects(folder: Path) -> Answer:
        return describe(folder)["manifest"]["files"]

    def inspects_file(folder: Path) -> Answer:
        return describe(folder / "model.onnx")["sha256"]

    def measures(folder: Path) -> Answer:
        bundle = open_bundle(folder)
        rows, estimator = bundle.evaluation(), bundle.estimator()
        sizes = [len(bundle.read(v.file)) for v in bundle.variants if v.file]
        return rows.target.tolist(), estimator.coef_.tolist(), sizes

    return {
        "predict": predicts,
        "predict a pack": predicts_packed,
        "verify": verifies,
        "inspect": inspects,
        "inspect a file": inspects_file,
        "bench": measures,
    }


def run(made: Path, exports: int) -> tuple[dict[str, dict[str, int]], list[str]]:
    """Return how often each reader gave which model's answer, and what was wrong."""
    counts, wrong = {}, []
    for name, read in readers(made).items():
        folder = made / "read" / MODEL
        shutil.rmtree(folder.parent, ignore_errors=True)
        shutil.copytree(made / "new", folder)
        answers = {which: told(read, made / which, folder) for which in ("old", "new")}
        if answers["old"] == answers["new"]:
            wrong.append(f"{name}: the two models cannot be told apart")
        seen: Counter[str] = Counter()
        with exporting(made, folder, exports) as ended:
            while not ended():
                try:
                    answer = read(folder)
                    seen[next((w for w, a in answers.items() if a == answer), "neither")] += 1
                except InvalidInput as error:
                    seen[
                        "told" if name == "bench" and MEANWHILE in str(error) else repr(error)
                    ] += 1
                except Exception as error:  # whatever it is, it is wrong
                    seen[repr(error)] += 1
        wrong += [
            f"{name}: {s} ({n} times)" for s, n in seen.items() if s not in {*answers, "told"}
        ]
        counts[name] = dict(seen)
        print(f"{name}: {dict(seen)}", file=sys.stderr)
    wrong += between(made)
    return counts, wrong


def told(read: Reader, bundle: Path, folder: Path) -> Answer:
    """Return what a reader says of a bundle where it lies in `folder`, as it does otherwise."""
    aside = folder.with_name("aside")
    os.rename(folder, aside)
    shutil.copytree(bundle, folder)
    try:
        return read(folder)
    finally:
        shutil.rmtree(folder)
        os.rename(aside, folder)


@contextmanager
def exporting(made: Path, folder: Path, exports: int) -> Iterator[Callable[[], bool]]:
    """Export two models in turn in another process; yield what tells whether it has ended."""
    here = str(Path(__file__).parent)
    code = f"import sys; sys.path.insert(0, {here!r}); import readers; readers.export_in_turn()"
    arguments = [str(made), str(folder), str(exports)]
    process = subprocess.Popen([sys.executable, "-c", code, *arguments])
    try:
        yield lambda: process.poll() is not None
    finally:
        process.kill()
        process.wait()
    if process.returncode:
        raise SystemExit(f"the exports end with {process.returncode}")


def export_in_turn() -> None:
    """Write the bundles `old` and `new` over a third one, as often as the command line says."""
    made, folder, exports = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])
    bundles = [open_bundle(made / which) for which in ("old", "new")]
    for k in range(exports):
        rewrite(bundles[k % 2], folder)
        time.sleep(PAUSE_S)


def rewrite(bundle: Bundle, folder: Path) -> None:
    """Write a bundle's files over those of another one."""
    files = {n: (bundle.read(n), e["role"]) for n, e in bundle.manifest["files"].items()}
    write_files(folder, bundle.manifest, files)


def between(made: Path) -> list[str]:
    """Return what is wrong with readers of a copy that was made right after a commit.

    Every new file in it has its staged name; nobody may write there.
    """
    folder = made / "read" / MODEL
    for state, which in (("committed", "old"), ("not yet committed", "new")):
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(made / "new", folder)
        _break_off(made, folder, state == "committed")
        before = sorted(p.name for p in folder.iterdir())
        for path in (*folder.iterdir(), folder):
            path.chmod(0o555 if path.is_dir() else 0o444)
        try:
            for name, read in readers(made).items():
                found = read(folder)
                folder.chmod(0o755)
                if found != told(read, made / which, folder):
                    return [f"{name}: is not the {which} one in a copy that is {state}"]
                folder.chmod(0o555)
            if sorted(p.name for p in folder.iterdir()) != before:
                return ["a reader has written"]
        finally:
            folder.chmod(0o755)
    return []


def _break_off(made: Path, folder: Path, committed: bool) -> None:
    """Leave what a command leaves that is killed before or after its commit."""
    calls = 0

    class Killed(BaseException):
        pass

    def recover(_: Path) -> None:
        nonlocal calls
        calls += 1
        if calls == 2:
            raise Killed

    real, transaction.recover = transaction.recover, recover
    try:
        rewrite(open_bundle(made / "old"), folder)
    except Killed:
        pass
    finally:
        transaction.recover = real
    if not committed:
        os.rename(folder / "manifest.json", folder / NEW_MANIFEST)
        shutil.copy(made / "new" / "manifest.json", folder)
