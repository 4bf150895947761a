"""Estimators from files are checked before scikit-learn computes with them.

scikit-learn's compiled code follows the indices of a fitted estimator without looking: a tree's
children, a column's number, a sparse matrix' columns. Those of a file may be anything. `files`
looks into a skops file before anything of it is made, `check_restored` into what was made of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any

import numpy as np

from toolkit.estimators.restored import columns, neighbours, sparse, trees, widths
from toolkit.estimators.restored.refusal import Damaged

# By the names of classes, so that nothing is imported for a check: what is tried on an object.
COMPILED: dict[str, Callable[[Any, int | None], None]] = {
    "sklearn.tree._tree.Tree": trees.check_tree,
    "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor": trees.check_predictor,
    "sklearn.neighbors._kd_tree.KDTree": neighbours.check_tree,
    "sklearn.neighbors._kd_tree.KDTree32": neighbours.check_tree,
    "sklearn.neighbors._ball_tree.BallTree": neighbours.check_tree,
    "sklearn.neighbors._ball_tree.BallTree32": neighbours.check_tree,
    "scipy.interpolate._bsplines.BSpline": widths.check_spline,
    "numpy.random.mtrand.RandomState": widths.check_random,
    "numpy.random._generator.Generator": widths.check_random,
}
# The attributes of an object -> what is tried on it.
BY_ATTRIBUTES: dict[tuple[str, ...], Callable[[Any, int | None], None]] = {
    ("vocabulary_",): columns.check_words,
    ("ngram_range", "analyzer"): columns.check_grams,
    ("n_bins_", "bin_edges_"): columns.check_bins,
    ("categories_", "_n_features_outs"): columns.check_categories,
    ("cluster_centers_", "n_features_in_"): widths.check_centers,
    ("labels_", "n_clusters_"): widths.check_labels,
    ("_n_threads",): widths.check_threads,
    ("support_vectors_", "support_", "_dual_coef_"): widths.check_support,
    ("_fit_X", "n_samples_fit_"): neighbours.check_model,
    ("_fit_X", "_y", "classes_"): widths.check_classes_of_neighbours,
    ("estimators_", "n_features_in_"): widths.check_stages,
    ("_predictors", "_bin_mapper"): widths.check_categories,
}


def check_restored(estimator: Any) -> None:
    """Raise Damaged where a restored estimator would lead compiled code out of its arrays.

    Everything that can be reached from it is looked at once: attributes, containers, arrays of
    objects.
    """
    seen: set[int] = set()
    waiting: list[tuple[Any, int | None]] = [(estimator, None)]
    while waiting:
        value, width = waiting.pop()
        if isinstance(value, str | bytes | int | float | type(None)) or id(value) in seen:
            continue
        seen.add(id(value))
        width = _checked(value, width)
        waiting.extend((inner, width) for inner in _parts(value))


def _checked(value: Any, width: int | None) -> int | None:
    """Check one object; return how many columns what it holds is given, None where unknown."""
    kind = type(value)
    own = getattr(value, "__dict__", {})
    if isinstance(own, Mapping) and isinstance(own.get("n_features_in_"), int | np.integer):
        width = int(own["n_features_in_"])
    name = f"{kind.__module__}.{kind.__qualname__}"
    try:
        for check in [*filter(None, [COMPILED.get(name)]), *_by_form(value, own)]:
            check(value, width)
    except Damaged as error:
        raise Damaged(f"its {kind.__name__} {error}") from None
    except (TypeError, ValueError, AttributeError, IndexError, KeyError, OverflowError) as error:
        raise Damaged(f"its {kind.__name__} is damaged ({error})") from error
    return width


def _by_form(value: Any, own: Mapping[str, Any]) -> Iterator[Callable[[Any, int | None], None]]:
    if hasattr(value, "tocsr") and hasattr(value, "nnz"):
        yield sparse.check_sparse
    for attributes, check in BY_ATTRIBUTES.items():
        if own.keys() >= set(attributes):
            yield check


def _parts(value: Any) -> Iterator[Any]:
    if isinstance(value, Mapping):
        yield from value.keys()
        yield from value.values()
    elif isinstance(value, list | tuple | set | frozenset):
        yield from value
    elif isinstance(value, np.ndarray):
        if value.dtype.hasobject:
            yield from value.ravel().tolist()
    elif isinstance(value, partial):
        yield from (value.func, value.args, value.keywords)
    if isinstance(getattr(value, "__dict__", None), dict) and not isinstance(value, type):
        yield from value.__dict__.values()
