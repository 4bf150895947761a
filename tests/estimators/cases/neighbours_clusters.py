"""Clusterers, manifolds and propagation of labels."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.cluster import (
    AffinityPropagation,
    Birch,
    BisectingKMeans,
    FeatureAgglomeration,
    KMeans,
    MeanShift,
    MiniBatchKMeans,
)
from sklearn.manifold import Isomap, LocallyLinearEmbedding
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.semi_supervised import LabelPropagation, LabelSpreading

from tests.estimators.data import binary, classes, labelled, numbers, regression
from tests.estimators.harness import case

NONE = "skl2onnx 1.20 has no converter for it; a later one may"


def rows() -> tuple[np.ndarray, None]:
    return numbers(), None


def narrow() -> tuple[np.ndarray, None]:
    """Return float32 rows: what is fitted on them takes nothing else."""
    return numbers().astype(np.float32), None


def wide() -> tuple[np.ndarray, None]:
    return numbers(columns=12), None


def far() -> tuple[np.ndarray, None]:
    """Return rows with a mean of 1e4."""
    return numbers() + 1e4, None


def few() -> tuple[np.ndarray, None]:
    return numbers()[:120], None


def fewer() -> tuple[np.ndarray, None]:
    return numbers()[:60], None


def partly(names: tuple = (0, 1, 2)) -> tuple[np.ndarray, np.ndarray]:
    """Return rows of which most have no label."""
    X, y = labelled(names)
    return X, np.where(np.random.default_rng(10).random(len(y)) < 0.7, -1, y)


def grid() -> tuple[np.ndarray, None]:
    """Return the points of a grid, half of them as far from one centre as from another."""
    X = np.stack(np.meshgrid(range(8), range(8), range(3)), axis=-1).reshape(-1, 3)
    return X.astype(float), None


def unconverged() -> Any:
    """Return a clusterer whose fitting finds no exemplar."""
    return AffinityPropagation(max_iter=1, random_state=0)


CASES = [
    case("KMeans", lambda: KMeans(4, n_init=1, random_state=0), rows),
    case("KMeans-one", lambda: KMeans(1, n_init=1, random_state=0), rows),
    case("KMeans-far", lambda: KMeans(4, n_init=1, random_state=0), far),
    case(
        "KMeans-scaled",
        lambda: make_pipeline(StandardScaler(), KMeans(6, n_init=1, random_state=0)),
        far,
    ),
    case("KMeans-float32", lambda: KMeans(4, n_init=1, random_state=0), narrow),
    case(
        "BisectingKMeans-float32",
        lambda: make_pipeline(StandardScaler(), BisectingKMeans(5, random_state=0)),
        narrow,
        trap=NONE,
    ),
    case("MiniBatchKMeans", lambda: MiniBatchKMeans(4, n_init=1, random_state=0), rows),
    case("BisectingKMeans", lambda: BisectingKMeans(7, random_state=0), rows, trap=NONE),
    case("BisectingKMeans-one", lambda: BisectingKMeans(1, random_state=0), rows, trap=NONE),
    case("BisectingKMeans-far", lambda: BisectingKMeans(5, random_state=3), far, trap=NONE),
    case(
        "BisectingKMeans-largest",
        lambda: BisectingKMeans(8, bisecting_strategy="largest_cluster", random_state=0),
        grid,
        trap=NONE,
    ),
    case("MeanShift", lambda: MeanShift(bandwidth=2.5, max_iter=10), fewer, trap=NONE),
    # skops cannot hold the tree of its subclusters.
    case("Birch", lambda: Birch(threshold=1.0), rows, trap=NONE, unkept="cannot be kept"),
    case(
        "Birch-scaled",
        lambda: make_pipeline(StandardScaler(), Birch(n_clusters=3)),
        rows,
        trap=NONE,
        unkept="cannot be kept",
    ),
    case(
        "AffinityPropagation",
        lambda: AffinityPropagation(random_state=0, damping=0.8),
        few,
        trap=NONE,
    ),
    case("AffinityPropagation-none", unconverged, few, trap=NONE),
    case("FeatureAgglomeration", lambda: FeatureAgglomeration(4), wide, trap=NONE),
    *(
        case(
            f"FeatureAgglomeration-{pool.__name__}",
            lambda pool=pool: FeatureAgglomeration(3, pooling_func=pool),
            wide,
            trap=NONE,
        )
        for pool in (np.max, np.min, np.median, np.sum)
    ),
    case(
        "FeatureAgglomeration-own",
        lambda: FeatureAgglomeration(3, pooling_func=lambda X, axis: X.std(axis=axis)),
        wide,
        refused="pooling_func=<lambda>",
    ),
    case("LabelPropagation", lambda: LabelPropagation(gamma=2), partly, trap=NONE),
    case("LabelPropagation-default", LabelPropagation, binary, trap=NONE),
    case("LabelPropagation-knn", lambda: LabelPropagation("knn"), partly, trap=NONE),
    case("LabelSpreading", lambda: LabelSpreading(gamma=2), partly, trap=NONE),
    case("LabelSpreading-gaps", lambda: LabelSpreading(gamma=2), lambda: partly((5, 9)), trap=NONE),
    case("LabelSpreading-knn", lambda: LabelSpreading("knn", n_neighbors=9), partly, trap=NONE),
    case(
        "LabelSpreading-function",
        lambda: LabelSpreading(lambda a, b: np.exp(-np.abs(a @ b.T))),
        classes,
        refused="kernel=<lambda>",
    ),
    case("Isomap", lambda: Isomap(n_neighbors=8), few, trap=NONE),
    case("Isomap-three", lambda: Isomap(n_components=3, metric="manhattan"), few, trap=NONE),
    case(
        "Isomap-radius",
        lambda: Isomap(n_neighbors=None, radius=3.0),
        few,
        trap=NONE,
    ),
    case(
        "LocallyLinearEmbedding",
        lambda: LocallyLinearEmbedding(random_state=0, eigen_solver="dense"),
        few,
        trap=NONE,
    ),
    case(
        "LocallyLinearEmbedding-modified",
        lambda: LocallyLinearEmbedding(
            n_neighbors=12, n_components=3, method="modified", eigen_solver="dense"
        ),
        few,
        trap=NONE,
    ),
    case(
        "LocallyLinearEmbedding-scaled",
        lambda: make_pipeline(
            StandardScaler(),
            LocallyLinearEmbedding(method="ltsa", n_neighbors=8, eigen_solver="dense"),
        ),
        lambda: (regression()[0][:120] * 30 + 7, None),
        trap=NONE,
    ),
]
