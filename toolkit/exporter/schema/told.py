"""What a fitted estimator tells of its columns: text or numbers, and what marks a missing value.

The rows that somebody gives are a sample: none may be missing in them, and a CSV file knows no
types. What was fitted knows better: encoders keep their categories, imputers what they replace.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from toolkit.estimators.frames import KEPT, mark_of
from toolkit.estimators.held import held_by, quietly
from toolkit.exporter.booster_categories import categories_of
from toolkit.exporter.schema.values import NUMBER, TEXT
from toolkit.runtime.fields import NA_TEXTS

PASSES = "FunctionTransformer"  # takes text and numbers alike


@dataclass(frozen=True)
class Told:
    """What is known of a column: "text" or "number", and which marks of missing ones it has met.

    words: which of the words that pandas reads as missing are texts to it; None for all of them.
    """

    kind: str
    marks: frozenset[str] = frozenset()
    words: frozenset[str] | None = frozenset()


def told(estimator: Any, columns: Sequence[str] = ()) -> dict[int, list[Told]]:
    """Return what is known of each column, by its place among those of the fitting.

    One record of each step that gets the column as it is. Nothing of what nothing is known of.
    columns: the data's, for an estimator that does not say what it was fitted on.
    """
    records: dict[int, list[Told]] = {}
    names = names_of(estimator) or (list(columns) or None)
    width = columns_of(estimator) or len(columns) or 1
    for place, record in _found(estimator, range(width), names):
        records.setdefault(place, []).append(record)
    return records


def text_columns(estimator: Any, columns: Sequence[str]) -> dict[str, Collection[str] | None]:
    """Return which columns of a table were text in fitting, whatever their values look like.

    For each the words that pandas reads as missing and are texts all the same (`Told.words`).
    columns: the table's, without its target. By their names where the estimator knows names, else
    by their places.
    """
    if accepts_texts(estimator):
        return dict.fromkeys(columns)
    names = as_spelt(names_of(estimator) or list(columns), columns)
    texts = {
        names[k]: words_of(records)
        for k, records in told(estimator, columns).items()
        if k < len(names) and kind_of(records) == TEXT
    }
    for place, values in categories_of(estimator).items():
        if place < len(names) and any(isinstance(v, str) for v in values):
            texts[names[place]] = NA_TEXTS.intersection(v for v in values if isinstance(v, str))
    return {name: words for name, words in texts.items() if name in columns}


def words_of(records: Sequence[Told]) -> Collection[str] | None:
    """Return the words of all records together; None where one takes all texts as they are."""
    if any(r.words is None for r in records):
        return None
    return frozenset[str]().union(*(r.words or () for r in records))


def kind_of(records: Sequence[Told]) -> str | None:
    """Return whether a column holds text or numbers, None where nothing or both is told."""
    kinds = {r.kind for r in records}
    return next(iter(kinds)) if len(kinds) == 1 else None


def names_of(estimator: Any) -> list[str] | None:
    """Return the names of the columns that it was fitted on, None where it knows none."""
    names = quietly(estimator, "feature_names_in_")
    return None if names is None else [str(n) for n in names]


def as_spelt(names: Sequence[str], columns: Sequence[str]) -> list[str]:
    """Return fitted names as a table spells them: LightGBM keeps the column "a b" as "a_b"."""
    spaced = {c.replace(" ", "_"): c for c in columns if c not in names}
    return [n if n in columns else spaced.get(n, n) for n in names]


def columns_of(estimator: Any) -> int | None:
    """Return how many columns it was fitted on, None where it does not say."""
    width = quietly(estimator, "n_features_in_")
    return int(width) if isinstance(width, int | np.integer) else None


def accepts_texts(estimator: Any) -> bool:
    """Tell whether its rows are single texts, as a vectorizer's are, and no table."""
    from sklearn.utils import get_tags

    if hasattr(estimator, "steps"):
        steps = [s for _, s in estimator.steps if not isinstance(s, str | None)]
        return bool(steps) and accepts_texts(steps[0])
    if hasattr(estimator, "transformer_list"):
        members = [t for _, t in estimator.transformer_list if not isinstance(t, str)]
        return bool(members) and all(map(accepts_texts, members))
    inner = held_by(estimator)
    if inner:
        return accepts_texts(inner[0])
    try:
        tags = get_tags(estimator).input_tags
    except Exception:  # an estimator of another library may have none
        return False
    return bool(tags.string and not tags.two_d_array)


def dropped_by(estimator: Any) -> list[int]:
    """Return the places of the columns that a column transformer at the start drops."""
    inner = held_by(estimator) if not hasattr(estimator, "steps") else []
    if inner:
        return dropped_by(inner[0])
    if hasattr(estimator, "steps"):
        steps = [s for _, s in estimator.steps if s is not None and not isinstance(s, str)]
        return dropped_by(steps[0]) if steps else []
    parts = getattr(estimator, "transformers_", None)
    width, names = columns_of(estimator), names_of(estimator) or []
    if parts is None or width is None:
        return []
    used: set[int] = set()
    for _, part, columns in parts:
        if not (isinstance(part, str) and part == "drop"):
            used.update(places_of(columns, names, width))
    return [k for k in range(width) if k not in used]


