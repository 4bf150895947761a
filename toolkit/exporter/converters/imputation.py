"""Imputers: a mask of what is missing, a Where, and the mask beside it where asked for."""

from __future__ import annotations

from typing import Any, cast

import numpy as np

from toolkit.estimators.frames import NA, NAN, NONE, mark_of
from toolkit.exporter.conversion import Conversion
from toolkit.exporter.formulas.lookup import float_type
from toolkit.exporter.values import NOTHING, Matrix, Outputs, Table, Unconvertible, Value
from toolkit.onnx_graph.domains import ML

# Marks of missing text that scikit-learn takes for the one on the left: pandas' NA stands for all.
ALIKE: dict[str | None, tuple[str, ...]] = {NA: (NA, NAN, NONE), NAN: (NAN,), NONE: (NONE,)}


def simple_imputer(est: Any, x: Value, g: Conversion) -> Outputs:
    """Missing values become the column's statistic; columns that never had a value go."""
    statistics = np.asarray(est.statistics_)
    known = np.ones(len(statistics), dtype=bool)
    if not est.keep_empty_features:
        known = np.array([s is not None and s == s for s in statistics.tolist()])
    if not known.any():
        if est.add_indicator:
            raise Unconvertible("add_indicator=True without a column with any value, so it")
        return {"transform": NOTHING}
    if isinstance(x, Table) and len({(m.dtype == "string", m.blank) for _, m in x.columns}) > 1:
        return {"transform": cast(Matrix, _each(est, x, statistics, known, g))}
    x = _values(x, g)
    if _is_plain(est, x, known):
        filled = g.add(
            "Imputer",
            [x.name],
            "imputed",
            domain=ML,
            imputed_value_floats=statistics.astype(np.float32).tolist(),
            replaced_value_float=float("nan"),
        )
        return {"transform": Matrix(filled, "float32", x.width)}
    mask = missing(est.missing_values, x, g)
    columns = np.flatnonzero(known).tolist()
    if not known.all():
        g.traps.append("columns without any value are dropped")
    some, holes = g.select(x, columns), g.select(mask, columns)
    assert isinstance(some, Matrix)
    assert isinstance(holes, Matrix)
    return {"transform": indicated(est, _filled(some, holes, statistics[columns], g), mask, g)}


def _filled(x: Matrix, holes: Matrix, filling: np.ndarray, g: Conversion) -> Matrix:
    """Return x with the filling [width] where there is a hole."""
    if x.dtype == "string":
        filling = np.array([_filling(v) for v in filling.tolist()], dtype=object)
    values = g.constant(filling.reshape(1, -1), x.dtype, "statistics")
    name = g.add("Where", [holes.name, values, x.name], "imputed")
    return Matrix(name, x.dtype, x.width, blank=x.blank)


def _each(est: Any, x: Table, statistics: np.ndarray, known: np.ndarray, g: Conversion) -> Table:
    """Return columns of text and of numbers, or of texts with unlike marks, each by itself.

    A table where all other transforms are matrices (`transformed` says so).
    """
    if est.add_indicator:
        raise Unconvertible("add_indicator=True on text, whose indicators are no text,")
    done = []
    for k, (name, column) in enumerate(x.columns):
        if not known[k]:
            g.traps.append("columns without any value are dropped")
            continue
        own = column if column.dtype == "string" else g.floating(column)
        holes = missing(est.missing_values, own, g)
        done.append((name, _filled(own, holes, statistics[[k]], g)))
    return Table(tuple(done))


def _is_plain(est: Any, x: Matrix, known: np.ndarray) -> bool:
    """Tell whether ONNX's own Imputer serves: float32, NaN for missing, a number a column."""
    marker = est.missing_values
    numbers = x.dtype == "float32" and isinstance(marker, float) and marker != marker
    return numbers and bool(known.all()) and not est.add_indicator


def indicator(est: Any, x: Value, g: Conversion) -> Outputs:
    """MissingIndicator: 1 where a value is missing, for the columns that had such in fitting."""
    kind = float_type(x)
    mask = missing(est.missing_values, _values(x, g), g)
    if est.features == "missing-only":
        if not len(est.features_):
            return {"transform": NOTHING}
        if est.error_on_new:
            g.traps.append(
                "missing values in further columns are passed over where scikit-learn would raise "
                "an error"
            )
        picked = g.select(mask, list(est.features_))
        assert isinstance(picked, Matrix)
        mask = picked
    return {"transform": g.cast(mask, kind)}


