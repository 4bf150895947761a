from __future__ import annotations

import os
import subprocess
import sys
import time

import pytest

from toolkit.bundle import lock, open_bundle, with_reports
from toolkit.errors import InvalidInput, ToolkitWarning

HOLD = """
import sys, time
from pathlib import Path
from toolkit.bundle.lock import locked
with locked(Path(sys.argv[1]), lambda: None):
    print("held", flush=True)
    time.sleep(float(sys.argv[2]))
"""
WRITE = """
import sys
from toolkit.bundle import OK, Variant, open_bundle, with_variants
name = sys.argv[2]
bundle = open_bundle(sys.argv[1])
print("open", flush=True)
sys.stdin.readline()
made = Variant(name, OK, f"model.{name}.onnx", bytes=3, tolerance={})
with_variants(bundle, [(made, sys.argv[3].encode("latin1"))])
"""


def graph(name):
    """A model that says the version of its format, and a name."""
    return b"\x08\x0a\x12" + bytes([len(name)]) + name.encode()


def writing(folder, name):
    return start(WRITE, folder, name, graph(name).decode("latin1"))


def start(code, *arguments):
    return subprocess.Popen(
        [sys.executable, "-c", code, *map(str, arguments)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        encoding="utf-8",
    )


def test_a_second_writer_waits_and_says_for_whom(california):
    with start(HOLD, california, 1.0) as holder:
        assert holder.stdout.readline() == "held\n"
        with pytest.warns(ToolkitWarning, match=rf"waiting for process {holder.pid} \(-c .*writes"):
            with_reports(open_bundle(california), {"report.md": b"new"})
    assert (california / "report.md").read_bytes() == b"new"
    assert not any(p.name.startswith(".") for p in california.iterdir())


def test_it_gives_up(california, monkeypatch):
    monkeypatch.setattr(lock, "WAIT_S", 0.2)
    with start(HOLD, california, 30.0) as holder:
        assert holder.stdout.readline() == "held\n"
        with (
            pytest.warns(ToolkitWarning),
            pytest.raises(InvalidInput, match=rf"process {holder.pid} .* more than 0.2 s; run"),
        ):
            with_reports(open_bundle(california), {"report.md": b"new"})
        holder.kill()
    with_reports(open_bundle(california), {"report.md": b"new"})  # a dead one holds nothing
    assert not any(p.name.startswith(".") for p in california.iterdir())


def test_two_writers_lose_nothing(california):
    pairs = [(writing(california, f"a{k}"), writing(california, f"b{k}")) for k in (0, 1)]
    every = [writer for pair in pairs for writer in pair]
    for writer in every:
        assert writer.stdout.readline() == "open\n"
    for writer in every:
        writer.stdin.write("go\n")
        writer.stdin.flush()
    for writer in every:
        writer.communicate()
        assert writer.returncode == 0
    bundle = open_bundle(california)
    for name in ("a0", "a1", "b0", "b1"):
        assert bundle.read(f"model.{name}.onnx") == graph(name)
    assert not any(p.name.startswith(".") for p in california.iterdir())


@pytest.mark.skipif(not hasattr(os, "fork"), reason="writers are forked processes")
def test_twenty_trials_of_two_writers(california):
    """Two processes that write twenty variants each, as soon as they can."""
    from toolkit.bundle import OK, Variant, with_variants

    def write(side):
        for k in range(20):
            name = f"{side}{k}"
            made = Variant(name, OK, f"model.{name}.onnx", bytes=3, tolerance={})
            with_variants(open_bundle(california), [(made, graph(name))])

    children = []
    for side in "ab":
        process = os.fork()
        if not process:
            code = 1
            try:
                write(side)
                code = 0
            finally:
                os._exit(code)
        children.append(process)
    ends = [os.waitstatus_to_exitcode(os.waitpid(c, 0)[1]) for c in children]
    assert ends == [0, 0]
    bundle = open_bundle(california)
    for side in "ab":
        for k in range(20):
            assert bundle.read(f"model.{side}{k}.onnx") == graph(f"{side}{k}")
    assert not any(p.name.startswith(".") for p in california.iterdir())


def test_a_lock_that_its_holder_removed_is_no_lock(california):
    """Who waited for a file that is gone by then takes the one that is there."""
    begin = time.monotonic()
    with start(HOLD, california, 0.3) as one:
        one.stdout.readline()
        with start(HOLD, california, 0.3) as two, start(HOLD, california, 0.3) as three:
            two.stdout.readline()
            three.stdout.readline()
    assert time.monotonic() - begin >= 0.9


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="nothing is read-only to root")
def test_a_folder_that_cannot_be_written(california):
    california.chmod(0o555)
    try:
        with pytest.raises(InvalidInput, match=r"cannot be written .*Permission denied"):
            with_reports(open_bundle(california), {"report.md": b"new"})
    finally:
        california.chmod(0o755)
