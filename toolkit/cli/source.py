"""What `toolkit export` is given: a recipe to train, or a fitted estimator's file and its data."""

from __future__ import annotations

import importlib
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from toolkit.bundle import ESTIMATOR, open_bundle
from toolkit.errors import InvalidInput, first_line
from toolkit.runtime.files import read_bytes
from toolkit.runtime.manifest import NAME

SAFE, PICKLES = (".skops",), (".joblib", ".pkl", ".pickle")
# Boosters' own files: data, which runs nothing when it is read.
BOOSTERS = {".txt": "lightgbm", ".ubj": "xgboost", ".json": "xgboost", ".cbm": "catboost"}
KNOWN = (*SAFE, *PICKLES, *BOOSTERS)


@dataclass(frozen=True)
class Source:
    """A fitted estimator, its rows (X, y) and, where they are known apart, held-out rows.

    Its fields are arguments of `toolkit.export`.
    """

    name: str
    estimator: Any
    X: Any
    y: Any
    X_test: Any = None
    y_test: Any = None
    all_rows: dict[str, float] | None = None
    feature_names: tuple[str, ...] | None = None


def default_name(source: str) -> str:
    """Return the model's name where none is given: the recipe's, or the file's without suffix."""
    return Path(source).stem if Path(source).suffix in KNOWN else source


def read_source(
    source: str,
    *,
    data: str | None,
    target: str | None,
    name: str,
    allow_pickle: bool,
    trusted: Collection[str] = (),
) -> Source:
    """Train a recipe, or load an estimator's file with its data.

    Raises InvalidInput where there is no such recipe or file, the data is missing or does not fit,
    or a pickle is not allowed.
    """
    suffix = Path(source).suffix
    if suffix in KNOWN:
        return _from_file(Path(source), data, target, name, allow_pickle, trusted)
    if Path(source).is_file():
        raise InvalidInput(
            f"{source}: is neither a recipe nor an estimator's file ({', '.join(KNOWN)})"
        )
    if data or target:
        raise InvalidInput(
            f"--data and --target go with an estimator's file; the recipe {source!r} has its own "
            "data"
        )
    return _from_recipe(source, name)


def _from_recipe(recipe: str, name: str) -> Source:
    from toolkit.trainer import load_recipe, train

    load_recipe(recipe)  # an unknown name is an error before scikit-learn is imported
    trained = train(recipe)
    rows = trained.dataset
    return Source(
        name,
        trained.estimator,
        rows.X_train,
        rows.y_train,
        rows.X_test,
        rows.y_test,
        trained.all_rows,
        rows.feature_names if isinstance(rows.X, np.ndarray) else None,
    )


def estimator_of(source: str, *, allow_pickle: bool, trusted: Collection[str] = ()) -> Any:
    """Load an estimator's file; errors as of `read_source`."""
    path = Path(source)
    _check_file(path, allow_pickle)
    return _loaded(path, read_bytes(path), trusted)


def _from_file(
    path: Path,
    data: str | None,
    target: str | None,
    name: str,
    allow_pickle: bool,
    trusted: Collection[str],
) -> Source:
    _check_file(path, allow_pickle)
    content = read_bytes(path)
    if not data:
        raise InvalidInput(
            f"{path}: --data is missing; give rows as .npz (X, y), .csv or .parquet with --target"
        )
    from toolkit.exporter.schema import text_columns
    from toolkit.trainer.datasets.files import read_data

    estimator = _loaded(path, content, trusted)
    X, y, _ = read_data(Path(data), target, lambda columns: text_columns(estimator, columns))
    return Source(name, estimator, X, y)


def _check_file(path: Path, allow_pickle: bool) -> None:
    """Raise InvalidInput for a pickle that is not allowed, and a copy that a bundle has not."""
    if path.suffix in PICKLES and not allow_pickle:
        raise InvalidInput(
            f"{path}: loading a {path.suffix} file runs whatever code is in it; save the estimator "
            "with skops.io.dump as .skops, or give --allow-pickle if you trust the file"
        )
    if path.name == ESTIMATOR and not path.exists() and (path.parent / NAME).is_file():
        why = open_bundle(path.parent).without_estimator
        raise InvalidInput(f"{path}: is not in the bundle ({why}); give the estimator's own file")


def _loaded(path: Path, content: bytes, trusted: Collection[str]) -> Any:
    if path.suffix in BOOSTERS:
        return _booster(path)
    return _unpickled(path) if path.suffix in PICKLES else _unskopsed(content, path, trusted)


def _booster(path: Path) -> Any:
    """Load a booster's own file with its library."""
    library = BOOSTERS[path.suffix]
    try:
        module = importlib.import_module(library)
    except ImportError:
        raise InvalidInput(f"{path}: reading it needs {library}; pip install {library}") from None
    try:
        if library == "lightgbm":
            return module.Booster(model_file=str(path))
        if library == "xgboost":
            return module.Booster(model_file=str(path))
        return module.CatBoost().load_model(str(path))
    except Exception as error:  # each library has its own kind of error
        raise InvalidInput(
            f"{path}: is no model file of {library} ({first_line(error)}); save it again"
        ) from error


def _unskopsed(content: bytes, path: Path, trusted: Collection[str]) -> Any:
    from toolkit.estimators.skops_file import load_estimator

    return load_estimator(content, str(path), trusted)


def _unpickled(path: Path) -> Any:
    """Load a pickle that the user allowed."""
    import joblib

    try:
        return joblib.load(path)
    except Exception as error:  # whatever the code in the file raises
        own = isinstance(error, AttributeError) and "__main__" in str(error)
        remedy = (
            "it holds a function or class of the script that saved it: move that to a module which "
            "can be imported, or save a search's best_estimator_"
            if own
            else "install what it was made with, or save it again"
        )
        raise InvalidInput(
            f"{path}: cannot be loaded ({type(error).__name__}: {first_line(error)}); {remedy}"
        ) from error
