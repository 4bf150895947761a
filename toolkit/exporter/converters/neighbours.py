"""Nearest neighbours: classifiers, regressors, transformers, and what is built on them."""

from __future__ import annotations

from typing import Any

import numpy as np

from toolkit.exporter.conversion import Conversion
from toolkit.exporter.formulas.answers import about, answer, center_of
from toolkit.exporter.formulas.classes import class_labels
from toolkit.exporter.formulas.distances import distances
from toolkit.exporter.formulas.float64_expr import Flag, Float64, constant, float64
from toolkit.exporter.formulas.matmul import affine
from toolkit.exporter.formulas.neighbourhood import nearest, weighted, within
from toolkit.exporter.formulas.radius import sums_within_radius
from toolkit.exporter.tasks import side_by_side
from toolkit.exporter.values import Matrix, Outputs, Unconvertible, Value

# The metrics for which scikit-learn counts the classes in reach in one pass (its
# RadiusNeighborsClassMode), where all rows are compared and weigh the same.
FAST_RADIUS = (
    "manhattan", "cityblock", "l1", "chebyshev", "infinity", "minkowski", "p", "seuclidean",
    "canberra", "braycurtis", "haversine",
)  # fmt: skip


def neighbours_of(g: Conversion, x: Matrix, est: Any, count: int) -> tuple[Float64, str]:
    """Return distances [N, count] to the nearest fitted rows, and the rows' indices."""
    params = dict(est.effective_metric_params_ or {})
    return nearest(g, x, est._fit_X, count, est.effective_metric_, params)


def k_regressor(est: Any, x: Value, g: Conversion) -> Outputs:
    """The (weighted) mean of the k nearest rows' targets."""
    x = g.floating(x)
    lengths, at = neighbours_of(g, x, est, est.n_neighbors)
    weights = weighted(lengths, est.weights)
    y, center = _targets(est, g)
    single = y.shape[1] == 1  # then [N, k] is reduced faster than [N, k, targets]
    values = constant(g, y[:, 0] if single else y, "targets").take(at, axis=0)
    if weights is None:
        mean = values.mean(1, keep=single)
    else:
        shares = weights if single else weights.reshape(0, est.n_neighbors, 1)
        mean = (values * shares).sum(1, keep=single) / weights.sum(1)
    moved = about(g, mean.matrix("float64", y.shape[1]), center)
    return {"predict": answer(g, x, moved)}


def k_classifier(est: Any, x: Value, g: Conversion) -> Outputs:
    """Votes of the k nearest rows, weighted where they are; the first class of the most."""
    x = g.floating(x)
    lengths, at = neighbours_of(g, x, est, est.n_neighbors)
    weights = weighted(lengths, est.weights)
    answers = []
    for one_hot, classes in _ballots(est):
        ballots = constant(g, one_hot, "ballots").take(at, axis=0)  # [N, k, classes]
        if weights is not None:
            ballots = ballots * weights.reshape(0, est.n_neighbors, 1)
        votes = ballots.sum(1, keep=False)
        labels = class_labels(g, votes.index("ArgMax"), classes)
        answers.append((labels, (votes / votes.sum(1)).matrix(x.dtype, len(classes))))
    return _answered(g, est, answers)


def radius_regressor(est: Any, x: Value, g: Conversion) -> Outputs:
    """The (weighted) mean of the targets of the rows in reach.

    A row without neighbours gets what scikit-learn makes of NaN in the targets' type: for whole
    numbers that is the least int64.
    """
    x = g.floating(x)
    y, center = _targets(est, g)
    with np.errstate(invalid="ignore"):
        empty = np.full_like(np.asarray(est._y)[:1], np.nan).astype(np.float64).reshape(1, -1)
    (sums,), total = sums_within_radius(g, x, est, [y])
    means = about(g, (sums / total).matrix("float64", y.shape[1]), center)
    mean = total.compare("Equal", 0.0).where(empty, Float64(g, means.name))
    return {"predict": answer(g, x, mean.matrix("float64", y.shape[1]))}


