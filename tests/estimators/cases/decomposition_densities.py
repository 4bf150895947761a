"""Naive Bayes, discriminant analysis, mixtures and the robust covariance."""

from __future__ import annotations

from inspect import signature

import numpy as np
from sklearn.covariance import EllipticEnvelope
from sklearn.discriminant_analysis import (
    LinearDiscriminantAnalysis,
    QuadraticDiscriminantAnalysis,
)
from sklearn.linear_model import LogisticRegression
from sklearn.mixture import BayesianGaussianMixture, GaussianMixture
from sklearn.naive_bayes import BernoulliNB, CategoricalNB, ComplementNB, GaussianNB, MultinomialNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from tests.estimators.data import binary, classes, numbers, positive
from tests.estimators.decomposition_data import (
    WIDE,
    case,
    category_codes,
    clusters,
    code_frame,
    constant_column,
    counted,
    far,
    far_binary,
    far_classes,
    far_clusters,
    farther,
    frame,
    named,
    one_class,
    separated,
    shares,
    tiny,
    tiny_classes,
    unscaled,
    unscaled_classes,
)

BAYES = [
    case("GaussianNB", GaussianNB(), classes),
    case("GaussianNB-binary", GaussianNB(), binary),
    case("GaussianNB-text-labels", GaussianNB(), named("no", "yes", "ünsure")),
    case("GaussianNB-bool-labels", GaussianNB(), named(False, True)),
    case("GaussianNB-float-labels", GaussianNB(), named(-1.0, 0.0, 4.0)),
    case("GaussianNB-priors", GaussianNB(priors=[0.7, 0.2, 0.1]), classes),
    case("GaussianNB-zero-prior", GaussianNB(priors=[0.6, 0.4, 0.0]), classes),
    case("GaussianNB-large-mean", GaussianNB(), far_classes, trap=WIDE),
    case("GaussianNB-float64", GaussianNB(), lambda: (farther(), classes()[1]), trap=WIDE),
    case("GaussianNB-tiny", GaussianNB(), tiny_classes),
    case("GaussianNB-constant-column", GaussianNB(), constant_column),
    case("GaussianNB-separated", GaussianNB(), separated),
    case("GaussianNB-no-smoothing", GaussianNB(var_smoothing=1e-15), unscaled_classes),
    case("GaussianNB-refused", GaussianNB(var_smoothing=0.0), constant_column, refused="variance"),
    case("GaussianNB-scaler", make_pipeline(StandardScaler(), GaussianNB()), unscaled_classes),
    case("GaussianNB-frame", GaussianNB(), lambda: (frame(), classes()[1])),
    case("MultinomialNB", MultinomialNB(), counted()),
    case("MultinomialNB-text-labels", MultinomialNB(), counted("a", "b", "c")),
    case("MultinomialNB-binary", MultinomialNB(alpha=0.01), counted(False, True)),
    case("MultinomialNB-uniform-prior", MultinomialNB(fit_prior=False), counted()),
    case("MultinomialNB-prior", MultinomialNB(class_prior=[0.9, 0.05, 0.05]), counted()),
    case("MultinomialNB-one-class", MultinomialNB(), one_class),
    case("MultinomialNB-shares", MultinomialNB(), lambda: (positive(), classes()[1])),
    case("ComplementNB", ComplementNB(), counted()),
    case("ComplementNB-norm", ComplementNB(norm=True), counted("a", "b", "c")),
    case("ComplementNB-binary", ComplementNB(), counted(0, 1)),
    case("ComplementNB-one-class", ComplementNB(), one_class),
    case("BernoulliNB", BernoulliNB(), classes),
    case("BernoulliNB-threshold", BernoulliNB(binarize=0.35), classes),
    case("BernoulliNB-binary", BernoulliNB(fit_prior=False), binary),
    case("BernoulliNB-no-binarize", BernoulliNB(binarize=None), lambda: (shares(), classes()[1])),
    case("BernoulliNB-prior", BernoulliNB(class_prior=[0.1, 0.1, 0.8]), named("x", "y", "z")),
    case(
        "BernoulliNB-refused",
        BernoulliNB(alpha=0.0, force_alpha=True),
        lambda: (np.abs(constant_column()[0]), classes()[1]),
        refused="alpha=0",
    ),
    case("CategoricalNB", CategoricalNB(), category_codes),
    case("CategoricalNB-spare", CategoricalNB(min_categories=12), category_codes),
    case("CategoricalNB-frame", CategoricalNB(alpha=0.3), code_frame),
    case("CategoricalNB-prior", CategoricalNB(class_prior=[0.8, 0.1, 0.1]), category_codes),
]

LDA = LinearDiscriminantAnalysis
QDA = QuadraticDiscriminantAnalysis
DOUBLED = (
    "binary LinearDiscriminantAnalysis: skl2onnx 1.20 doubles the logit, probabilities off by "
    "0.15; a later release may mend it"
)

