"""Which steps hand on a sparse matrix, as scikit-learn's do by their settings and what they get."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from toolkit.exporter.graph import Matrix, Value

# Steps that give a sparse matrix whatever they get, and those that give what they get.
ALWAYS = {
    "CountVectorizer",
    "FeatureHasher",
    "HashingVectorizer",
    "TfidfTransformer",
    "TfidfVectorizer",
}
ALIKE = {
    "Binarizer",
    "FunctionTransformer",
    "MaxAbsScaler",
    "Normalizer",
    "PolynomialFeatures",
    "QuantileTransformer",
    "RobustScaler",
    "SimpleImputer",
    "StandardScaler",
}


def is_sparse(x: Value) -> bool:
    """Tell whether scikit-learn has these numbers in a sparse matrix."""
    return isinstance(x, Matrix) and x.sparse


def marked(x: Value, sparse: bool) -> Value:
    """Return x with the mark whether scikit-learn has it in a sparse matrix."""
    if not isinstance(x, Matrix) or x.sparse == sparse:
        return x
    return replace(x, sparse=sparse)


def gives_sparse(step: Any, given: bool) -> bool:
    """Tell whether a fitted transformer hands on a sparse matrix; given: whether it gets one."""
    name = type(step).__name__
    if step is None or isinstance(step, str) or hasattr(step, "fit_resample"):
        return given
    if hasattr(step, "steps"):
        for _, inner in step.steps:
            given = gives_sparse(inner, given)
        return given
    if hasattr(step, "transformer_list"):
        return any(gives_sparse(t, given) for _, t in step.transformer_list if t != "drop")
    for setting in ("sparse_output_", "sparse_output"):
        if hasattr(step, setting):
            return bool(getattr(step, setting))
    if name in ("KBinsDiscretizer", "DictVectorizer"):
        return bool(step.encode == "onehot" if name == "KBinsDiscretizer" else step.sparse)
    if name in ("MissingIndicator", "SparseRandomProjection"):
        asked = getattr(step, "sparse", None)
        return given if name != "MissingIndicator" or asked == "auto" else bool(asked)
    return name in ALWAYS or (given and (name in ALIKE or hasattr(step, "get_support")))
