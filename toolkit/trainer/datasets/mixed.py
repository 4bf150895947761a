"""A synthetic table of dwellings: numbers and string categories, some missing, three classes."""

from __future__ import annotations

from typing import Any

import numpy as np

from toolkit.trainer.dataset import Dataset

ROWS = 3000
NUMERIC = ("area_m2", "rent", "insulation", "winter_temperature", "storeys")
CATEGORICAL = ("city", "heating", "orientation")
TARGET = "consumption"

# How much each category adds to the consumption; the names have letters outside ASCII on purpose.
_CITIES = {"Zürich": 0.3, "København": 0.7, "Łódź": 0.9, "São Paulo": -1.4, "東京": -0.2}
_HEATINGS = {"gas": 0.8, "Fernwärme": 0.1, "électrique": -0.6, "wood": 1.1}
_ORIENTATIONS = {"north": 0.5, "east": 0.0, "south": -0.5, "west": 0.1}
_CLASSES = ("low", "medium", "high")


def table() -> tuple[Any, np.ndarray]:
    """Return a DataFrame of 3000 rows and the class of each, the same ones every time.

    `storeys` is int64, the other numbers are float64 with two decimals; `area_m2`, `insulation` and
    `winter_temperature` miss values (NaN). The categories are strings; `heating` and `orientation`
    miss values (None). The target is "low", "medium" or "high", a third of the rows each.
    """
    rng = np.random.default_rng(20240229)
    area = np.round(rng.gamma(6.0, 14.0, ROWS) + 18, 2)
    rent = np.round(area * rng.uniform(9, 24, ROWS), 2)
    insulation = np.round(rng.beta(2.0, 3.0, ROWS) * 10, 2)
    temperature = np.round(rng.normal(2.5, 5.0, ROWS), 2)
    storeys = rng.integers(1, 7, ROWS)
    city, city_effect = _draw(rng, _CITIES)
    heating, heating_effect = _draw(rng, _HEATINGS)
    orientation, orientation_effect = _draw(rng, _ORIENTATIONS)

    consumption = (
        0.035 * (area - 100)
        - 0.45 * (insulation - 4)
        - 0.12 * temperature
        - 0.15 * storeys
        + city_effect
        + heating_effect
        + orientation_effect
        + rng.normal(0.0, 0.6, ROWS)
    )
    thirds = np.searchsorted(np.quantile(consumption, [1 / 3, 2 / 3]), consumption)

    import pandas as pd

    # dtype=object: pandas 3 would otherwise turn strings into its own type, and None into NaN.
    frame = pd.DataFrame(
        {
            "area_m2": _without(rng, area, 0.06),
            "rent": rent,
            "insulation": _without(rng, insulation, 0.10),
            "winter_temperature": _without(rng, temperature, 0.04),
            "storeys": storeys,
            "city": pd.Series(city, dtype=object),
            "heating": pd.Series(_without(rng, heating, 0.05), dtype=object),
            "orientation": pd.Series(_without(rng, orientation, 0.08), dtype=object),
        }
    )
    return frame, np.array(_CLASSES)[thirds]


def dataset() -> Dataset:
    """Return the table with its stratified split."""
    from sklearn.model_selection import train_test_split

    frame, y = table()
    train, test = train_test_split(np.arange(ROWS), test_size=0.25, random_state=42, stratify=y)
    return Dataset(
        name="mixed",
        X=frame,
        y=y,
        feature_names=tuple(frame.columns),
        target_name=TARGET,
        train=train,
        test=test,
        split="75 % of the rows train and 25 % test, every class in the same share, "
        "by train_test_split(test_size=0.25, random_state=42, stratify=y).",
    )


def _draw(rng: np.random.Generator, effects: dict[str, float]) -> tuple[np.ndarray, np.ndarray]:
    """Draw one category a row; return the names (object) and what each adds (float64)."""
    chosen = rng.integers(0, len(effects), ROWS)
    return np.array(list(effects), dtype=object)[chosen], np.array(list(effects.values()))[chosen]


def _without(rng: np.random.Generator, values: np.ndarray, share: float) -> np.ndarray:
    """Return a copy with about `share` of the values missing: NaN in numbers, None in strings."""
    with_gaps = values.copy()
    with_gaps[rng.random(len(values)) < share] = np.nan if values.dtype.kind == "f" else None
    return with_gaps