def radius_classifier(est: Any, x: Value, g: Conversion) -> Outputs:
    """Votes of the rows in reach; a row without neighbours gets the outlier label.

    An outlier label that is no class of the training rows has probabilities of 0. Without an
    outlier label scikit-learn raises an error for such rows; the graph gives NaN probabilities.
    """
    x = g.floating(x)
    if est.outlier_label_ is None:
        g.traps.append("a row without neighbours gives NaN where scikit-learn would raise an error")
    answers, ballots = [], _ballots(est)
    tallies, total = sums_within_radius(g, x, est, [one_hot for one_hot, _ in ballots])
    for k, (votes, (_, classes)) in enumerate(zip(tallies, ballots, strict=True)):
        if est.outlier_label_ is None:
            labels, shares = class_labels(g, votes.index("ArgMax"), classes), votes / total
        else:
            lonely = _lonely(est, k, classes).astype(np.float64).reshape(1, -1)
            label = np.asarray(est.outlier_label_[k : k + 1], classes.dtype)
            labels, shares = _with_outliers(g, votes, total, classes, lonely, label)
        answers.append((labels, shares.matrix(x.dtype, len(classes))))
    return _answered(g, est, answers)


def _lonely(est: Any, output: int, classes: np.ndarray) -> np.ndarray:
    """Return which class has all the probability of a row without neighbours; maybe none.

    That of the outlier label; but scikit-learn's fast path takes the label as written (also
    "most_frequent") for the class's number.
    """
    fast = est._fit_method == "brute" and est.weights == "uniform" and not est.outputs_2d_
    if fast and est.effective_metric_ in FAST_RADIUS:
        return np.array([k == est.outlier_label for k in range(len(classes))])
    return np.array([c == est.outlier_label_[output] for c in classes.tolist()])


def _with_outliers(
    g: Conversion,
    votes: Float64,
    total: Float64,
    classes: np.ndarray,
    lonely: np.ndarray,
    label: np.ndarray,
) -> tuple[Matrix, Float64]:
    """Return labels and shares of the votes [N, classes], whose sums are the total [N, 1].

    Where there are none, the shares are the lonely ones [1, classes];
    label [1] is the label of such rows where none of these is above 0.
    """
    alone = total.compare("Equal", 0.0)
    shares = alone.where(lonely, votes / alone.where(1.0, total))
    index = shares.index("ArgMax")
    if not lonely.any():
        index, classes = _picked(g, alone, index, len(classes)), np.append(classes, label)
    return class_labels(g, index, classes), shares


def _picked(g: Conversion, flag: Flag, index: Matrix, other: int) -> Matrix:
    """Return `other` where the flag [N, 1] holds, the index elsewhere; int64 [N]."""
    flat = g.add("Reshape", [flag.name, g.constant([-1], "int64", "flat")], "flat")
    value = g.constant(other, "int64", "other")
    return Matrix(g.add("Where", [flat, value, index.name], "index"), "int64", 0)


def _targets(est: Any, g: Conversion) -> tuple[np.ndarray, np.ndarray]:
    """Return the fitted rows' targets [rows, k] less a centre [k], and the centre."""
    y = np.asarray(est._y, dtype=np.float64).reshape(len(est._y), -1)
    center = center_of(g, y.shape[1])
    return y - center, center


def _ballots(est: Any) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return the fitted rows' classes as 0/1 [rows, classes], and the classes, for each output."""
    classes = est.classes_ if est.outputs_2d_ else [est.classes_]
    y = np.asarray(est._y).reshape(len(est._y), -1)
    return [(np.eye(len(c))[y[:, k]], np.asarray(c)) for k, c in enumerate(classes)]


def _answered(g: Conversion, est: Any, answers: list[tuple[Matrix, Matrix]]) -> Outputs:
    """Return the outputs of each output's labels and probabilities."""
    if not est.outputs_2d_:
        ((labels, shares),) = answers
        return {"predict": labels, "predict_proba": shares}
    shape = g.constant([-1, 1], "int64", "column")
    columns = [
        Matrix(g.add("Reshape", [labels.name, shape], "label"), labels.dtype, 1)
        for labels, _ in answers
    ]
    slices = side_by_side([shares.width for _, shares in answers])
    parts = [
        g.matrix(g.select(shares, range(shares.width)[s]))
        for (_, shares), s in zip(answers, slices, strict=True)
    ]
    return {"predict": g.join(columns), "predict_proba": g.join(parts)}


def k_transformer(est: Any, x: Value, g: Conversion) -> Outputs:
    """The graph of neighbours as a dense matrix [N, rows]: distances, or 1 for a neighbour.

    "distance" has one neighbour more, since a fitted row is its own nearest.
    """
    x = g.floating(x)
    count = est.n_neighbors + (est.mode == "distance")
    lengths, at = neighbours_of(g, x, est, count)
    rows = est.n_samples_fit_
    entries = lengths if est.mode == "distance" else lengths * 0.0 + 1.0
    start = lengths.sum(1) * 0.0  # [N, 1], to know N
    blank = start + np.zeros((1, rows))
    name = g.add("ScatterElements", [blank.name, at, entries.name], "graph", axis=1)
    return {"transform": Float64(g, name).matrix(x.dtype, rows)}


