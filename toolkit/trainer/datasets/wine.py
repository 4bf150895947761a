"""Wine cultivars by chemical analysis, as scikit-learn bundles them."""

from __future__ import annotations

import numpy as np

from toolkit.trainer.dataset import Dataset


def dataset() -> Dataset:
    """Return X [178, 13] (float64) and y [178] (the cultivar 0, 1 or 2, int64)."""
    from sklearn.datasets import load_wine
    from sklearn.model_selection import train_test_split

    bundled = load_wine()
    rows = np.arange(len(bundled.data))
    train, test = train_test_split(rows, test_size=0.25, random_state=42, stratify=bundled.target)
    return Dataset(
        name="wine",
        X=bundled.data,
        y=bundled.target.astype(np.int64),
        feature_names=tuple(bundled.feature_names),
        target_name="cultivar",
        train=train,
        test=test,
        split="75 % of the rows train and 25 % test, every class in the same share, "
        "by train_test_split(test_size=0.25, random_state=42, stratify=y).",
    )
