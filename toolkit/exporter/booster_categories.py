"""pandas' categories that LightGBM and XGBoost were fitted on, and their codes in a graph.

Both keep the categories of each such column, and split on the number of a value among them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from toolkit.estimators.held import held_by
from toolkit.exporter.conversion import Conversion
from toolkit.exporter.formulas.lookup import category_codes, columns_of
from toolkit.exporter.raw_boosters import OfBooster
from toolkit.exporter.values import Value

Categories = Mapping[int, Sequence[Any]]  # by the column's place


def categories_of(estimator: Any, categorical: Sequence[int] = ()) -> Categories:
    """Return the categories of the columns of a booster, or of one inside a search and the like.

    Nothing for any other estimator, and where a step before the booster takes the rows.
    categorical: the places of the columns that are categories in a data frame like that of the
    fitting, where one is at hand: LightGBM itself does not keep those of ordered ones.
    """
    inner = [estimator.booster] if isinstance(estimator, OfBooster) else held_by(estimator)
    if inner:
        return categories_of(inner[0], categorical)
    if hasattr(estimator, "steps"):
        steps = [s for _, s in estimator.steps if s is not None and not isinstance(s, str)]
        return categories_of(steps[0], categorical) if steps else {}
    library = type(estimator).__module__.partition(".")[0]
    if library == "lightgbm":
        booster = getattr(estimator, "_Booster", estimator)  # None before it is fitted
        return {} if booster is None else of_lightgbm(booster, categorical)
    return of_xgboost(estimator) if library == "xgboost" else {}


def of_lightgbm(booster: Any, categorical: Sequence[int] = ()) -> Categories:
    """Return the categories that a lightgbm.Booster keeps; nothing where their places are unknown.

    Its text says which features it splits by categories: their range is a list (`-1:0:1`), not an
    interval. categorical: see `categories_of`.
    """
    lists = booster.pandas_categorical or []
    if not lists:
        return {}
    head = booster.model_to_string(num_iteration=1).partition("\nTree=")[0]
    infos = next(i for i in head.splitlines() if i.startswith("feature_infos="))
    ranges = infos.partition("=")[2].split(" ")
    split = [k for k, r in enumerate(ranges) if not r.startswith("[") and r != "none"]
    places = next((p for p in (list(categorical), split) if len(p) == len(lists)), None)
    return {} if places is None else dict(zip(places, lists, strict=True))


def of_xgboost(estimator: Any) -> Categories:
    """Return the categories that an XGBoost booster keeps (since version 3.1)."""
    if not hasattr(estimator, "get_booster"):
        booster = estimator
    elif getattr(estimator, "_Booster", estimator) is None:  # not fitted
        return {}
    else:
        booster = estimator.get_booster()
    if not hasattr(booster, "get_categories") or "c" not in (booster.feature_types or []):
        return {}
    categories = booster.get_categories(export_to_arrow=True).to_arrow()
    return {k: v.to_pylist() for k, (_, v) in enumerate(categories) if v is not None}


def coded(g: Conversion, x: Value, categories: Categories, missing: float = np.nan) -> Value:
    """Return x as a matrix of numbers, with the number of its category for each such value.

    missing: for a value that is none of them.
    """
    if not categories:
        return x
    columns = [
        category_codes(g, column, np.array(list(categories[k]), dtype=object), missing)
        if k in categories
        else g.floating(column)
        for k, column in enumerate(columns_of(g, x))
    ]
    wide = any(c.dtype == "float64" for c in columns)
    g.traps.append(
        "pandas' categories: by the numbers that the booster gave them; any other counts as missing"
    )
    return g.join([g.cast(c, "float64" if wide else "float32") for c in columns])
