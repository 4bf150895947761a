"""Vectorizers of text: characters and words as numbers, then ONNX's n-gram counter."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from toolkit.exporter.conversion import Conversion
from toolkit.exporter.converters.discretising import normalized
from toolkit.exporter.formulas.lookup import columns_of, float_type
from toolkit.exporter.formulas.sparse_rows import dense, summed
from toolkit.exporter.origins import SparseRows
from toolkit.exporter.text.characters import characters_of
from toolkit.exporter.text.strings import need_strings
from toolkit.exporter.text.words import words_of
from toolkit.exporter.values import Matrix, Outputs, Unconvertible, Value

ANALYZERS = {"word": words_of, "char": characters_of, "char_wb": characters_of}


def count(est: Any, x: Value, g: Conversion) -> Outputs:
    """CountVectorizer: how often each n-gram of the vocabulary occurs."""
    counts = _counts(est, x, g)
    return {"transform": g.binary("Min", counts, [1.0], "one") if est.binary else counts}


def tfidf(est: Any, x: Value, g: Conversion) -> Outputs:
    """TfidfVectorizer: the counts, weighted."""
    return {"transform": _weighted(est, count(est, x, g)["transform"], g)}


def tfidf_transformer(est: Any, x: Value, g: Conversion) -> Outputs:
    """TfidfTransformer on counts; on those of hashes without making a matrix of them."""
    counts = g.cast(g.matrix(x), float_type(x))
    sparse = counts.origin(SparseRows)
    if sparse is None:
        return {"transform": _weighted(est, counts, g)}
    rows = summed(g, sparse)
    weighted = _weighted(est, rows.values, g, rows.places)
    return {"transform": dense(g, replace(rows, values=weighted))}


def _weighted(est: Any, counts: Matrix, g: Conversion, places: str | None = None) -> Matrix:
    """Return `(1 + log tf or tf) · idf`, each row divided by its norm.

    places: int64 tensor of the counts' shape, which columns they are where they are not all.
    """
    if est.sublinear_tf:
        g.traps.append("sublinear tf: 1 + log of each count that is not 0")
        one, zero = g.constant([1.0], counts.dtype, "one"), g.constant([0.0], counts.dtype, "zero")
        none = g.add("Equal", [counts.name, zero], "none")
        some = g.add("Where", [none, one, counts.name], "some")
        grown = g.add("Add", [g.add("Log", [some], "log"), one], "grown")
        counts = Matrix(g.add("Where", [none, zero, grown], "tf"), counts.dtype, counts.width)
    if est.use_idf and places is None:
        counts = g.binary("Mul", counts, np.asarray(est.idf_), "idf")
    elif est.use_idf and places is not None:
        table = g.constant(est.idf_, counts.dtype, "idf")
        own = Matrix(g.add("Gather", [table, places], "idf"), counts.dtype, counts.width)
        counts = g.mul(counts, own)
    return counts if est.norm is None else normalized(g, counts, est.norm, 0.0)


def _counts(est: Any, x: Value, g: Conversion) -> Matrix:
    """Return the counts [N, vocabulary], float32, or float64 in a graph that is so throughout.

    The analyzer gives numbers in the order of the text and the n-grams of numbers that the
    vocabulary's terms are (None for a term that no text can have); TfIdfVectorizer counts them.
    """
    need_strings(g)
    check(est)
    column = text_column(g, x)
    terms = sorted(est.vocabulary_, key=est.vocabulary_.__getitem__)
    numbers, grams = ANALYZERS[est.analyzer](est, column, terms, g)
    known = sorted((len(gram), gram, i) for i, gram in enumerate(grams) if gram)
    if not known:
        raise Unconvertible("a vocabulary that no text can have")
    longest = known[-1][0]
    starts: list[int] = []
    pool: list[int] = []
    for length in range(1, longest + 1):
        starts.append(len(pool))
        pool += [code for size, gram, _ in known if size == length for code in gram]
    counts = g.add(
        "TfIdfVectorizer",
        [numbers],
        "counts",
        mode="TF",
        min_gram_length=known[0][0],
        max_gram_length=longest,
        max_skip_count=0,
        ngram_counts=starts,
        ngram_indexes=[i for _, _, i in known],
        pool_int64s=pool,
    )
    reached = max(i for _, _, i in known) + 1
    if reached < len(terms):
        pads = g.constant([0, 0, 0, len(terms) - reached], "int64", "pads")
        counts = g.add("Pad", [counts, pads], "counts")
    return g.floating(Matrix(counts, "float32", len(terms)))


def check(est: Any) -> None:
    """Refuse what runs Python code of the user's, or reads files."""
    if est.input != "content":
        raise Unconvertible(f"input={est.input!r}: a graph opens no files, so it")
    for name in ("preprocessor", "tokenizer"):
        if getattr(est, name) is not None:
            raise Unconvertible(f"{name}=… (a Python function)")
    if est.analyzer not in ANALYZERS:
        raise Unconvertible("analyzer=… (a Python function)")


def text_column(g: Conversion, x: Value) -> Matrix:
    """Return the one column of texts that x is; Unconvertible where it is anything else."""
    columns = columns_of(g, x)
    if len(columns) != 1 or columns[0].dtype != "string":
        raise Unconvertible("an input that is not one column of text")
    return columns[0]


CONVERTERS = {
    "sklearn.CountVectorizer": count,
    "sklearn.TfidfTransformer": tfidf_transformer,
    "sklearn.TfidfVectorizer": tfidf,
}
