"""Read packs, bundles, npz and CSV files that were damaged behind their checksums.

Every case comes of its kind and number alone, so that what is found is found again with
`--kind KIND --first NUMBER --number 1`. Found is: any exception other than toolkit's own, any
warning, memory or processor time beyond what is stated below, a process that dies.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import random
import resource
import shutil
import sys
import tempfile
import time
import traceback
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from toolkit.errors import ToolkitError
from toolkit.runtime import pack, wire
from toolkit.runtime.files import sha256

ROOT = Path(__file__).resolve().parents[1]
SAMPLES = ROOT / "tests" / "data"
SECONDS, MEMORY = 5.0, 1 << 30  # of a case; of the process that reads a batch
BATCH = 1000
NUMBERS = (0, 1, 2, 0x7F, 0x80, 0xFF, 1 << 15, 1 << 16, (1 << 31) - 1, 1 << 31, 1 << 32, 1 << 62)
WORDS = (None, True, -1, 0, 1 << 62, 1e308, "", "X", "\ud800", "n" * 5000, "../x", [], {}, [[]])
CELLS = ("", "1", "-1e400", "nan", "inf", "True", '"', '"\n"', ",", "\n", "\r", "\0", "é", "1_0")

Read = Callable[[], Any]


class Found(Exception):
    """The reader did what it must not; the message says what."""


def damaged(content: bytes, chance: random.Random) -> bytes:
    """Return bytes with one to four changes: bits, integers, what is cut, doubled or moved."""
    out = bytearray(content)
    for _ in range(chance.randint(1, 4)):
        at = chance.randrange(len(out) + 1)
        size = min(chance.choice((1, 2, 4, 8, 64)), len(out) - at)
        what = chance.randrange(6)
        if what == 0 and at < len(out):
            out[at] ^= 1 << chance.randrange(8)
        elif what == 1:
            number = chance.choice(NUMBERS)
            out[at : at + size] = number.to_bytes(8, "little")[: max(size, 1)]
        elif what == 2:
            out[at : at + size] = wire.varint(chance.choice(NUMBERS))
        elif what == 3:
            del out[at : at + size]
        elif what == 4:
            out[at:at] = out[at : at + size]
        else:
            out[at : at + size] = chance.randbytes(size)
    return bytes(out)


def wrapped(body: bytes) -> bytes:
    """Return the pack whose stored body this is, with the right checksum."""
    head = pack.MAGIC + bytes([pack.VERSION, pack.STORED])
    tail = wire.varint(len(body)) + body
    return head + pack.checksum(head + bytes(4) + tail).to_bytes(4, "little") + tail


def packs(chance: random.Random, _folder: Path) -> Read:
    """Damage the body of a committed sample."""
    path = chance.choice(sorted(SAMPLES.glob("*.pack")))
    content = wrapped(damaged(pack.body_of(path.read_bytes(), path.name), chance))
    return lambda: pack.read(content, "fuzzed").to_onnx()


def damaged_npz(content: bytes, chance: random.Random) -> bytes:
    """Return an archive with a damaged member behind a right CRC, or with damage of its own."""
    if chance.random() < 0.2:
        return damaged(content, chance)
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    name = chance.choice(sorted(members))
    what = chance.randrange(4)
    if what == 0:
        del members[name]
    elif what == 1:
        members[chance.choice(sorted(members))] = members[name]
    else:
        members[name] = damaged(members[name], chance)
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", chance.choice((zipfile.ZIP_STORED, 8))) as archive:
        for member, held in members.items():
            archive.writestr(member, held)
    return out.getvalue()


def npz(chance: random.Random, _folder: Path) -> Read:
    """Damage an npz file of rows, and take them for a model of three numbers."""
    from toolkit.runtime.inputs import prepare
    from toolkit.runtime.schema import Input
    from toolkit.runtime.tabular import read_npz

    buffer = io.BytesIO()
    arrays = {"X": np.ones((4, 3)), "y": np.arange(4), "text": np.array(["a", "bc"] * 2)}
    np.savez(buffer, **arrays)  # type: ignore[arg-type]
    content = damaged_npz(buffer.getvalue(), chance)

    def read() -> Any:
        X = read_npz(content, "fuzzed.npz").get("X")
        return None if X is None else prepare(X, [Input("X", "float32", 3, "finite", None)])

    return read


def csv(chance: random.Random, folder: Path) -> Read:
    """Write a CSV file of odd cells, damage it, and take it for a model of numbers and text."""
    from toolkit.runtime.inputs import prepare
    from toolkit.runtime.schema import Input
    from toolkit.runtime.tabular import read_rows

    rows = [["a", "b"], *([chance.choice(CELLS), "x"] for _ in range(chance.randrange(6)))]
    content = chance.choice(("\n", "\r\n", "\r")).join(map(",".join, rows)).encode()
    path = folder / "rows.csv"
    path.write_bytes(damaged(content, chance) if chance.random() < 0.7 else content)
    inputs = [Input("a", "float32", 1, "missing", None), Input("b", "string", 1, "any", None)]
    return lambda: prepare(read_rows(str(path), inputs), inputs)


def bundles(chance: random.Random, folder: Path) -> Read:
    """Damage a manifest, golden rows or a pack of the bundle, and mend the manifest's hashes."""
    from toolkit.runtime.verify import verify

    made = folder / "bundle"
    copy = folder / "copy"
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(made, copy)
    manifest = json.loads((copy / "manifest.json").read_text(encoding="utf-8"))
    name = chance.choice(["manifest.json", *(n for n in manifest["files"] if _is_tried(n))])
    if name == "manifest.json":
        for _ in range(chance.randint(1, 3)):
            _change(manifest, chance)
    else:
        content = (copy / name).read_bytes()
        if name.endswith(".pack"):
            content = wrapped(damaged(pack.body_of(content, name), chance))
        else:
            content = damaged_npz(content, chance)
        (copy / name).write_bytes(content)
        manifest["files"][name] |= {"bytes": len(content), "sha256": sha256(content)}
    (copy / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    return lambda: verify(copy)


def _is_tried(name: str) -> bool:
    return name.endswith(".pack") or name == "golden.npz"


def _change(document: Any, chance: random.Random) -> None:
    """Change, remove or rename one value, anywhere in a document of mappings and lists."""
    while True:
        keys = list(document) if isinstance(document, dict) else list(range(len(document)))
        if not keys:
            return
        key = chance.choice(keys)
        inner = document[key]
        if isinstance(inner, dict | list) and inner and chance.random() < 0.8:
            document = inner
            continue
        if isinstance(document, dict) and chance.random() < 0.2:
            document[str(chance.choice(WORDS))] = document.pop(key)
        elif chance.random() < 0.2:
            del document[key]
        else:
            document[key] = chance.choice(WORDS)
        return


KINDS: dict[str, Callable[[random.Random, Path], Read]] = {
    "packs": packs,
    "bundles": bundles,
    "npz": npz,
    "csv": csv,
}


def one(kind: str, number: int, folder: Path) -> str:
    """Read one case and return "read", or the name of the refusal; Found for anything else."""
    read = KINDS[kind](random.Random(f"{kind} {number}"), folder)
    start = time.process_time()  # others may use the machine
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            read()
        outcome = "read"
    except ToolkitError as error:
        outcome = type(error).__name__
    except Exception as error:
        raise Found("".join(traceback.format_exception(error)[-3:])) from error
    if time.process_time() - start > SECONDS:
        raise Found(f"took {time.process_time() - start:.1f} s")
    return outcome


def make_bundle(folder: Path) -> None:
    """Export and quantize a small model, for its bundle to be damaged."""
    from sklearn.linear_model import Ridge

    from toolkit.exporter import export
    from toolkit.quantizer import quantize

    X = np.random.default_rng(1).normal(size=(80, 3))
    model = Ridge().fit(X, X @ [1.0, 2.0, 3.0])
    quantize(export(model, X, X @ [1.0, 2.0, 3.0], name="small", out=folder / "bundle"))


def batch(kind: str, numbers: range, folder: Path) -> str:
    """Read cases in a process of their own; return what was found, "" where nothing was."""
    report = folder / "report"
    report.write_text("", encoding="utf-8")
    child = os.fork()
    if child == 0:
        _batch(kind, numbers, folder, report)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    said = report.read_text(encoding="utf-8")
    return "" if status == 0 else said + (f"\nended by {status}" if status != 1 else "")


def _batch(kind: str, numbers: range, folder: Path, report: Path) -> None:
    status = 1
    try:
        for number in numbers:
            report.write_text(f"{kind} {number}", encoding="utf-8")
            one(kind, number, folder)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
        if peak > MEMORY:
            raise Found(f"the batch up to it took {peak} bytes of memory")
        status = 0
    except Found as error:
        with report.open("a", encoding="utf-8", errors="backslashreplace") as out:
            out.write(f": {error}")
    finally:
        os._exit(status)


def main() -> int:
    """Read so many cases of each kind; print what is found and return 1, or 0."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kind", choices=KINDS, action="append", help="  [default: all]")
    parser.add_argument("--first", type=int, default=0, help="the first case's number")
    parser.add_argument("--number", type=int, default=100_000, help="of cases  [default: 100000]")
    arguments = parser.parse_args()
    found = 0
    with tempfile.TemporaryDirectory() as scratch:
        folder, kinds = Path(scratch), arguments.kind or list(KINDS)
        if "bundles" in kinds and os.fork() == 0:  # nothing of onnxruntime before other forks
            make_bundle(folder)
            os._exit(0)
        if "bundles" in kinds:
            os.wait()
        for kind in kinds:
            last = arguments.first + arguments.number
            for first in range(arguments.first, last, BATCH):
                said = batch(kind, range(first, min(first + BATCH, last)), folder)
                found += bool(said)
                if said:
                    print(said, flush=True)
            print(f"{kind}: {arguments.number} cases, {found} found so far", file=sys.stderr)
    return int(found > 0)


if __name__ == "__main__":
    sys.exit(main())
