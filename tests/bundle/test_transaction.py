"""What readers see between the commit and the last rename, and what the next writer makes of it."""

from __future__ import annotations

import json
import os

import numpy as np
import pytest

from toolkit.bundle import (
    OK,
    Variant,
    is_empty,
    open_bundle,
    transaction,
    with_reports,
    with_variants,
    write_files,
)
from toolkit.bundle.card import CARD
from toolkit.bundle.transaction import recover
from toolkit.errors import CorruptArtifact, InvalidInput
from toolkit.exporter import export
from toolkit.runtime import load
from toolkit.runtime.files import sha256
from toolkit.runtime.listed import staged_name
from toolkit.runtime.manifest import PREFIX
from toolkit.runtime.verify import verify


def graph(name="tiny"):
    """A model that says the version of its format, and a name."""
    return b"\x08\x0a\x12" + bytes([len(name)]) + name.encode()


def names(folder):
    return sorted(p.name for p in folder.iterdir())


def contents(folder):
    return {p.name: p.read_bytes() for p in folder.iterdir()}


def variant(name="tiny", size=3):
    return Variant(name, OK, f"model.{name}.onnx", bytes=size, tolerance={})


@pytest.fixture
def committed(california, monkeypatch):
    """The bundle right after the commit of other models: every new file has its staged name."""
    old = open_bundle(california)
    files = {n: (old.read(n), e["role"]) for n, e in old.manifest["files"].items()}
    # The two packs change places, so that both models differ from what lies under their names.
    one, other = "model.float32-pack.pack", "model.uint8-pack.pack"
    files[one], files[other] = files[other], files[one]
    removed = old.manifest["variants"].pop()["file"]
    for name in [n for n in files if n == removed]:
        del files[name]
    manifest = {**old.manifest, "files": {}}
    monkeypatch.setattr(transaction, "recover", lambda _: None)
    bundle = write_files(california, manifest, files)
    files[CARD] = (bundle.read(CARD), files[CARD][1])  # which says how large the packs are
    monkeypatch.undo()
    return california, files, removed


def test_readers_see_what_was_committed(committed):
    folder, files, _ = committed
    assert any(n.startswith(PREFIX) for n in names(folder))
    bundle = open_bundle(folder)
    assert {n: bundle.read(n) for n in files} == {n: c for n, (c, _) in files.items()}
    hashes = {c.file for c in verify(folder) if c.kind == "hash"}
    assert hashes == set(files)
    load(folder)
    load(folder / "model.uint8-pack.pack")


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="nothing is read-only to root")
def test_readers_need_no_writable_folder(committed):
    folder, _, _ = committed
    folder.chmod(0o555)
    try:
        assert all(c.passed for c in verify(folder))
    finally:
        folder.chmod(0o755)


def test_readers_write_nothing(committed):
    folder, _, _ = committed
    before = contents(folder)
    verify(folder)
    open_bundle(folder).estimator()
    assert contents(folder) == before


def test_the_next_writer_finishes_it(committed):
    folder, files, removed = committed
    with_reports(open_bundle(folder), {"report.md": b"new"})
    assert names(folder) == sorted({*files, "report.md", "manifest.json"})
    assert removed not in names(folder)
    for name, (content, _) in files.items():
        assert (folder / name).read_bytes() == content


def test_a_staged_file_that_is_half_written_is_no_file(california):
    bundle = open_bundle(california)
    entry = bundle.manifest["files"]["model.onnx"]
    before = contents(california)
    (california / staged_name("model.onnx", entry["sha256"])).write_bytes(b"half")
    (california / f"{PREFIX}manifest").write_bytes(b"{")
    (california / f"{PREFIX}removals").write_bytes(b"[")
    assert all(c.passed for c in verify(california))
    recover(california)
    assert contents(california) == before


