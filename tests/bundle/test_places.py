"""Where a bundle may lie, and what may lie in it: links, other users' folders, full disks."""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from toolkit.bundle import lock, open_bundle, with_reports
from toolkit.bundle.lock import LOCK, MARK, WRITER
from toolkit.bundle.transaction import NEW_MANIFEST, REMOVALS, recover
from toolkit.errors import CorruptArtifact, InvalidInput, ToolkitWarning
from toolkit.runtime.files import fitting
from toolkit.runtime.listed import staged_name
from toolkit.runtime.manifest import PREFIX
from toolkit.runtime.verify import verify

REPORT = {"report.md": b"new"}
WRITE = """
import sys
from toolkit.bundle import open_bundle, with_reports
with_reports(open_bundle(sys.argv[1]), {"report.md": b"new"})
"""
on_posix = pytest.mark.skipif(os.name == "nt", reason="of POSIX")


def names(folder):
    return sorted(p.name for p in folder.iterdir())


def write(folder):
    with_reports(open_bundle(folder), REPORT)


def is_written(folder):
    assert (folder / "report.md").read_bytes() == b"new"
    assert not [n for n in names(folder) if n.startswith(PREFIX)]
    return all(c.passed for c in verify(folder))


@pytest.mark.parametrize(
    "name", ["a dir", "modèle – 模型", "x" * 255, pytest.param("a\udce9", marks=on_posix)]
)
def test_any_name(california, name):
    folder = california.with_name(name)
    california.rename(folder)
    write(folder)
    assert is_written(folder)


@pytest.mark.parametrize("given", [".", "./", "../california-linear/", "link"])
def test_any_way_to_say_it(california, monkeypatch, given):
    monkeypatch.chdir(california)
    if given == "link":
        (california.parent / "link").symlink_to(california)
        given = os.path.join(os.pardir, "link")
    write(given)
    assert is_written(california)


@on_posix
def test_links_in_it(california):
    """A file that is a link is replaced; what it led to, and another name of a file, stay."""
    aside = california.with_name("aside")
    shutil.copytree(california, aside)
    (california / "report.md").symlink_to(aside / "manifest.json")
    (california / "manifest.json").unlink()
    os.link(aside / "manifest.json", california / "manifest.json")
    before = (aside / "manifest.json").read_bytes()
    write(california)
    assert is_written(california)
    assert (aside / "manifest.json").read_bytes() == before
    assert not (california / "report.md").is_symlink()


@on_posix
@pytest.mark.parametrize("name", [WRITER, LOCK, REMOVALS, NEW_MANIFEST])
def test_a_strangers_link_is_not_written_through(california, name):
    victim = california.with_name("victim")
    victim.write_bytes(b"mine")
    (california / name).symlink_to(victim)
    if name == LOCK:
        with pytest.raises(InvalidInput, match="cannot be written"):
            write(california)
    else:
        write(california)
        assert is_written(california)
    assert victim.read_bytes() == b"mine"


@on_posix
def test_a_pipe_and_a_folder_with_our_names(california):
    os.mkfifo(california / REMOVALS)
    (california / f"{PREFIX}folder").mkdir()
    write(california)
    assert [n for n in names(california) if n.startswith(PREFIX)] == [f"{PREFIX}folder"]


def test_a_signature_that_is_a_link_goes_with_the_commit(california, tmp_path):
    (tmp_path / "sig").write_bytes(b"{}")
    (california / "model.sig").symlink_to(tmp_path / "sig")
    with pytest.warns(ToolkitWarning, match="sign the model again"):
        write(california)
    assert "model.sig" not in names(california)
    assert (tmp_path / "sig").exists()


@pytest.mark.parametrize("content", [b"{", b'{"schema_version": 99}'])
def test_where_nobody_knows_what_was_committed_nothing_is_swept(california, content):
    (california / "manifest.json").write_bytes(content)
    staged = california / f"{PREFIX}{'a' * 16}-model.onnx"
    staged.write_bytes(b"a later toolkit's")
    recover(california)
    assert staged.exists()
    staged.unlink()


@pytest.mark.parametrize("number", [errno.EIO, errno.EACCES])
def test_a_manifest_that_cannot_be_read_is_not_taken_for_none(california, monkeypatch, number):
    """Nothing is swept: what it lists may have been committed under these very names."""
    entry = open_bundle(california).manifest["files"]["model.onnx"]
    staged = california / staged_name("model.onnx", entry["sha256"])
    (california / "model.onnx").rename(staged)
    real = os.open

    def fail(path, *rest, **named):
        if str(path).endswith("manifest.json"):
            raise OSError(number, os.strerror(number))
        return real(path, *rest, **named)

    monkeypatch.setattr(os, "open", fail)
    with pytest.raises(InvalidInput, match=r"manifest\.json: cannot be read"):
        recover(california)
    monkeypatch.undo()
    assert staged.exists()
    recover(california)
    assert all(c.passed for c in verify(california))


