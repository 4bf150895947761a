"""Graphs from elsewhere: an .onnx file and rows where other commands take a model directory."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from toolkit.errors import InvalidInput

if TYPE_CHECKING:
    from collections.abc import Sequence

    from toolkit.bundle import Bundle
    from toolkit.runtime.schema import Input

rows = click.option("--data", help="For an .onnx file: rows in .npz (X, y), .csv or .parquet.")
target = click.option("--target", help="The target's column in a .csv or .parquet file.")
out = click.option(
    "-o", "--out", help="For an .onnx file: the model directory.  [default: models/NAME]"
)
force = click.option("--force", is_flag=True, help="Write over what is no directory of this model.")


def is_graph(path: str) -> bool:
    """Tell whether an argument is a file by itself, not a model directory."""
    return Path(path).suffix == ".onnx" and not Path(path).is_dir()


def directory(
    path: str, data: str | None, target: str | None, out: str | None, force: bool
) -> Bundle:
    """Open a model directory; InvalidInput for options that only a file by itself takes."""
    from toolkit.bundle import open_bundle

    given = [
        n for n, v in (("--data", data), ("--target", target), ("-o", out), ("--force", force)) if v
    ]
    if given:
        raise InvalidInput(
            f"{given[0]}: {path} is a model directory; this is for an .onnx file by itself"
        )
    return open_bundle(path)


def bundle_of(
    path: str, data: str | None, target: str | None, out: str | None, force: bool
) -> Bundle:
    """Return a model directory around the file `path`, which stays as it is; see `adopt`."""
    from toolkit.exporter.adoption import adopt
    from toolkit.runtime.files import read_bytes
    from toolkit.runtime.predictor import Predictor

    if data is None:
        raise InvalidInput(
            f"{path}: is a graph from elsewhere; give rows that it is for with --data"
        )
    name = Path(path).stem
    model = read_bytes(path)
    X, y = read_rows(data, target, Predictor(model, path).inputs)
    folder = Path(out) if out else Path("models") / name
    return adopt(model, path, X, y, name=name, out=folder, force=force)


def measured_as(
    path: str, data: str | None, target: str | None, out: str | None, force: bool
) -> tuple[Bundle, Any, Any]:
    """Return a model directory around the file, and the rows to measure on, None for its own.

    The directory that is there already is taken with all of its variants where it holds this file.
    """
    from toolkit.bundle import MODEL, open_bundle
    from toolkit.runtime.files import read_bytes, sha256
    from toolkit.runtime.manifest import NAME

    folder = Path(out) if out else Path("models") / Path(path).stem
    if data is not None and (folder / NAME).is_file() and not force:
        bundle = open_bundle(folder)
        held = bundle.manifest["files"].get(MODEL, {}).get("sha256")
        if bundle.is_own_reference and held == sha256(read_bytes(path)):
            return bundle, *read_rows(data, target, inputs_of(bundle))
    return bundle_of(path, data, target, out, force), None, None


def inputs_of(bundle: Bundle) -> list[Input]:
    """Return what a bundle's model takes, as far as reading rows needs it."""
    from toolkit.runtime.schema import Input, words_of

    return [
        Input(i["name"], i["dtype"], None, words=words_of(i.get("words")))
        for i in bundle.manifest["inputs"]
    ]


def read_rows(data: str, target: str | None, inputs: Sequence[Input]) -> tuple[Any, Any]:
    """Return rows and targets (or None) of a file, text where a model takes it.

    An .npz without X may have an array for each input, by its name.
    """
    from toolkit.runtime.files import read_bytes
    from toolkit.runtime.npz import read_npz
    from toolkit.trainer.datasets.files import read_data

    if Path(data).suffix == ".npz" and target in (None, "y"):
        arrays = read_npz(read_bytes(data), data)
        if "X" not in arrays and all(i.name in arrays for i in inputs):
            return {i.name: arrays[i.name] for i in inputs}, arrays.get("y")
    texts = {i.name: i.words for i in inputs if i.dtype == "string"}
    X, y, _ = read_data(Path(data), target, lambda _: texts)
    return X, y
