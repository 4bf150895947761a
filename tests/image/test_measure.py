"""An image's archive is counted right: layers add up, what a later layer deletes is not seen."""

import gzip
import importlib
import io
import json
import sys
import tarfile
from pathlib import Path

import pytest

IMAGE = Path(__file__).parents[2] / "scripts/image"


@pytest.fixture
def measure(monkeypatch, tmp_path):
    monkeypatch.syspath_prepend(str(IMAGE))
    for name in ("engine", "measure"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    module = importlib.import_module("measure")
    monkeypatch.setattr(module, "CACHE", tmp_path)
    return module


def layer(files: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return buffer.getvalue()


class SavedImage:
    """Stands for an engine whose `save` writes these layers."""

    def __init__(self, *layers: bytes) -> None:
        self.layers = layers

    def call(self, command: str, option: str, path: str, image: str) -> str:
        assert (command, option, image) == ("save", "--output", "an-image")
        names = [f"{k}/layer.tar" for k in range(len(self.layers))]
        manifest = json.dumps([{"Layers": names}]).encode()
        content = {"manifest.json": manifest, **dict(zip(names, self.layers, strict=True))}
        Path(path).write_bytes(layer(content))
        return ""


def test_layers_add_up_and_deleted_files_are_not_seen(measure):
    first = layer({"opt/site/a": b"1234", "./opt/site/b": b"12", "usr/pip/x": b"1", "d/y": b"1"})
    second = layer(
        {"usr/.wh.pip": b"", "opt/site/a": b"123456", "d/.wh..wh..opq": b"", "d/z": b"12"}
    )
    content = measure.content(SavedImage(first, second), "an-image")
    assert content.size == len(first) + len(second)
    assert content.files == {"opt/site/a": 6, "opt/site/b": 2, "d/z": 2}
    assert content.below("opt/site") == 8


def test_compressed_layers_are_counted_as_plain_ones(measure):
    plain = layer({"a": bytes(50_000)})
    saved = measure.content(SavedImage(plain), "an-image")
    packed = measure.content(SavedImage(gzip.compress(plain)), "an-image")
    assert saved == packed
    assert 0 < saved.compressed < saved.size == len(plain)