def radius_transformer(est: Any, x: Value, g: Conversion) -> Outputs:
    """Distances to the rows in reach, or 1 for them; 0 elsewhere."""
    x = g.floating(x)
    lengths, near = within(g, float64(g, x), est)
    entries = near.where(lengths, 0.0) if est.mode == "distance" else near.float64()
    return {"transform": entries.matrix(x.dtype, est.n_samples_fit_)}


def nearest_centroid(est: Any, x: Value, g: Conversion) -> Outputs:
    """The nearest centroid's class; by scores where the priors differ.

    Scores: `−d(x/s, c/s)² + 2 ln prior` with the within-class deviations s (1 where they are 0);
    probabilities are their softmax.
    """
    x = g.floating(x)
    classes, rows = np.asarray(est.classes_), float64(g, x)
    centroids = np.asarray(est.centroids_, dtype=np.float64)
    priors = getattr(est, "class_prior_", np.full(len(classes), 1 / len(classes)))
    deviation = getattr(est, "within_class_std_dev_", np.ones(centroids.shape[1]))
    scale = np.where(deviation == 0, 1.0, deviation)
    with np.errstate(divide="ignore"):
        prior = 2.0 * np.log(np.asarray(priors, dtype=np.float64))
    apart = distances(g, rows / scale, centroids / scale, est.metric)
    scores = prior - apart * apart
    if np.isclose(priors, 1 / len(classes)).all():
        index = distances(g, rows, centroids, est.metric).index("ArgMin")
    else:
        index = scores.index("ArgMax")
    decision = scores if len(classes) > 2 else scores.take([1], 1) - scores.take([0], 1)
    return {
        "predict": class_labels(g, index, classes),
        "predict_proba": scores.apply("Softmax", axis=1).matrix(x.dtype, len(classes)),
        "decision_function": decision.matrix(x.dtype, len(classes) if len(classes) > 2 else 1),
    }


def component_analysis(est: Any, x: Value, g: Conversion) -> Outputs:
    """NeighborhoodComponentsAnalysis: `X @ components_.T`."""
    weights = np.asarray(est.components_).T
    return {"transform": affine(g, g.floating(x), weights, np.zeros(weights.shape[1]))}


def local_outlier(est: Any, x: Value, g: Conversion) -> Outputs:
    """LocalOutlierFactor with novelty=True: minus the mean of neighbours' densities over the row's.

    density(x) = 1 / (mean over neighbours b of max(d(x, b), k-distance(b)) + 1e-10).
    """
    x = g.floating(x)
    if not est.novelty:
        raise Unconvertible("novelty=False (it judges no new rows)")
    k = est.n_neighbors_
    lengths, at = neighbours_of(g, x, est, k)
    reach = constant(g, np.asarray(est._distances_fit_X_)[:, k - 1], "reach").take(at, axis=0)
    density = 1.0 / (lengths.at_least(reach).mean(1) + 1e-10)
    theirs = constant(g, est._lrd, "densities").take(at, axis=0)
    decision = -(theirs / density).mean(1) - float(est.offset_)
    inside = decision.compare("GreaterOrEqual", 0.0)
    return {
        "predict": signs(g, inside),
        "decision_function": decision.matrix(x.dtype, 1),
    }


def signs(g: Conversion, inside: Flag) -> Matrix:
    """Return 1 where the flag [N, 1] holds, −1 elsewhere; int64 [N]."""
    flat = g.add("Reshape", [inside.name, g.constant([-1], "int64", "flat")], "flat")
    values = [g.constant(v, "int64", h) for v, h in ((1, "inlier"), (-1, "outlier"))]
    return Matrix(g.add("Where", [flat, *values], "label"), "int64", 0)


CONVERTERS = {
    "sklearn.KNeighborsRegressor": k_regressor,
    "sklearn.KNeighborsClassifier": k_classifier,
    "sklearn.KNeighborsTransformer": k_transformer,
    "sklearn.RadiusNeighborsRegressor": radius_regressor,
    "sklearn.RadiusNeighborsClassifier": radius_classifier,
    "sklearn.RadiusNeighborsTransformer": radius_transformer,
    "sklearn.NearestCentroid": nearest_centroid,
    "sklearn.NeighborhoodComponentsAnalysis": component_analysis,
    "sklearn.LocalOutlierFactor": local_outlier,
}
