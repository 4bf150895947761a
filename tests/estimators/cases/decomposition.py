"""Decompositions: projections, and codes that are found by iteration."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.cross_decomposition import CCA, PLSSVD, PLSCanonical, PLSRegression
from sklearn.decomposition import (
    NMF,
    PCA,
    DictionaryLearning,
    FactorAnalysis,
    FastICA,
    IncrementalPCA,
    LatentDirichletAllocation,
    MiniBatchDictionaryLearning,
    MiniBatchNMF,
    MiniBatchSparsePCA,
    SparseCoder,
    SparsePCA,
    TruncatedSVD,
)
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import GaussianNB
from sklearn.neural_network import BernoulliRBM
from sklearn.pipeline import FeatureUnion, Pipeline, make_pipeline
from sklearn.preprocessing import MinMaxScaler, StandardScaler
from sklearn.random_projection import GaussianRandomProjection, SparseRandomProjection

from tests.estimators.data import binary, classes, numbers, positive, regression, targets
from tests.estimators.decomposition_data import (
    WIDE,
    case,
    constant_column,
    counts,
    far,
    farther,
    frame,
    named,
    scaled_targets,
    shares,
    single_target,
    tiny,
    unscaled,
)
from tests.estimators.harness import Case


def then_logistic(estimator: Any) -> tuple[Any, Any, Any]:
    """Return a pipeline whose parts were fitted apart: `fit_transform` with y gives two arrays."""
    X, y = scaled_targets()
    labels = binary()[1]
    estimator.fit(X, y)
    last = LogisticRegression().fit(estimator.transform(X), labels)
    return Pipeline([("scores", estimator), ("last", last)]), X, labels


PROJECTIONS = [
    case("PCA", PCA(), numbers),
    case("PCA-components", PCA(2), numbers),
    case("PCA-share", PCA(0.8, svd_solver="full"), numbers),
    case("PCA-whiten", PCA(3, whiten=True), numbers),
    case("PCA-randomized", PCA(2, svd_solver="randomized", random_state=0), numbers),
    case("PCA-arpack", PCA(2, svd_solver="arpack", random_state=0), numbers),
    case("PCA-covariance_eigh", PCA(2, svd_solver="covariance_eigh"), numbers),
    case("PCA-large-mean", PCA(3), far, trap=WIDE),
    case("PCA-large-mean-whiten", PCA(3, whiten=True), far, trap=WIDE),
    case("PCA-float64", PCA(3), farther, trap=WIDE),
    case("PCA-unscaled", PCA(), unscaled, trap="unscaled columns: a float32 sum cancels"),
    case("PCA-unscaled-whiten", PCA(whiten=True), unscaled),
    case("PCA-tiny", PCA(3, whiten=True), tiny),
    case("PCA-constant-column", PCA(4, whiten=True), lambda: constant_column()[0]),
    case("PCA-frame", PCA(2), frame),
    case("PCA-scaler", make_pipeline(StandardScaler(), PCA(2)), unscaled),
    case(
        "PCA-union",
        make_pipeline(FeatureUnion([("p", PCA(2)), ("t", TruncatedSVD(2, random_state=0))])),
        numbers,
        covers=("PCA", "TruncatedSVD"),
    ),
    case(
        "PCA-logistic",
        make_pipeline(StandardScaler(), PCA(3), LogisticRegression()),
        named("a", "b", "ç"),
    ),
    case("IncrementalPCA", IncrementalPCA(), numbers),
    case("IncrementalPCA-whiten", IncrementalPCA(2, whiten=True, batch_size=60), numbers),
    case("IncrementalPCA-large-mean", IncrementalPCA(2), far, trap=WIDE),
    case("TruncatedSVD", TruncatedSVD(random_state=0), numbers),
    case("TruncatedSVD-arpack", TruncatedSVD(3, algorithm="arpack", random_state=0), numbers),
    case("TruncatedSVD-large-mean", TruncatedSVD(3, random_state=0), far, trap=WIDE),
    case("FastICA", FastICA(random_state=0, max_iter=500, tol=1e-3), shares),
    case(
        "FastICA-arbitrary",
        FastICA(3, whiten="arbitrary-variance", random_state=0, tol=1e-2),
        shares,
    ),
    case("FastICA-no-whiten", FastICA(whiten=False, random_state=0, tol=1e-2), shares),
    case("FastICA-large-mean", FastICA(2, random_state=0, tol=1e-2), far, trap=WIDE),
    case("FactorAnalysis", FactorAnalysis(2), numbers),
    case("FactorAnalysis-rotation", FactorAnalysis(3, rotation="varimax"), lambda: targets(3)[1]),
    case("FactorAnalysis-large-mean", FactorAnalysis(2), far, trap=WIDE),
    case("FactorAnalysis-unscaled", FactorAnalysis(2, svd_method="lapack"), unscaled),
    case("SparsePCA", SparsePCA(3, random_state=0, max_iter=50), numbers),
    case("SparsePCA-ridge", SparsePCA(7, ridge_alpha=0.5, random_state=0, max_iter=20), numbers),
    case("SparsePCA-large-mean", SparsePCA(2, random_state=0, max_iter=20), far, trap=WIDE),
    case("MiniBatchSparsePCA", MiniBatchSparsePCA(3, random_state=0, max_iter=20), numbers),
    case("GaussianRandomProjection", GaussianRandomProjection(3, random_state=0), numbers),
    case("GaussianRandomProjection-large-mean", GaussianRandomProjection(3, random_state=0), far),
    case("SparseRandomProjection", SparseRandomProjection(3, random_state=0), numbers),
    case(
        "SparseRandomProjection-dense",
        SparseRandomProjection(3, density=0.5, dense_output=True, random_state=0),
        numbers,
    ),
    case("PLSRegression", PLSRegression(), single_target),
    case("PLSRegression-targets", PLSRegression(3), scaled_targets),
    case("PLSRegression-unscaled", PLSRegression(3, scale=False), scaled_targets),
    case("PLSRegression-large-mean", PLSRegression(2), lambda: (far(), regression()[1])),
    *(
        Case(
            f"{type(e).__name__}-transform",
            lambda e=e: then_logistic(e),
            covers=(type(e).__name__,),
        )
        for e in (PLSRegression(3), PLSCanonical(2), CCA(1))
    ),
    case("PLSCanonical", PLSCanonical(2), targets),
    case("PLSCanonical-svd", PLSCanonical(2, algorithm="svd"), scaled_targets),
    case("CCA", CCA(2), targets),
    case("CCA-unscaled", CCA(1, scale=False), scaled_targets),
    case("PLSSVD", PLSSVD(2), targets),
    case("PLSSVD-unscaled", PLSSVD(2, scale=False), scaled_targets),
    case("BernoulliRBM", BernoulliRBM(4, random_state=0, n_iter=3), shares),
    case(
        "BernoulliRBM-pipeline",
        make_pipeline(MinMaxScaler(), BernoulliRBM(4, random_state=0, n_iter=3), GaussianNB()),
        classes,
        covers=("BernoulliRBM", "GaussianNB"),
    ),
]


def atoms(count: int = 7) -> np.ndarray:
    """Return a dictionary of unit atoms [count, 5]."""
    made = np.random.default_rng(11).normal(size=(count, 5))
    return made / np.linalg.norm(made, axis=1, keepdims=True)


def sparse_coder(more: dict[str, Any] | None = None, **settings: Any) -> SparseCoder:
    return SparseCoder(
        atoms(), **{f"transform_{k}": v for k, v in settings.items()}, **(more or {})
    )


NMFS = {"random_state": 0, "max_iter": 400}

ITERATED = [
    case("NMF", NMF(3, **NMFS), positive),
    case("NMF-tolerance", NMF(3, tol=1e-8, **NMFS), positive),
    case("NMF-counts", NMF(4, init="nndsvd", tol=1e-5, **NMFS), counts),
    case("NMF-regularised", NMF(3, alpha_W=0.02, l1_ratio=0.4, **NMFS), positive),
    case("NMF-stopped", NMF(4, max_iter=2, random_state=0), positive),
    case("NMF-shuffle", NMF(3, shuffle=True, **NMFS), positive, refused="shuffle=True"),
    case("NMF-mu", NMF(3, solver="mu", **NMFS), positive, refused="other rows of the batch"),
    case(
        "NMF-mu-converged",
        NMF(2, solver="mu", tol=1e-12, max_iter=5000, random_state=0),
        positive,
    ),
    case(
        "NMF-kullback",
        NMF(3, solver="mu", beta_loss="kullback-leibler", tol=1e-9, **NMFS),
        positive,
        refused="beta_loss='kullback-leibler'",
    ),
    case("MiniBatchNMF", MiniBatchNMF(3, random_state=0, max_iter=20), positive, refused="batch"),
    case(
        "MiniBatchNMF-converged",
        MiniBatchNMF(2, random_state=0, max_iter=20, tol=1e-11, transform_max_iter=5000),
        positive,
    ),
    case("LatentDirichletAllocation", LatentDirichletAllocation(3, random_state=0), counts),
    case(
        "LatentDirichletAllocation-tolerance",
        LatentDirichletAllocation(4, random_state=0, mean_change_tol=1e-6, max_doc_update_iter=300),
        counts,
    ),
    case(
        "LatentDirichletAllocation-stopped",
        LatentDirichletAllocation(3, random_state=0, max_doc_update_iter=3, max_iter=3),
        counts,
    ),
    case(
        "LatentDirichletAllocation-priors",
        LatentDirichletAllocation(
            3,
            doc_topic_prior=1e-7,
            topic_word_prior=0.2,
            learning_method="online",
            random_state=0,
            max_iter=3,
        ),
        counts,
    ),
    case(
        "LatentDirichletAllocation-real",
        LatentDirichletAllocation(2, random_state=0, max_iter=3),
        positive,
    ),
    *(
        case(f"SparseCoder-{algorithm}{name}", sparse_coder(algorithm=algorithm, **more), numbers)
        for algorithm, name, more in (
            ("omp", "", {}),
            ("omp", "-3", {"n_nonzero_coefs": 3}),
            ("omp", "-exhausted", {"n_nonzero_coefs": 7}),  # more atoms than dimensions
            ("threshold", "", {"alpha": 0.3}),
            ("lasso_cd", "", {"alpha": 0.3}),
            ("lasso_lars", "", {"alpha": 0.1}),
            ("lasso_lars", "-default", {}),
        )
    ),
    case(
        "SparseCoder-split",
        sparse_coder({"split_sign": True}, algorithm="threshold", alpha=0.2),
        numbers,
    ),
    *(
        case(
            f"SparseCoder-{algorithm}-positive",
            sparse_coder({"positive_code": True}, algorithm=algorithm, alpha=0.2),
            numbers,
        )
        for algorithm in ("threshold", "lasso_cd")
    ),
    case(
        "SparseCoder-lasso_lars-positive",
        sparse_coder({"positive_code": True}, algorithm="lasso_lars", alpha=0.2),
        numbers,
        refused="positive_code=True",
    ),
    case("SparseCoder-lars", sparse_coder(algorithm="lars"), numbers, refused="'lars'"),
    case(
        "DictionaryLearning",
        DictionaryLearning(4, max_iter=10, random_state=0),
        numbers,
    ),
    case(
        "DictionaryLearning-lasso",
        DictionaryLearning(6, max_iter=10, transform_algorithm="lasso_lars", random_state=0),
        numbers,
    ),
    case(
        "MiniBatchDictionaryLearning",
        MiniBatchDictionaryLearning(4, max_iter=10, random_state=0),
        numbers,
    ),
    case(
        "MiniBatchDictionaryLearning-threshold",
        MiniBatchDictionaryLearning(
            6,
            max_iter=10,
            transform_algorithm="threshold",
            transform_alpha=0.2,
            split_sign=True,
            random_state=0,
        ),
        numbers,
    ),
]

CASES = [*PROJECTIONS, *ITERATED]
