"""California Housing from the census table embedded in the package: never from the network."""

from __future__ import annotations

import gzip
from importlib.resources import files

import numpy as np

from toolkit.trainer.dataset import Dataset

FEATURES = (
    "MedInc",
    "HouseAge",
    "AveRooms",
    "AveBedrms",
    "Population",
    "AveOccup",
    "Latitude",
    "Longitude",
)
TARGET = "MedHouseVal"


def features_and_target() -> tuple[np.ndarray, np.ndarray]:
    """Return X [20640, 8] and y [20640], float64, as `fetch_california_housing` derives them.

    y is the median house value in units of 100,000 dollars.
    """
    packed = files(__package__).joinpath("cal_housing.csv.gz").read_bytes()
    lines = gzip.decompress(packed).decode("ascii").splitlines()
    table = np.loadtxt(lines, delimiter=",", skiprows=1)
    longitude, latitude, age, rooms, bedrooms, population, households, income, value = table.T
    X = np.column_stack(
        [
            income,
            age,
            rooms / households,
            bedrooms / households,
            population,
            population / households,
            latitude,
            longitude,
        ]
    )
    return X, value / 100000.0


def dataset() -> Dataset:
    """Return all rows, split as the published figures for this data set do."""
    from sklearn.model_selection import train_test_split

    X, y = features_and_target()
    train, test = train_test_split(np.arange(len(X)), test_size=0.2, random_state=42)
    return Dataset(
        name="california-housing",
        X=X,
        y=y,
        feature_names=FEATURES,
        target_name=TARGET,
        train=train,
        test=test,
        split="80 % of the rows train and 20 % test, "
        "by train_test_split(test_size=0.2, random_state=42).",
    )