@pytest.mark.parametrize(
    "removals", [{"notes.txt": "0" * 64}, {"../outside": None}, {"manifest.json": None}], ids=str
)
def test_what_is_not_ours_is_not_removed(california, removals):
    outside = california.parent / "outside"
    for path in (outside, california / "notes.txt"):
        path.write_text("mine", encoding="utf-8")
    manifest = (california / "manifest.json").read_bytes()
    digest = {"../outside": sha256(b"mine"), "manifest.json": sha256(manifest)}
    listed = {n: digest.get(n, d) for n, d in removals.items()}
    (california / f"{PREFIX}removals").write_text(json.dumps(listed), encoding="utf-8")
    recover(california)
    assert outside.read_text(encoding="utf-8") == "mine"
    assert (california / "notes.txt").read_text(encoding="utf-8") == "mine"
    assert (california / "manifest.json").read_bytes() == manifest


def test_two_files_of_the_same_bytes(california):
    made = [(variant("one"), graph()), (variant("two"), graph())]
    with_variants(open_bundle(california), made)
    for name in ("model.one.onnx", "model.two.onnx"):
        assert (california / name).read_bytes() == graph()


def test_what_cannot_be_read_back_is_not_committed(california, monkeypatch):
    before, real = contents(california), os.write

    def flip(handle, content):
        return real(handle, bytes(content[:-1]) + b"?")

    monkeypatch.setattr(os, "write", flip)
    with pytest.raises(CorruptArtifact, match=r"model\.tiny\.onnx: other bytes were read back"):
        with_variants(open_bundle(california), [(variant(), graph())])
    monkeypatch.undo()
    assert contents(california) == before


@pytest.mark.parametrize("name", ["model.tiny.pack", "budget.json"])
def test_what_nobody_could_open_is_not_committed(california, name):
    before = contents(california)
    bundle = open_bundle(california)
    made = Variant("tiny", OK, "model.tiny.pack", bytes=3, tolerance={})
    content = b"abc" if name.endswith(".pack") else None
    with pytest.raises(CorruptArtifact, match=name):
        with_variants(bundle, [(made, content)], b"{" if name == "budget.json" else None)
    assert contents(california) == before


def test_a_folder_in_a_files_place(california):
    (california / "report.md").mkdir()
    before = names(california)
    with pytest.raises(InvalidInput, match=r"report\.md: is a folder; move it elsewhere"):
        with_reports(open_bundle(california), {"report.md": b"new"})
    assert names(california) == before


def test_a_rename_that_fails_once_is_tried_again(california, monkeypatch):
    replace, failed = os.replace, []

    def fail(source, target):
        if not str(target).endswith("manifest.json") and not failed:
            failed.append(target)
            raise PermissionError(13, "Permission denied")
        replace(source, target)

    monkeypatch.setattr(os, "replace", fail)
    with_variants(open_bundle(california), [(variant(), graph())])
    assert failed
    assert (california / "model.tiny.onnx").read_bytes() == graph()


# --- commands that ran meanwhile ------------------------------------------------------------------


# --- signals and what a killed run left -----------------------------------------------------------


def test_after_a_killed_first_export_the_same_one_runs(tmp_path):
    from sklearn.linear_model import LinearRegression

    X = np.random.default_rng(3).normal(size=(80, 3))
    model, out = LinearRegression().fit(X, X[:, 0]), tmp_path / "out"
    out.mkdir()
    for name in ("lock", "writer", f"{'a' * 16}-model.onnx"):
        (out / (PREFIX + name)).write_bytes(b"half")
    assert is_empty(out)
    export(model, X, X[:, 0], name="mine", out=out)
    assert names(out) == sorted({*open_bundle(out).manifest["files"], "manifest.json"})


def test_a_failed_first_export_leaves_no_folder(tmp_path, california, monkeypatch):
    manifest = open_bundle(california).manifest

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(InvalidInput, match=r"\(No space left on device\), and is as it was"):
        write_files(tmp_path / "a" / "b", {**manifest, "files": {}}, {"x.md": (b"x", "home")})
    assert not (tmp_path / "a").exists()


# --- readers, between two commits of which the second brings the same manifest back ---------------
