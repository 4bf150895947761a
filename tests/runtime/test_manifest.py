from __future__ import annotations

import hashlib
import json
import os
import sys

import pytest

from toolkit.errors import CorruptArtifact, InvalidInput
from toolkit.runtime.files import SMALL, sha256
from toolkit.runtime.listed import entry_beside, read_checked
from toolkit.runtime.manifest import is_plain, read_manifest

ENTRY = {"method": None, "bytes": 3, "sha256": sha256(b"abc"), "role": "home"}
GOOD = {
    "schema_version": 1,
    "name": "m",
    "task": "regressor",
    "inputs": [{"name": "X", "columns": ["a"]}],
    "outputs": [{"name": "variable"}],
    "files": {"data.bin": ENTRY},
    "proof": {"passed": True},
}


def write(folder, manifest):
    text = manifest if isinstance(manifest, str | bytes) else json.dumps(manifest)
    content = text if isinstance(text, bytes) else text.encode()
    (folder / "manifest.json").write_bytes(content)
    return folder


def refused(folder, manifest) -> str:
    with pytest.raises(CorruptArtifact) as caught:
        read_manifest(write(folder, manifest))
    text = str(caught.value)
    assert str(folder / "manifest.json") in text
    return text


def test_a_good_one(tmp_path):
    assert read_manifest(write(tmp_path, GOOD)) == GOOD


def test_no_folder_and_no_manifest(tmp_path):
    with pytest.raises(InvalidInput, match="no such model directory"):
        read_manifest(tmp_path / "none")
    with pytest.raises(InvalidInput, match=r"holds no manifest\.json"):
        read_manifest(tmp_path)


@pytest.mark.parametrize(
    "content",
    ["", "{", b"\xff", "[" * 100_000, '{"schema_version": ' + "1" * 5000 + "}"],
    ids=["empty", "cut", "latin1", "deep", "long-number"],
)
def test_no_json(tmp_path, content):
    assert "is not JSON" in refused(tmp_path, content)


@pytest.mark.parametrize("content", ["[]", "null", "1", "{}", '{"schema_version": "1"}'])
def test_no_schema_version(tmp_path, content):
    assert "has no schema_version" in refused(tmp_path, content)


def test_a_later_schema(tmp_path):
    text = refused(tmp_path, GOOD | {"schema_version": 2})
    assert "schema_version 2 is unknown" in text
    assert "update toolkit" in text


@pytest.mark.parametrize("key", ["name", "task", "inputs", "outputs", "files", "proof"])
@pytest.mark.parametrize("value", ["absent", None, 5], ids=str)
def test_absent_keys_and_wrong_types(tmp_path, key, value):
    damaged = {k: v for k, v in GOOD.items() if k != key}
    if value != "absent":
        damaged[key] = value
    assert f"{key!r} is missing or no" in refused(tmp_path, damaged)


@pytest.mark.parametrize("key", ["inputs", "outputs"])
@pytest.mark.parametrize(
    "entry",
    [None, "X", {}, {"name": 3}, {"name": "X", "columns": 3}, {"name": "X", "columns": [1]}],
    ids=["null", "text", "nameless", "number", "columns", "numbered-columns"],
)
def test_damaged_inputs_and_outputs(tmp_path, key, entry):
    text = refused(tmp_path, GOOD | {key: [{"name": "first"}, entry]})
    assert f"number 1 of {key!r} is damaged" in text


OUTSIDE = ["../x", "a/b", "/etc/hostname", "..", ".", "", "a\\b", "..\\x", "C:x", "a\0b"]


@pytest.mark.parametrize("name", OUTSIDE, ids=repr)
def test_names_that_point_out_of_the_folder(tmp_path, name):
    assert f"the entry of file {name!r} is damaged" in refused(
        tmp_path, GOOD | {"files": {name: ENTRY}}
    )
    assert not is_plain(name)


@pytest.mark.parametrize(
    "change",
    [
        None,
        {"bytes": "3"},
        {"sha256": None},
        {"role": "elsewhere"},
        {"role": ["home"]},
    ],
    ids=["null", "bytes", "sha256", "role", "role-list"],
)
def test_damaged_entries(tmp_path, change):
    entry = None if change is None else ENTRY | change
    assert "the entry of file 'x' is damaged" in refused(tmp_path, GOOD | {"files": {"x": entry}})


def test_every_flipped_byte_is_read_or_refused(tmp_path):
    content = json.dumps(GOOD).encode()
    refusals = 0
    for at in range(len(content)):
        damaged = bytearray(content)
        damaged[at] ^= 1 << at % 8
        try:
            read_manifest(write(tmp_path, bytes(damaged)))
        except CorruptArtifact:
            refusals += 1
    assert refusals > len(content) / 3


def test_hashes(tmp_path):
    path = tmp_path / "data.bin"
    path.write_bytes(b"abc")
    assert read_checked(path, ENTRY) == b"abc"
    path.write_bytes(b"abd")
    with pytest.raises(CorruptArtifact, match=r"data\.bin: its SHA-256 is not the one"):
        read_checked(path, ENTRY)
    path.unlink()
    with pytest.raises(InvalidInput, match="no such file"):
        read_checked(path, ENTRY)


@pytest.mark.parametrize("size", [0, 1, SMALL, SMALL + 1])
@pytest.mark.parametrize("own", [True, False], ids=["own", "hashlib"])
def test_sha256(size, own, monkeypatch):
    if not own:
        for name in ("_sha2", "_sha256"):
            monkeypatch.setitem(sys.modules, name, None)
    content = b"\x5a" * size
    assert sha256(content) == hashlib.sha256(content).hexdigest()


def test_entry_beside(tmp_path):
    assert entry_beside(tmp_path / "data.bin") is None
    write(tmp_path, GOOD)
    assert entry_beside(tmp_path / "data.bin") == (GOOD, ENTRY)
    assert entry_beside(tmp_path / "other.bin") == (GOOD, None)


def test_write_atomic_leaves_the_old_file_or_the_new_one(tmp_path, monkeypatch):
    from toolkit.runtime.writing import write_atomic

    path = tmp_path / "f"
    write_atomic(path, b"old")

    def fail(*_):
        raise OSError(28, "No space left on device")

    for name in ("open", "write", "fsync", "replace"):
        with monkeypatch.context() as patch:
            patch.setattr(os, name, fail)
            with pytest.raises(InvalidInput, match="No space left on device"):
                write_atomic(path, b"new")
        assert [p.name for p in tmp_path.iterdir()] == ["f"]
        assert path.read_bytes() == b"old"
    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", lambda _: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            write_atomic(path, b"new")
    assert [p.name for p in tmp_path.iterdir()] == ["f"]
    assert path.read_bytes() == b"old"
    write_atomic(path, b"new")
    assert path.read_bytes() == b"new"
    assert path.stat().st_mode & 0o777 == 0o666 & ~_umask()


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def test_write_atomic_below_a_file(tmp_path):
    from toolkit.runtime.writing import write_atomic

    (tmp_path / "f").write_bytes(b"")
    with pytest.raises(InvalidInput, match="choose a writable folder"):
        write_atomic(tmp_path / "f" / "g", b"x")