def indicated(est: Any, filled: Matrix, mask: Matrix, g: Conversion) -> Matrix:
    """Return the imputed columns with the indicator's beside them, if the imputer has one."""
    if not est.add_indicator or not len(est.indicator_.features_):
        return filled
    g.traps.append("the missing indicator's columns stand beside the imputed ones")
    if filled.dtype == "string":
        raise Unconvertible("add_indicator=True on text, whose indicators are no text,")
    flags = g.select(mask, list(est.indicator_.features_))
    assert isinstance(flags, Matrix)
    return g.join([filled, g.cast(flags, filled.dtype)])


def missing(marker: Any, x: Matrix, g: Conversion) -> Matrix:
    """Return where x is missing, bool [N, width]; marker is NaN, None, pandas.NA or a value."""
    mark = mark_of(marker)
    unmarked = mark is not None
    if x.dtype == "string":
        # A missing text is "" in every graph, and text compares only from opset 19 on. Where ""
        # stands for something else than what the estimator calls missing, nothing is.
        keys = ["" if unmarked else str(marker)]
        other = unmarked and x.blank is not None and x.blank not in ALIKE[mark]
        flags = [0 if other else 1]
        codes: dict[str, Any] = {"keys_strings": keys, "values_int64s": flags, "default_int64": 0}
        flag = g.add("LabelEncoder", [x.name], "ismissing", domain=ML, **codes)
        return g.cast(Matrix(flag, "int64", x.width), "bool")
    if unmarked:
        return Matrix(g.add("IsNaN", [x.name], "missing"), "bool", x.width)
    if not isinstance(marker, int | float | np.number):
        raise Unconvertible(f"missing_values={marker!r} in a numeric column")
    value = g.constant(marker, x.dtype, "sentinel")
    return Matrix(g.add("Equal", [x.name, value], "missing"), "bool", x.width)


def _values(x: Value, g: Conversion) -> Matrix:
    columns = [m for _, m in x.columns] if isinstance(x, Table) else [x]
    return g.matrix(x) if any(m.dtype == "string" for m in columns) else g.floating(x)


def _filling(value: Any) -> str:
    if mark_of(value):
        return ""
    if not isinstance(value, str):
        raise Unconvertible(f"fill_value={value!r} in a text column")
    return value


def iterative(est: Any, x: Value, g: Conversion) -> Outputs:
    """IterativeImputer: its rounds unrolled, each a regressor's answer where the column is missing.

    Where every value of the batch is missing, scikit-learn stops after the first filling.
    """
    if est.sample_posterior:
        raise Unconvertible("sample_posterior=True: every answer is drawn at random, so that it")
    x = g.floating(x)
    mask = missing(est.missing_values, x, g)
    filled = g.convert(est.initial_imputer_, x)["transform"]
    empty = np.asarray(est._is_empty_feature)
    positions = list(range(x.width)) if est.keep_empty_features else np.flatnonzero(~empty).tolist()
    holes = [g.column(mask, i) for i in positions]
    if est.keep_empty_features:  # an empty column keeps its first filling
        for i in np.flatnonzero(empty):
            holes[i] = Matrix(
                g.add("And", [holes[i].name, g.constant([False], "bool", "never")], "hole"),
                "bool",
                1,
            )
    columns = [g.column(filled, k) for k in range(len(positions))]
    sequence = est.imputation_sequence_ if est.n_iter_ else []
    for step in sequence:
        target = int(step.feat_idx)
        known = g.join([columns[int(k)] for k in step.neighbor_feat_idx])
        guess = g.cast(g.convert(step.estimator, known)["predict"], filled.dtype)
        limits = [
            g.constant(float(limit[target]), filled.dtype, "limit")
            for limit in (est._min_value, est._max_value)
        ]
        held = g.add("Clip", [guess.name, *limits], "held")
        chosen = g.add("Where", [holes[target].name, held, columns[target].name], "imputed")
        columns[target] = Matrix(chosen, filled.dtype, 1)
    result = g.join(columns)
    if sequence:
        numbers = g.cast(g.join([g.cast(h, "float32") for h in holes]), "float32")
        least = g.add("ReduceMin", [numbers.name], "least", keepdims=0)
        all_gone = g.add("Cast", [least], "allgone", to=9)
        first = g.add("Where", [all_gone, filled.name, result.name], "settled")
        result = Matrix(first, filled.dtype, result.width)
    return {"transform": indicated(est, result, mask, g)}


CONVERTERS = {
    "sklearn.IterativeImputer": iterative,
    "sklearn.MissingIndicator": indicator,
    "sklearn.SimpleImputer": simple_imputer,
}
