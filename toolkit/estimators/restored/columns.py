"""Fitted words and categories that become columns of a sparse matrix: columns that there are.

scikit-learn makes such a matrix of a word's number and of a category's, and scipy's compiled code
writes to that column without looking.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from toolkit.estimators.restored.refusal import require, within

MOST_GRAMS = 64  # words or letters of an n-gram: more than any model of texts has use for


def check_words(model: Any, _width: int | None) -> None:
    """Check a vocabulary: as many columns as words, and each word's is one of them."""
    words = model.vocabulary_
    require(isinstance(words, dict), "has no table of words")
    whole = all(isinstance(n, int | np.integer) for n in words.values())
    require(whole, "has words whose numbers are none")
    if words:
        within(np.array([int(n) for n in words.values()]), 0, len(words), "gives a word the column")


def check_grams(model: Any, _width: int | None) -> None:
    """Check how long n-grams may be: a text of n words or letters has about n² of all lengths."""
    lengths = model.ngram_range
    whole = all(isinstance(n, int | np.integer) for n in lengths)
    require(len(lengths) == 2 and whole, "has n-grams of no length")
    within(np.array([int(n) for n in lengths]), 1, MOST_GRAMS + 1, "has n-grams of the length")


def check_bins(model: Any, width: int | None) -> None:
    """Check binning: each column has as many bins as it has edges but one."""
    bins, edges = np.asarray(model.n_bins_), model.bin_edges_
    require(bins.shape == (width,) and len(edges) == width, "bins other columns than it takes")
    counted = np.array([max(1, len(e) - 1) for e in edges])
    require(np.array_equal(bins, counted), "has other bins than edges")


def check_categories(model: Any, width: int | None) -> None:
    """Check one-hot encoding: each column gets as many columns as it has categories left."""
    outputs = model._n_features_outs
    require(isinstance(outputs, list), "counts no columns")
    count = len(model.categories_)
    require(width in (None, count), f"has categories of {count} columns, takes {width}")
    require(len(outputs) == count, f"counts the outputs of {len(outputs)} columns of {count}")
    dropped = model._drop_idx_after_grouping
    dropped = [None] * count if dropped is None else list(dropped)
    require(len(dropped) == count, f"drops categories of {len(dropped)} columns of {count}")
    groups, rare = [None] * count, [None] * count
    if model._infrequent_enabled:
        groups, rare = model._default_to_infrequent_mappings, model._infrequent_indices
    require(len(groups) == len(rare) == count, f"groups categories of other columns than {count}")
    for k, told in enumerate(outputs):
        left = _grouped(np.shape(model.categories_[k]), groups[k], rare[k])
        if dropped[k] is not None:
            _require_numbers(np.asarray(dropped[k]), left, "drops the category number")
            left -= 1
        require(told == left, f"makes {told} columns of {left} categories")


def _grouped(shape: tuple[int, ...], group: Any, rare: Any) -> int:
    """Return how many categories there are once the rare ones are one.

    group: a category's number -> its number then; rare: the numbers of the rare ones, the first of
    which stands for unknown values too. Both None where none is rare.
    """
    require(len(shape) == 1, f"has categories of the shape {shape}")
    require((group is None) == (rare is None), "has rare categories in no group")
    if group is None:
        return shape[0]
    require(np.shape(group) == shape, "groups other categories than it has")
    _require_numbers(group, shape[0], "puts a category into the group")
    _require_numbers(rare, shape[0], "has the rare category number")
    return int(group.max()) + 1 if group.size else 0


def _require_numbers(values: np.ndarray, most: int, problem: str) -> None:
    require(values.dtype.kind in "iu", "numbers categories with what are no numbers")
    within(values, 0, most, problem)
