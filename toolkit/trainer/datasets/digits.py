"""Handwritten digits, 8 by 8 pixels, as scikit-learn bundles them."""

from __future__ import annotations

import numpy as np

from toolkit.trainer.dataset import Dataset


def dataset() -> Dataset:
    """Return X [1797, 64] (pixels from 0 to 16, float64) and y [1797] (the digit, int64)."""
    from sklearn.datasets import load_digits
    from sklearn.model_selection import train_test_split

    bundled = load_digits()
    rows = np.arange(len(bundled.data))
    train, test = train_test_split(rows, test_size=0.25, random_state=42, stratify=bundled.target)
    return Dataset(
        name="digits",
        X=bundled.data,
        y=bundled.target.astype(np.int64),
        feature_names=tuple(bundled.feature_names),
        target_name="digit",
        train=train,
        test=test,
        split="75 % of the rows train and 25 % test, every class in the same share, "
        "by train_test_split(test_size=0.25, random_state=42, stratify=y).",
    )