def test_a_rename_that_was_done_though_it_failed(california, monkeypatch):
    """As of a network drive whose answer was lost, and the question asked twice."""
    real = os.replace

    def late(source, target):
        real(source, target)
        raise FileNotFoundError(errno.ENOENT, "No such file or directory")

    monkeypatch.setattr(os, "replace", late)
    write(california)
    monkeypatch.undo()
    assert is_written(california)


def test_staged_names_fit():
    for name in ("m" * 255, "é" * 127, "m" * 230, "m"):
        assert len(fitting(name, 26).encode()) <= 229
        assert len(staged_name(name, "a" * 64).encode()) <= 255
    assert staged_name("model.onnx", "a" * 64) == f"{PREFIX}{'a' * 16}-model.onnx"
    assert staged_name("m" * 254, "a" * 64) != staged_name("m" * 255, "a" * 64)


# --- drives without locks -------------------------------------------------------------------------


@pytest.fixture(params=[errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOSYS])
def lockless(monkeypatch, request):
    import filelock

    def refuse(*_, **__):
        raise OSError(request.param, os.strerror(request.param))

    monkeypatch.setattr(filelock, "lock_descriptor", refuse)


@pytest.mark.usefixtures("lockless")
def test_a_drive_without_locks_is_written(california):
    write(california)
    assert is_written(california)


@pytest.mark.usefixtures("lockless")
def test_there_one_waits_for_the_other_too(california, monkeypatch):
    monkeypatch.setattr(lock, "WAIT_S", 0.2)
    with (
        lock.locked(california, lambda: None),
        pytest.warns(ToolkitWarning, match="waiting for process"),
        pytest.raises(InvalidInput, match=rf"run this again .*, or remove .*{MARK} if it was"),
    ):
        write(california)
    write(california)
    assert is_written(california)


@pytest.mark.usefixtures("lockless")
@pytest.mark.skipif(not hasattr(os, "fork"), reason="the other one is a forked process")
def test_there_a_killed_one_holds_nothing(california):
    process = os.fork()
    if not process:
        with lock.locked(california, lambda: None):
            os._exit(9)
    os.waitpid(process, 0)
    assert MARK in names(california)
    write(california)
    assert is_written(california)


# --- other users, full disks ----------------------------------------------------------------------


@pytest.fixture
def open_to_all():
    """A folder that every user finds; pytest's own are for their maker."""
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        yield Path(folder)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="another user is a forked process")
@pytest.mark.parametrize("mode", [0o555, 0o755, 0o777])
def test_another_users_folder(california, open_to_all, mode):
    """Refused in one line where nobody may write; where all may, his dead lock is in no way."""
    if os.geteuid() != 0:
        pytest.skip("only root can be another user")
    before = {n: (california / n).read_bytes() for n in names(california)}
    shutil.move(california, open_to_all / "model")
    california = open_to_all / "model"
    california.chmod(mode)
    (california / LOCK).touch(0o644)
    read, end = os.pipe()
    process = os.fork()
    if not process:
        said = "written"
        try:
            os.setuid(65534)
            write(california)
        except BaseException as error:
            said = f"{type(error).__name__}: {error}"
        os.write(end, said.encode())
        os._exit(0)
    os.close(end)
    os.waitpid(process, 0)
    said = os.read(read, 1000).decode()
    os.close(read)
    if mode == 0o777:
        assert said == "written"
        assert is_written(california)
        return
    assert said.startswith(f"InvalidInput: {california}: cannot be written (Permission denied)")
    (california / LOCK).unlink()
    assert {n: (california / n).read_bytes() for n in names(california)} == before


@on_posix
def test_a_file_that_may_not_be_so_large(california):
    import resource

    before = {n: (california / n).read_bytes() for n in names(california)}
    limit = lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (500, 500))  # noqa: E731
    done = subprocess.run(
        [sys.executable, "-c", WRITE, str(california)],
        preexec_fn=limit,
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert "InvalidInput" in done.stderr
    assert "(File too large), and is as it was" in done.stderr
    assert {n: (california / n).read_bytes() for n in names(california)} == before


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no device is full")
@pytest.mark.parametrize("module", ["toolkit", "toolkit.runtime"])
def test_standard_output_that_is_full(california, module):
    with open("/dev/full", "w", encoding="utf-8") as full:
        done = subprocess.run(
            [sys.executable, "-m", module, "verify", str(california)],
            stdout=full,
            stderr=subprocess.PIPE,
            encoding="utf-8",
            check=False,
        )
    assert done.returncode == 2
    assert "No space left on device" in done.stderr
    assert "report what it shows" not in done.stderr


def test_a_damaged_manifest_is_told(california):
    (california / "manifest.json").write_bytes(b"{")
    with pytest.raises(CorruptArtifact):
        write(california)
