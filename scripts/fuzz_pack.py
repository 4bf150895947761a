"""Feed damaged packs to the reader, guided by the code that each one reaches (atheris, libFuzzer).

Every input is a pack's body; it is stored without compression under a header with the right
checksum, so that the fuzzer's changes reach the decoders. Found is: any exception other than
CorruptArtifact, any warning, memory beyond a small multiple of the file, or a second of processor
time for one file.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
import tracemalloc
import warnings
from collections.abc import Iterator
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["toolkit.runtime"]):
    from toolkit.errors import CorruptArtifact

    # Those of trees too, which `pack` imports at the first of them, and that would be too late.
    from toolkit.runtime import pack, wire
    from toolkit.runtime.pack.forest import nodes as forest_nodes  # noqa: F401

ROOT = Path(__file__).resolve().parents[1]
SAMPLES = ROOT / "tests" / "data"
# A tree node takes less than a bit of the file at best and some hundred bytes of arrays when it is
# decoded and written; a raw tensor takes its own bytes, its copy and the model's bytes.
MULTIPLE, SPARE = 500, 1 << 20
SECONDS = 1.0
CHECKED = 64  # every so many inputs the memory is traced, which is slow


class Found(Exception):
    """The reader did what it must not; the message says what."""


def main() -> int:
    """Fuzz for the given time; libFuzzer prints what it finds and keeps the input."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=int, default=600, help="for how long  [default: 600]")
    parser.add_argument(
        "--keep", type=Path, help="a folder for what is found and for inputs that reach new code"
    )
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        corpus = arguments.keep or Path(scratch)
        corpus.mkdir(parents=True, exist_ok=True)
        for name, body in seeds():
            (corpus / name).write_bytes(body)
            one(body)  # what is imported at the first of its kind is no file's memory
        options = [f"-max_total_time={arguments.seconds}", "-max_len=8192", "-rss_limit_mb=2048"]
        atheris.Setup(
            [sys.argv[0], *options, f"-artifact_prefix={corpus}/found-", str(corpus)], one
        )
        warnings.simplefilter("error")
        atheris.Fuzz()
    return 0


def seeds() -> Iterator[tuple[str, bytes]]:
    """Return (name, body) of the committed samples."""
    for path in sorted(SAMPLES.glob("*.pack")):
        yield f"seed-{path.stem}", pack.body_of(path.read_bytes(), str(path))


def one(body: bytes) -> None:
    """Read one body in a pack, and write it as ONNX; raises Found for what must not happen."""
    content = wrapped(body)
    one.count = getattr(one, "count", 0) + 1
    traced = one.count % CHECKED == 0
    if traced:
        tracemalloc.start()
    start = time.process_time()  # others may use the machine
    try:
        pack.read(content, "fuzzed").to_onnx()
    except CorruptArtifact:
        pass
    finally:
        peak = tracemalloc.get_traced_memory()[1] if traced else 0
        tracemalloc.stop()
    if time.process_time() - start > SECONDS:
        raise Found(f"{len(body)} bytes took {time.process_time() - start:.1f} s")
    if peak > MULTIPLE * len(content) + SPARE:
        raise Found(f"{len(body)} bytes took {peak} bytes of memory")


def wrapped(body: bytes) -> bytes:
    """Return the pack whose stored body this is."""
    head = pack.MAGIC + bytes([pack.VERSION, pack.STORED])
    tail = wire.varint(len(body)) + body
    sum_of = pack.checksum(head + bytes(4) + tail)
    return head + sum_of.to_bytes(4, "little") + tail


if __name__ == "__main__":
    sys.exit(main())