DISCRIMINANT = [
    case("LinearDiscriminantAnalysis", LDA(), classes),
    case("LinearDiscriminantAnalysis-binary", LDA(), binary, trap=DOUBLED),
    case("LinearDiscriminantAnalysis-binary-bool", LDA(), named(False, True), trap=DOUBLED),
    case("LinearDiscriminantAnalysis-binary-text", LDA(), named("n", "y"), trap=DOUBLED),
    case("LinearDiscriminantAnalysis-binary-lsqr", LDA(solver="lsqr"), binary, trap=DOUBLED),
    case("LinearDiscriminantAnalysis-binary-large-mean", LDA(), far_binary, trap=WIDE),
    case("LinearDiscriminantAnalysis-lsqr", LDA(solver="lsqr"), classes),
    case("LinearDiscriminantAnalysis-shrinkage", LDA(solver="lsqr", shrinkage=0.4), classes),
    case("LinearDiscriminantAnalysis-eigen", LDA(solver="eigen", shrinkage="auto"), classes),
    case("LinearDiscriminantAnalysis-priors", LDA(priors=[0.1, 0.2, 0.7]), named("a", "b", "c")),
    case("LinearDiscriminantAnalysis-large-mean", LDA(), far_classes, trap=WIDE),
    case("LinearDiscriminantAnalysis-unscaled", LDA(), unscaled_classes),
    case("LinearDiscriminantAnalysis-tiny", LDA(tol=1e-12), tiny_classes),
    case("LinearDiscriminantAnalysis-constant-column", LDA(), constant_column),
    *(
        case(
            f"LinearDiscriminantAnalysis-transform-{solver}",
            make_pipeline(LDA(solver=solver, n_components=count), LogisticRegression()),
            classes,
        )
        for solver, count in (("svd", None), ("eigen", 1))
    ),
    case("QuadraticDiscriminantAnalysis", QDA(), classes),
    case("QuadraticDiscriminantAnalysis-binary", QDA(), binary),
    case("QuadraticDiscriminantAnalysis-text-labels", QDA(), named("a", "b", "c", "d")),
    case("QuadraticDiscriminantAnalysis-regularised", QDA(reg_param=0.3), classes),
    case("QuadraticDiscriminantAnalysis-priors", QDA(priors=[0.2, 0.2, 0.6]), classes),
    case("QuadraticDiscriminantAnalysis-large-mean", QDA(), far_classes, trap=WIDE),
    case("QuadraticDiscriminantAnalysis-unscaled", QDA(tol=1e-14), unscaled_classes),
    case("QuadraticDiscriminantAnalysis-constant", QDA(reg_param=0.1), constant_column),
    *(
        case("QuadraticDiscriminantAnalysis-eigen", QDA(solver="eigen", shrinkage=0.2), classes)
        for setting in signature(QDA).parameters
        if setting == "solver"  # since scikit-learn 1.8
    ),
    case("QuadraticDiscriminantAnalysis-tiny", QDA(tol=1e-20), tiny_classes),
    case("QuadraticDiscriminantAnalysis-scaler", make_pipeline(StandardScaler(), QDA()), binary),
]

COVARIANCES = ("full", "tied", "diag", "spherical")

MIXTURES = [
    *(
        case(
            f"GaussianMixture-{kind}{name}",
            GaussianMixture(3, covariance_type=kind, random_state=0),
            data,
            trap=trap,
        )
        for kind in COVARIANCES
        for name, data, trap in (("", clusters, ""), ("-large-mean", far_clusters, WIDE))
    ),
    *(
        case(
            f"BayesianGaussianMixture-{kind}",
            BayesianGaussianMixture(
                n_components=3, covariance_type=kind, random_state=0, max_iter=50
            ),
            clusters,
        )
        for kind in COVARIANCES
    ),
    case("GaussianMixture-one", GaussianMixture(random_state=0), clusters),
    case(
        "GaussianMixture-scaler",
        make_pipeline(StandardScaler(), GaussianMixture(2, random_state=0)),
        clusters,
    ),
    case(
        "GaussianMixture-constant-column",
        GaussianMixture(2, random_state=0),
        lambda: constant_column()[0],
    ),
    case("GaussianMixture-tiny", GaussianMixture(2, reg_covar=1e-16, random_state=0), tiny),
    case("GaussianMixture-frame", GaussianMixture(2, random_state=0), frame),
    case(
        "BayesianGaussianMixture-distribution",
        BayesianGaussianMixture(
            n_components=3,
            weight_concentration_prior_type="dirichlet_distribution",
            random_state=0,
            max_iter=50,
        ),
        far_clusters,
    ),
    case("EllipticEnvelope", EllipticEnvelope(random_state=0), numbers),
    case(
        "EllipticEnvelope-contamination",
        EllipticEnvelope(contamination=0.3, random_state=0),
        clusters,
    ),
    case("EllipticEnvelope-large-mean", EllipticEnvelope(random_state=0), far, trap=WIDE),
    case(
        "EllipticEnvelope-no-precision",
        EllipticEnvelope(store_precision=False, assume_centered=True, random_state=0),
        numbers,
    ),
    case(
        "EllipticEnvelope-scaler",
        make_pipeline(StandardScaler(), EllipticEnvelope(random_state=0)),
        unscaled,
    ),
]

CASES = [*BAYES, *DISCRIMINANT, *MIXTURES]
