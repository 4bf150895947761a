"""Feature hashing: MurmurHash3 of texts, by onnxruntime's own operator, as sparse rows."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from toolkit.exporter.conversion import Conversion
from toolkit.exporter.converters.discretising import normalized
from toolkit.exporter.converters.text import check, text_column
from toolkit.exporter.formulas.sparse_rows import dense, summed
from toolkit.exporter.origins import SparseRows
from toolkit.exporter.text.grams import Texts, grams_of
from toolkit.exporter.text.strings import hashes, need_strings
from toolkit.exporter.values import Matrix, Outputs, Table, Unconvertible, Value


def vectorizer(est: Any, x: Value, g: Conversion) -> Outputs:
    """HashingVectorizer: the hashed n-grams of a text, then `binary` and the norm."""
    need_strings(g)
    check(est)
    rows = _hashed(g, grams_of(est, text_column(g, x), g), est.n_features, est.alternate_sign)
    if est.binary:
        # A column is 1 where any n-gram is, those included whose signs cancel.
        rows = summed(g, replace(rows, values=g.unary("Abs", rows.values)))
        rows = replace(rows, values=g.binary("Min", rows.values, [1.0], "one"))
    elif est.norm is not None:
        rows = summed(g, rows)
    if est.norm is not None:
        rows = replace(rows, values=normalized(g, rows.values, est.norm, 0.0))
    return {"transform": dense(g, rows)}


def hasher(est: Any, x: Value, g: Conversion) -> Outputs:
    """FeatureHasher of rows of equally many texts [N, k], or of pairs of a text and a number."""
    need_strings(g)
    if est.input_type == "dict":
        raise Unconvertible(
            "input_type='dict': rows that are dictionaries (a graph takes tensors; hash their "
            "items with input_type='pair'), so it"
        )
    parts = [m for _, m in x.columns] if isinstance(x, Table) else [x]
    pairs = est.input_type == "pair"
    if [m.dtype == "string" for m in parts] != [True, False][: 1 + pairs]:
        raise Unconvertible(f"input_type={est.input_type!r} of rows that hold something else")
    texts = parts[0].name
    there = g.add("Equal", [texts, texts], "there")
    rows = _hashed(g, [(texts, there)], est.n_features, est.alternate_sign)
    if pairs:
        signs = g.cast(rows.values, parts[1].dtype)
        rows = replace(rows, values=g.mul(signs, parts[1]))
    return {"transform": dense(g, rows)}


def _hashed(g: Conversion, grams: list[Texts], width: int, signed: bool) -> SparseRows:
    """Return the hashes' remainders as places and their signs as values.

    As sklearn.feature_extraction._hashing_fast: `abs(h) % width`, and −1 where h < 0. (Its own case
    of h = −2³¹ comes to 2³¹ % width, which int64 gives.)
    """
    places, values = [], []
    for texts, there in grams:
        code = g.cast(Matrix(hashes(g, texts), "int32", 0), "int64")
        size = g.add("Abs", [code.name], "size")
        places.append(g.add("Mod", [size, g.constant([width], "int64", "width")], "place"))
        one, zero = g.constant([1.0], "float32", "one"), g.constant([0.0], "float32", "zero")
        sign = one
        if signed:
            negative = g.add("Less", [code.name, g.constant([0], "int64", "zero")], "negative")
            minus = g.constant([-1.0], "float32", "minus")
            sign = g.add("Where", [negative, minus, one], "sign")
        values.append(g.add("Where", [there, sign, zero], "value"))
    place = places[0] if len(places) == 1 else g.add("Concat", places, "places", axis=1)
    value = values[0] if len(values) == 1 else g.add("Concat", values, "values", axis=1)
    return SparseRows(place, Matrix(value, "float32", 0), width)


CONVERTERS = {
    "sklearn.FeatureHasher": hasher,
    "sklearn.HashingVectorizer": vectorizer,
}
