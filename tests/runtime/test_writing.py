"""Files outside of a bundle: the old one or the new one, and the truth about which."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys

import numpy as np
import pytest

from toolkit.errors import CorruptArtifact, InvalidInput
from toolkit.runtime.rows.answers import Asked
from toolkit.runtime.rows.written import sink
from toolkit.runtime.stopping import stopped
from toolkit.runtime.writing import PART, write_atomic

on_posix = pytest.mark.skipif(os.name == "nt", reason="of POSIX")


def names(folder):
    return sorted(p.name for p in folder.iterdir())


def interrupt(monkeypatch, name, after=False):
    """Let SIGINT come at the first call of a function of os."""
    real = getattr(os, name)

    def call(*given, **named):
        monkeypatch.setattr(os, name, real)
        if after:
            real(*given, **named)
        signal.raise_signal(signal.SIGINT)
        return None if after else real(*given, **named)

    monkeypatch.setattr(os, name, call)


@pytest.mark.parametrize(
    ("name", "after", "new"),
    [
        ("open", False, False),
        ("write", False, False),
        ("fsync", False, False),
        ("replace", False, True),
        ("replace", True, True),
    ],
)
def test_ctrl_c_says_what_is_there(tmp_path, monkeypatch, name, after, new):
    path = tmp_path / "f"
    write_atomic(path, b"old")
    interrupt(monkeypatch, name, after)
    with pytest.raises(KeyboardInterrupt) as stop:
        write_atomic(path, b"new")
    assert path.read_bytes() == (b"new" if new else b"old")
    said = (
        f"stopped; {path} had been written, whole" if new else "stopped; nothing was half-written"
    )
    assert stopped(stop.value) == said
    assert names(tmp_path) == ["f"]
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


@pytest.mark.skipif(not hasattr(os, "fork"), reason="it ends a forked process")
def test_sigterm_without_a_handler_tidies_up(tmp_path):
    process = os.fork()
    if not process:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        real = os.write

        def terminated(*given):
            os.kill(os.getpid(), signal.SIGTERM)
            return real(*given)

        os.write = terminated
        try:
            write_atomic(tmp_path / "a" / "f", b"new")
        finally:
            os._exit(1)
    assert os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]) == -signal.SIGTERM
    assert names(tmp_path) == []


def test_what_is_read_back_is_what_was_written(tmp_path, monkeypatch):
    path, real = tmp_path / "f", os.write
    write_atomic(path, b"old")
    monkeypatch.setattr(os, "write", lambda h, c: real(h, bytes(c[:-1]) + b"?"))
    with pytest.raises(CorruptArtifact, match="f: other bytes were read back than the 3 written"):
        write_atomic(path, b"new")
    assert (names(tmp_path), path.read_bytes()) == (["f"], b"old")


@on_posix
def test_a_link_stays_and_what_it_leads_to_is_written(tmp_path):
    (tmp_path / "folder").mkdir()
    link = tmp_path / "link"
    link.symlink_to(os.path.join("folder", "f"))
    for content in (b"one", b"two"):  # there is no such file yet, and there is
        write_atomic(link, content)
        assert link.is_symlink()
        assert (tmp_path / "folder" / "f").read_bytes() == content
    assert names(tmp_path / "folder") == ["f"]


@on_posix
@pytest.mark.parametrize("what", ["pipe", "folder", "link"])
def test_what_is_no_file_is_not_replaced_by_one(tmp_path, what):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "folder").mkdir()
    (tmp_path / "link").symlink_to("pipe")
    before = names(tmp_path)
    with pytest.raises(InvalidInput, match=rf"{what}: cannot be written .it is .*choose a file"):
        write_atomic(tmp_path / what, b"new")
    assert names(tmp_path) == before
    assert (tmp_path / what).is_fifo() or what == "folder"


@pytest.mark.parametrize("name", ["n" * 255, "é" * 127, "n" * 240])
def test_names_as_long_as_can_be(tmp_path, name):
    write_atomic(tmp_path / name, b"new")
    assert names(tmp_path) == [name]


def test_what_a_killed_run_left_of_a_long_name_goes(tmp_path, monkeypatch):
    path = tmp_path / ("n" * 250)
    real = os.unlink
    monkeypatch.setattr(os, "unlink", lambda _: None)
    monkeypatch.setattr(os, "fsync", lambda _: (_ for _ in ()).throw(OSError(28, "full")))
    with pytest.raises(InvalidInput):
        write_atomic(path, b"new")
    monkeypatch.undo()
    assert os.unlink is real
    [left] = names(tmp_path)
    assert left.endswith(PART)
    write_atomic(path, b"new")
    assert names(tmp_path) == [path.name]


def test_folders_that_were_made_for_nothing_go(tmp_path, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(InvalidInput, match="cannot be written"):
        write_atomic(tmp_path / "a" / "b" / "f", b"new")
    assert names(tmp_path) == []


@on_posix
def test_the_names_of_new_folders_are_on_the_disk_too(tmp_path, monkeypatch):
    synced, real = set(), os.fsync

    def fsync(handle):
        synced.add(os.readlink(f"/proc/self/fd/{handle}"))
        real(handle)

    if not os.path.exists("/proc/self/fd"):
        pytest.skip("nothing tells what a handle is of")
    monkeypatch.setattr(os, "fsync", fsync)
    write_atomic(tmp_path / "a" / "b" / "f", b"new")
    assert {str(tmp_path), str(tmp_path / "a"), str(tmp_path / "a" / "b")} <= synced


def test_a_bundles_own_files_are_no_output(california):
    link = california.with_name("link.json")
    link.symlink_to(california / "manifest.json")
    before = {p.name: p.read_bytes() for p in california.iterdir()}
    for target in (california / "manifest.json", california / "golden.npz", link):
        writing = sink(str(target), "csv", Asked())
        with pytest.raises(InvalidInput, match="is the model directory's own file"):
            writing.__enter__()
    assert {p.name: p.read_bytes() for p in california.iterdir()} == before
    with sink(str(california / "answers.csv"), "csv", Asked()) as out:
        out.write({"variable": np.zeros(2)})
    assert (california / "answers.csv").read_text(encoding="utf-8") == "variable\n0.0\n0.0\n"


def test_writing_from_another_thread(tmp_path):
    code = (
        "import sys, threading; from toolkit.runtime.writing import write_atomic\n"
        "t = threading.Thread(target=write_atomic, args=(sys.argv[1], b'new')); t.start(); t.join()"
    )
    subprocess.run([sys.executable, "-c", code, str(tmp_path / "f")], check=True)
    assert (tmp_path / "f").read_bytes() == b"new"
