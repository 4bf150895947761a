"""Manifests with odd values: one line, exit code 2."""

from __future__ import annotations

import json

import pytest

from toolkit.runtime.manifest import read_manifest


def change(folder, edit):
    path = folder / "manifest.json"
    manifest = json.loads(path.read_text(encoding="utf-8"))
    edit(manifest)
    path.write_text(json.dumps(manifest), encoding="utf-8")
    return folder


def tolerances(value):
    def edit(manifest):
        for entry in manifest["files"].values():
            if "tolerance" in entry:
                entry["tolerance"]["relative"] = value

    return edit


def as_file(name):
    def edit(manifest):
        manifest["files"][name] = manifest["files"].pop("model.onnx")

    return edit


def as_input(name):
    return lambda manifest: manifest["inputs"][0].update(name=name)


ODD = {
    "tolerance": tolerances(10**400),
    "negative-tolerance": tolerances(-(10**400)),
    "bytes": lambda m: m["files"]["model.onnx"].update(bytes=10**400),
    "far-bytes": lambda m: m["files"]["model.onnx"].update(bytes=10**18),
    "proof-rows": lambda m: [
        figures.update(rows=1e999)
        for by_rows in m["proof"]["comparisons"].values()
        for figures in by_rows.values()
    ],
    "long-file": as_file("n" * 5000),
    "long-name": lambda m: m.update(name="n" * 5000),
    "surrogate-file": as_file("a\ud800b"),
    "surrogate-name": lambda m: m.update(name="a\udfffb"),
    "surrogate-input": as_input("X\ud800"),
    "surrogate-column": lambda m: m["inputs"][0].update(columns=["\udc00"]),
    "surrogate-deep": lambda m: m["proof"].update(advice=[{"\ud812": 1}]),
}


@pytest.mark.parametrize("command", ["verify", "inspect", "predict"])
@pytest.mark.parametrize("kind", ODD)
def test_odd_manifests(california, kind, command, tmp_path, capsys):
    from toolkit.runtime.__main__ import main

    change(california, ODD[kind])
    (tmp_path / "rows.csv").write_text("1,2,3,4,5,6,7,8\n", encoding="utf-8")
    rows = ["--input", str(tmp_path / "rows.csv")] if command == "predict" else []
    status = main([command, str(california), *rows])
    said = capsys.readouterr().err
    if kind in ("proof-rows", "far-bytes") and status == 0:
        return  # what the command does not use
    assert status == 2
    assert said.startswith("error: ")
    assert said.count("\n") == 1
    assert len(said) < 1000


def test_pairs_that_are_whole_are_letters(california):
    change(california, lambda m: m.update(name="\U0001f600"))
    assert read_manifest(california)["name"] == "\U0001f600"
