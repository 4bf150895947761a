"""Other commands, readers, threads and signals while a bundle is written."""

from __future__ import annotations

import os
import shutil
import signal
import threading

import numpy as np
import pytest

from tests.bundle.test_transaction import contents, graph, names, variant
from toolkit.bundle import (
    OK,
    Variant,
    open_bundle,
    with_reports,
    with_variants,
    write_files,
)
from toolkit.errors import CorruptArtifact, InvalidInput
from toolkit.exporter import export
from toolkit.runtime import load
from toolkit.runtime.manifest import settled
from toolkit.runtime.verify import verify


def test_variants_of_two_commands_are_both_kept(california):
    """Both opened the bundle before either of them wrote."""
    one, other = open_bundle(california), open_bundle(california)
    with_variants(one, [(variant("one"), graph("one"))])
    with_variants(other, [(variant("two"), graph("two"))])
    bundle = open_bundle(california)
    assert bundle.read("model.one.onnx") == graph("one")
    assert bundle.read("model.two.onnx") == graph("two")
    assert {"one", "two"} <= {v.method for v in bundle.variants}


def test_a_report_of_variants_that_were_replaced(california):
    measured = open_bundle(california)
    name = "model.uint8-pack.pack"
    again = Variant("uint8-pack", OK, name, bytes=3, tolerance={})
    with_variants(measured, [(again, measured.read("model.float32-pack.pack"))])
    with pytest.raises(InvalidInput, match="was quantized anew while this command ran; bench it"):
        with_reports(measured, {"report.md": b"new"})
    assert "report.md" not in names(california)


def test_another_export_meanwhile(california, named_bundle):
    opened = open_bundle(california)
    shutil.rmtree(california)
    shutil.copytree(named_bundle, california)
    with pytest.raises(InvalidInput, match="was exported anew while this command ran; quantize"):
        with_variants(opened, [(variant(), graph())])
    with pytest.raises(InvalidInput, match="was exported anew while this command ran; bench"):
        with_reports(opened, {"report.md": b"new"})
    with pytest.raises(InvalidInput, match="another command wrote it while this one was reading"):
        opened.evaluation()


def test_a_directory_that_became_another_models(tmp_path, named_bundle, monkeypatch):
    from sklearn.linear_model import LinearRegression

    from toolkit.exporter import flow

    X = np.random.default_rng(3).normal(size=(80, 3))
    model, out = LinearRegression().fit(X, X[:, 0]), tmp_path / "out"
    real = flow.keep

    def slow(*given):
        shutil.copytree(named_bundle, out)
        return real(*given)

    monkeypatch.setattr(flow, "keep", slow)
    with pytest.raises(InvalidInput, match="holds the model 'named', not 'mine'"):
        export(model, X, X[:, 0], name="mine", out=out)
    assert contents(out) == contents(named_bundle)


def test_a_reader_begins_again_where_a_writer_came_between(california):
    seen = []

    def read(manifest):
        seen.append(len(manifest["files"]))
        if len(seen) == 1:
            with_variants(open_bundle(california), [(variant(), graph())])
            raise CorruptArtifact("half of it is another one's")
        return seen

    assert settled(california, read) == [seen[0], seen[0] + 1]


@pytest.mark.parametrize("at", ["write", "replace"])
def test_ctrl_c(california, monkeypatch, at):
    before, real = contents(california), getattr(os, at)

    def interrupted(*given):
        monkeypatch.setattr(os, at, real)
        signal.raise_signal(signal.SIGINT)
        return real(*given)

    monkeypatch.setattr(os, at, interrupted)
    with pytest.raises(KeyboardInterrupt) as stop:
        with_variants(open_bundle(california), [(variant(), graph())])
    if at == "write":
        assert str(stop.value) == ""
        assert contents(california) == before
    else:
        assert str(stop.value) == f"{california} had been written"
        assert open_bundle(california).read("model.tiny.onnx") == graph()
    assert not any(n.startswith(".") for n in names(california))
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_other_threads_write_too(california):
    def write(name):
        with_variants(open_bundle(california), [(variant(name), graph(name))])

    threads = [threading.Thread(target=write, args=(f"v{k}",)) for k in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    bundle = open_bundle(california)
    for k in range(6):
        assert bundle.read(f"model.v{k}.onnx") == graph(f"v{k}")
    assert not any(n.startswith(".") for n in names(california))


@pytest.fixture
def twice(california, monkeypatch):
    """Let a bundle be written twice while one of its files is read, the second time as it was.

    That file is sought under three names; only after the last of them is it there again.
    """
    from toolkit.runtime import listed

    old = open_bundle(california)
    files = {n: (old.read(n), e["role"]) for n, e in old.manifest["files"].items()}
    one, other = "model.float32-pack.pack", "model.uint8-pack.pack"
    swapped = {**files, one: files[other], other: files[one]}
    real, sought = listed.read_regular, []

    def between(path, *limits):
        if not os.fspath(path).endswith(one):
            return real(path, *limits)
        sought.append(path)
        if len(sought) == 1:
            write_files(california, {**old.manifest, "files": {}}, swapped)
        try:
            return real(path, *limits)
        finally:
            if len(sought) == 3:
                write_files(california, {**old.manifest, "files": {}}, files)

    monkeypatch.setattr(listed, "read_regular", between)
    yield california, one, files[one][0]
    assert len(sought) > 3


def test_a_check_is_not_misled_by_the_same_manifest(twice):
    folder, _, _ = twice
    assert all(c.passed for c in verify(folder))


def test_nor_is_a_bundle_that_was_opened_before(twice):
    folder, name, content = twice
    assert open_bundle(folder).read(name) == content


def test_nor_is_a_predictor(twice):
    folder, name, _ = twice
    load(folder / name)
