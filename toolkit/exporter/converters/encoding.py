"""Encoders of categories and labels: a lookup of the category, then what stands for it."""

from __future__ import annotations

from typing import Any

import numpy as np

from toolkit.estimators.frames import NA, NAN, mark_of
from toolkit.exporter.conversion import Conversion
from toolkit.exporter.formulas.lookup import (
    category_index,
    columns_of,
    float_type,
    group_index,
    look_up,
    text_categories,
)
from toolkit.exporter.origins import FEWEST, Block, Coded
from toolkit.exporter.values import NOTHING, Matrix, Outputs, Unconvertible, Value
from toolkit.onnx_graph.domains import ML

Groups = tuple[np.ndarray, int, int]


def one_hot(est: Any, x: Value, g: Conversion) -> Outputs:
    """OneHotEncoder: a block of 0/1 columns for each input column.

    A category that was not seen in fitting gives zeros, as with handle_unknown="ignore", or counts
    as infrequent where the encoder says so; a missing text is the empty string in the graph.
    """
    if est.handle_unknown == "error":
        g.traps.append("an unknown category gives zeros where scikit-learn would raise an error")
    columns = _fitted_columns(est, x, g)
    drops = [None] * len(columns) if est.drop_idx_ is None else list(est.drop_idx_)
    plain = not any(_infrequent(est, i).any() for i in range(len(columns)))
    if plain and est.drop_idx_ is None and all(c.dtype == "string" for c in columns):
        hot = _all_hot(g, columns, est.categories_)
        if hot.width >= FEWEST:
            codes = (
                _coded(g, column, known, np.arange(len(known)), len(known), -1)
                for column, known in zip(columns, est.categories_, strict=True)
            )
            hot = g.known(hot, Coded(tuple(codes)))
        return {"transform": g.cast(hot, float_type(x))}
    blocks = []
    for i, (column, drop) in enumerate(zip(columns, drops, strict=True)):
        groups, count, unknown = _groups(est, i)
        if drop is not None:
            # The group that holds the dropped category goes; those behind it move up.
            gone = groups[drop]
            groups = np.where(groups == gone, -1, groups - (groups > gone))
            unknown = -1 if unknown == gone else unknown - (unknown > gone)
            count -= 1
        if count:
            blocks.append(_block(g, column, est.categories_[i], groups, count, unknown))
    if not blocks:
        return {"transform": NOTHING}
    hot = g.join(blocks)
    return {"transform": g.cast(hot, float_type(x))}


def _fitted_columns(est: Any, x: Value, g: Conversion) -> list[Matrix]:
    columns = columns_of(g, x)
    if len(columns) != len(est.categories_):
        raise Unconvertible(f"{len(columns)} columns where {len(est.categories_)} were fitted")
    return columns


def _groups(est: Any, i: int) -> Groups:
    """Return each category's group, the number of groups, and an unknown category's group or −1.

    Every frequent category is a group of its own, in order; the infrequent ones are one, the last.
    """
    categories = est.categories_[i]
    rare = _infrequent(est, i)
    groups = np.cumsum(~rare) - 1
    if not rare.any():
        return groups, len(categories), -1
    count = int((~rare).sum()) + 1
    groups = np.where(rare, count - 1, groups)
    grouped = est.handle_unknown in ("infrequent_if_exist", "warn")
    return groups, count, count - 1 if grouped else -1


def _infrequent(est: Any, i: int) -> np.ndarray:
    categories = est.categories_[i]
    enabled = getattr(est, "min_frequency", None) or getattr(est, "max_categories", None)
    infrequent = est.infrequent_categories_[i] if enabled else None
    if infrequent is None:
        return np.zeros(len(categories), dtype=bool)
    rare = {_key(c) for c in infrequent.tolist()}
    return np.array([_key(c) in rare for c in categories.tolist()])


def _key(category: Any) -> Any:
    """Return what a category is found by: NaN equals nothing, itself included."""
    return NAN if category != category else category


def _block(
    g: Conversion,
    column: Matrix,
    categories: np.ndarray,
    groups: np.ndarray,
    count: int,
    unknown: int,
) -> Matrix:
    """Return 0/1 columns [N, count]; group −1 is a row of zeros."""
    if len(categories) >= FEWEST:
        coded = _coded(g, column, categories, groups, count, unknown)
        upright = coded.index.name
    else:
        index = category_index(g, column, categories)
        if not np.array_equal(groups, np.arange(count)) or unknown != -1:
            table = g.constant(np.append(groups, unknown), "int64", "groups")
            index = Matrix(g.add("Gather", [table, index.name], "group", axis=0), "int64", 0)
        shape = g.constant([-1, 1], "int64", "upright")
        upright = g.add("Reshape", [index.name, shape], "group")
    places = g.constant(np.arange(count).reshape(1, -1), "int64", "places")
    equal = g.add("Equal", [upright, places], "equal")
    hot = g.cast(Matrix(equal, "bool", count), "float32")
    if count >= FEWEST:
        hot = g.known(hot, Coded((coded,)))
    return hot


def _coded(
    g: Conversion,
    column: Matrix,
    categories: np.ndarray,
    groups: np.ndarray,
    count: int,
    unknown: int,
) -> Block:
    """Return the code of 0/1 columns [N, count]; group −1 is a row of zeros."""
    groups = np.where(groups < 0, count, groups)
    index = group_index(g, column, categories, groups, count if unknown < 0 else unknown)
    return Block.one_hot(index, count)