def places_of(columns: Any, names: Sequence[str], width: int) -> list[int]:
    """Return the places that scikit-learn's column specification stands for.

    Raises ValueError for names that are none of these, and for a selector that was not fitted.
    """
    if callable(columns):
        raise ValueError("a column selector that was not fitted")
    if isinstance(columns, slice):
        return list(range(width))[_positional(columns, names)]
    many = [columns] if isinstance(columns, str | int | np.integer) else list(columns)
    if many and all(isinstance(c, bool | np.bool_) for c in many):
        return [i for i, taken in enumerate(many) if taken]
    return [list(names).index(c) if isinstance(c, str) else range(width)[int(c)] for c in many]


def _positional(columns: slice, names: Sequence[str]) -> slice:
    start, stop = columns.start, columns.stop
    if isinstance(start, str):
        start = list(names).index(start)
    if isinstance(stop, str):  # a slice of names includes its end
        stop = list(names).index(stop) + 1
    return slice(start, stop, columns.step)


def _found(
    estimator: Any, places: Sequence[int], names: Sequence[str] | None
) -> Iterator[tuple[int, Told]]:
    """Yield (place, record) of an estimator that is given the columns at these places."""
    if estimator is None or isinstance(estimator, str):
        return
    if accepts_texts(estimator):
        yield from ((place, Told(TEXT, frozenset({KEPT}), None)) for place in places)
    elif hasattr(estimator, "steps"):
        yield from _of_steps([s for _, s in estimator.steps], places, names)
    elif hasattr(estimator, "transformers_"):
        own = names_of(estimator) or names or []
        for _, part, columns in estimator.transformers_:
            try:
                chosen = places_of(columns, own, len(places))
            except (ValueError, IndexError, TypeError):
                continue
            yield from _found(part, [places[i] for i in chosen], [own[i] for i in chosen if own])
    elif hasattr(estimator, "transformer_list"):
        for _, part in estimator.transformer_list:
            yield from _found(part, places, names)
    elif inner := held_by(estimator):
        for part in inner:
            yield from _found(part, places, names)
    else:
        yield from _of_leaf(estimator, places)


def _of_steps(
    steps: Sequence[Any], places: Sequence[int], names: Sequence[str] | None
) -> Iterator[tuple[int, Told]]:
    """Yield what the first step tells, and those behind steps that pass their columns on."""
    filled = False
    for step in steps:
        if step is None or isinstance(step, str):
            continue
        for place, record in _found(step, places, names):
            # What comes after an imputer meets nothing missing.
            yield place, replace(record, marks=frozenset()) if filled else record
        passes = type(step).__name__ == PASSES and step.func is None
        samples = hasattr(step, "fit_resample") and not hasattr(step, "transform")
        fills = _fills(step, len(places))
        filled = filled or fills
        if not (passes or samples or fills):
            return


def _fills(step: Any, width: int) -> bool:
    """Tell whether a step is an imputer that gives each column as it gets it, but filled."""
    statistics = quietly(step, "statistics_")
    if statistics is None or len(statistics) != width or getattr(step, "add_indicator", False):
        return False
    return all(mark_of(s) is None for s in np.asarray(statistics, dtype=object).tolist())


def _of_leaf(estimator: Any, places: Sequence[int]) -> Iterator[tuple[int, Told]]:
    """Yield what an estimator that computes something from its columns tells of them."""
    categories = quietly(estimator, "categories_")
    preprocessor = quietly(estimator, "_preprocessor")  # of histogram boosting, for categories
    if preprocessor is not None and hasattr(preprocessor, "transformers_"):
        yield from _found(preprocessor, places, names_of(estimator))
    elif isinstance(categories, list) and len(categories) == len(places):
        for place, known in zip(places, categories, strict=True):
            yield place, _of_categories(known)
    elif hasattr(estimator, "missing_values") and hasattr(estimator, "transform"):
        mark = mark_of(estimator.missing_values)
        for place, kind in zip(places, _imputed(estimator, len(places)), strict=True):
            yield place, Told(kind, frozenset({mark or KEPT}))
    elif columns_of(estimator) == len(places) and type(estimator).__name__ != PASSES:
        yield from ((place, Told(NUMBER)) for place in places)


def _of_categories(known: Any) -> Told:
    values = np.asarray(known, dtype=object).tolist()
    marks = frozenset(m for m in map(mark_of, values) if m)
    texts = any(isinstance(v, str) for v in values)
    if "" in [v for v in values if isinstance(v, str)]:
        marks |= {KEPT}
    words = NA_TEXTS.intersection(v for v in values if isinstance(v, str)) - {""}
    return Told(TEXT if texts else NUMBER, marks, words)


def _imputed(imputer: Any, width: int) -> list[str]:
    """Return for each column of an imputer or missing indicator whether it holds text."""
    statistics = quietly(imputer, "statistics_")
    if statistics is None or len(statistics) != width:
        fitted = np.dtype(getattr(imputer, "_fit_dtype", np.float64))
        return [TEXT if fitted.kind == "O" else NUMBER] * width
    return [TEXT if isinstance(s, str) else NUMBER for s in statistics]
