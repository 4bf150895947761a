"""Cases of packs, bundles, npz and CSV files, damaged behind their checksums."""

from __future__ import annotations

import io
import json
import random
import shutil
from pathlib import Path
from typing import Any

import numpy as np
from cases import Read
from damage import archive_of, change_document, damaged, members_of

from toolkit.runtime import pack, wire
from toolkit.runtime.files import sha256
from toolkit.runtime.inputs import prepare
from toolkit.runtime.npz import read_npz
from toolkit.runtime.rows import read_rows
from toolkit.runtime.schema import Input
from toolkit.runtime.verify import verify

SAMPLES = Path(__file__).resolve().parents[2] / "tests" / "data"
CELLS = ("", "1", "-1e400", "nan", "inf", "True", '"', '"\n"', ",", "\n", "\r", "\0", "é", "1_0")


def bundles_in(folder: Path) -> list[Path]:
    """Return the bundles to damage, which `main` puts there."""
    return sorted((folder / "bundles").iterdir())


def wrapped(body: bytes) -> bytes:
    """Return the pack whose stored body this is, with the right checksum."""
    head = pack.MAGIC + bytes([pack.VERSION, pack.STORED])
    tail = wire.varint(len(body)) + body
    return head + pack.checksum(head + bytes(4) + tail).to_bytes(4, "little") + tail


def damaged_pack(content: bytes, chance: random.Random) -> bytes:
    """Return a pack with a damaged body behind a right checksum."""
    return wrapped(damaged(pack.body_of(content, "sample"), chance))


def packs(chance: random.Random, folder: Path) -> Read:
    """Damage the body of a committed sample, or of a bundle's pack."""
    samples = sorted(SAMPLES.glob("*.pack"))
    paths = [*samples, *(p for b in bundles_in(folder) for p in sorted(b.glob("*.pack")))]
    content = damaged_pack(chance.choice(paths).read_bytes(), chance)
    return lambda: pack.read(content, "fuzzed").to_onnx()


def damaged_npz(content: bytes, chance: random.Random) -> bytes:
    """Return an archive with a damaged member behind a right CRC, or with damage of its own."""
    if chance.random() < 0.2:
        return damaged(content, chance)
    members = members_of(content)
    name = chance.choice(sorted(members))
    what = chance.randrange(4)
    if what == 0:
        del members[name]
    elif what == 1:
        members[chance.choice(sorted(members))] = members[name]
    else:
        members[name] = damaged(members[name], chance)
    return archive_of(members, chance)


def npz(chance: random.Random, _folder: Path) -> Read:
    """Damage an npz file of rows, and take them for a model of three numbers."""
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
    rows = [["a", "b"], *([chance.choice(CELLS), "x"] for _ in range(chance.randrange(6)))]
    content = chance.choice(("\n", "\r\n", "\r")).join(map(",".join, rows)).encode()
    path = folder / "rows.csv"
    path.write_bytes(damaged(content, chance) if chance.random() < 0.7 else content)
    inputs = [Input("a", "float32", 1, "missing", None), Input("b", "string", 1, "any", None)]
    return lambda: prepare(read_rows(str(path), inputs), inputs)


def bundles(chance: random.Random, folder: Path) -> Read:
    """Damage a manifest, golden rows or a pack of a bundle, and mend the manifest's hashes."""
    copy = folder / "copy"
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(chance.choice(bundles_in(folder)), copy)
    manifest = json.loads((copy / "manifest.json").read_text(encoding="utf-8"))
    name = chance.choice(["manifest.json", *(n for n in manifest["files"] if _is_tried(n))])
    if name == "manifest.json":
        for _ in range(chance.randint(1, 3)):
            change_document(manifest, chance)
    else:
        change = damaged_pack if name.endswith(".pack") else damaged_npz
        content = change((copy / name).read_bytes(), chance)
        (copy / name).write_bytes(content)
        manifest["files"][name] |= {"bytes": len(content), "sha256": sha256(content)}
    (copy / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    return lambda: verify(copy)


def _is_tried(name: str) -> bool:
    return name.endswith(".pack") or name == "golden.npz"