def _all_hot(g: Conversion, columns: list[Matrix], categories: list[np.ndarray]) -> Matrix:
    """Return the 0/1 columns of columns of text side by side: an operator each, one reshape."""
    blocks = [
        g.add(
            "OneHotEncoder",
            [column.name],
            "hot",
            domain=ML,
            cats_strings=text_categories(known),
            zeros=1,  # for text that is none of them
        )
        for column, known in zip(columns, categories, strict=True)
    ]
    width = sum(len(known) for known in categories)
    block = blocks[0] if len(blocks) == 1 else g.add("Concat", blocks, "block", axis=2)
    shape = g.constant([-1, width], "int64", "flat")
    return Matrix(g.add("Reshape", [block, shape], "joined"), "float32", width)


def ordinal(est: Any, x: Value, g: Conversion) -> Outputs:
    """OrdinalEncoder: the category's group; missing and unknown ones have values of their own.

    Where an unknown category is an error in scikit-learn, the graph gives NaN.
    """
    if est.handle_unknown == "error":
        g.traps.append("an unknown category gives NaN where scikit-learn would raise an error")
    unknown = np.nan if est.handle_unknown == "error" else est.unknown_value
    parts = []
    for i, column in enumerate(_fitted_columns(est, x, g)):
        categories = est.categories_[i]
        marks = [mark_of(c) for c in categories.tolist()]
        gaps = np.array([m in (NAN, NA) for m in marks])  # None is a category like any
        rare = _infrequent(est, i)
        codes = np.where(rare, (~rare & ~gaps).sum(), np.cumsum(~rare) - 1)
        codes = np.where(gaps, est.encoded_missing_value, codes)
        parts.append(look_up(g, column, categories, codes, unknown))
    return {"transform": g.cast(g.join(parts), float_type(x))}


def target(est: Any, x: Value, g: Conversion) -> Outputs:
    """TargetEncoder: the target's shrunken mean in each category, a column for each class."""
    multiclass = est.target_type_ == "multiclass"
    each = len(est.classes_) if multiclass else 1
    mean = np.reshape(est.target_mean_, -1)
    parts = []
    for i, column in enumerate(_fitted_columns(est, x, g)):
        values = np.column_stack(est.encodings_[i * each : (i + 1) * each])
        parts.append(look_up(g, column, est.categories_[i], values, mean))
    return {"transform": g.cast(g.join(parts), float_type(x))}


def label(est: Any, x: Value, g: Conversion) -> Outputs:
    """LabelEncoder: the place among the classes; −1 where scikit-learn would raise an error."""
    codes = look_up(g, _labels(x, g), np.asarray(est.classes_), np.arange(len(est.classes_)), -1)
    g.traps.append("an unknown label gives −1 where scikit-learn would raise an error")
    return {"transform": g.cast(codes, "int64")}


def label_binarizer(est: Any, x: Value, g: Conversion) -> Outputs:
    """LabelBinarizer: pos_label in the class's column, one column for two classes."""
    classes = np.asarray(est.classes_)
    if est.y_type_.startswith("multilabel"):
        raise Unconvertible("labels that are an indicator matrix already")
    values = np.full((len(classes), len(classes)), float(est.neg_label))
    if len(classes) > 1:
        np.fill_diagonal(values, est.pos_label)
    values = values[:, 1:] if len(classes) == 2 else values
    encoded = look_up(g, _labels(x, g), classes, values, float(est.neg_label))
    return {"transform": g.cast(encoded, "float32")}


def multi_label(est: Any, x: Value, g: Conversion) -> Outputs:
    """MultiLabelBinarizer on rows of equally many labels [N, k]: 1 where any of them is the class.

    Sets of unlike size have no tensor; "" may fill up a row of texts.
    """
    classes = np.asarray(est.classes_)
    hot = [_hot(g, column, classes) for column in columns_of(g, x)]
    total = hot[0]
    for other in hot[1:]:
        total = Matrix(g.add("Max", [total.name, other.name], "any"), "float32", len(classes))
    return {"transform": total}


def _hot(g: Conversion, column: Matrix, classes: np.ndarray) -> Matrix:
    return _block(g, column, classes, np.arange(len(classes)), len(classes), -1)


def _labels(x: Value, g: Conversion) -> Matrix:
    columns = columns_of(g, x)
    if len(columns) != 1:
        raise Unconvertible(f"labels in {len(columns)} columns")
    return columns[0]


def _dictionaries(est: Any, x: Value, g: Conversion) -> Outputs:
    raise Unconvertible(
        "rows that are dictionaries (a graph takes tensors; use a data frame and OneHotEncoder), "
        "so it"
    )


CONVERTERS = {
    "sklearn.DictVectorizer": _dictionaries,
    "sklearn.LabelBinarizer": label_binarizer,
    "sklearn.LabelEncoder": label,
    "sklearn.MultiLabelBinarizer": multi_label,
    "sklearn.OneHotEncoder": one_hot,
    "sklearn.OrdinalEncoder": ordinal,
    "sklearn.TargetEncoder": target,
}
