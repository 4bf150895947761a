"""The models that are held under load."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

WORDS = ("Ulm", "Bonn", "Kiel", "elsewhere", "")


@dataclass(frozen=True)
class Kind:
    """An artifact's path, and as what its rows are given: "array", "dict" or "frame"."""

    name: str
    path: str
    form: str


def kinds_of(linear: Path, forest: Path, table: Path) -> list[Kind]:
    """Return what is called, of three model directories: each kind of artifact, and of rows."""
    return [
        Kind("onnx", str(linear / "model.onnx"), "array"),
        Kind("pack", str(forest / "model.uint8-pack.pack"), "array"),
        Kind("texts by dict", str(table / "model.onnx"), "dict"),
        Kind("frame", str(table / "model.uint8-pack.pack"), "frame"),
    ]


def make(folder: Path) -> None:
    """Export and quantize what is called: numbers, trees, and a table with texts."""
    import pandas as pd
    from sklearn.compose import make_column_transformer
    from sklearn.ensemble import RandomForestRegressor
    from sklearn.linear_model import LogisticRegression, Ridge
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, StandardScaler

    from toolkit.exporter import export
    from toolkit.quantizer import quantize

    chance = np.random.default_rng(1)
    X = chance.normal(size=(200, 8))
    y = X @ np.arange(1.0, 9.0)
    city = pd.Series(chance.choice(WORDS[:3], 200), dtype=object)
    city[::23] = None
    table = pd.DataFrame({"city": city, "size": X[:, 0], "rooms": X[:, 1]})
    columns = make_column_transformer(
        (OneHotEncoder(handle_unknown="ignore"), ["city"]), (StandardScaler(), ["size", "rooms"])
    )
    for name, model, rows, target in (
        ("linear", Ridge(), X, y),
        ("forest", RandomForestRegressor(20, max_depth=6, random_state=0), X, y),
        (
            "table",
            make_pipeline(columns, LogisticRegression()),
            table,
            np.where(y > 0, "up", "down"),
        ),
    ):
        bundle = export(model.fit(rows, target), rows, target, name=name, out=folder / name)
        quantize(bundle, ["uint8-pack"])
