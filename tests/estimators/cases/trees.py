"""Trees and forests: routing, ties, missing values, several outputs."""

from __future__ import annotations

import numpy as np
from sklearn.ensemble import (
    ExtraTreesClassifier,
    ExtraTreesRegressor,
    IsolationForest,
    RandomForestClassifier,
    RandomForestRegressor,
    RandomTreesEmbedding,
)
from sklearn.tree import (
    DecisionTreeClassifier,
    DecisionTreeRegressor,
    ExtraTreeClassifier,
    ExtraTreeRegressor,
)

from tests.estimators.data import (
    ROWS,
    binary,
    classes,
    multilabel,
    numbers,
    regression,
    targets,
    with_missing,
)
from tests.estimators.tree_data import (
    ML3,
    NAN,
    TIES,
    alone,
    case,
    counts,
    large_target,
    missing_classes,
    number_frame,
    of,
    tied,
    tied_three,
)


def two_and_three() -> tuple[np.ndarray, np.ndarray]:
    """Two outputs, of two and of three classes."""
    X, y = classes(3)
    return X, np.column_stack([X[:, 1] > 0, y]).astype(int)


CASES = [
    case("DecisionTreeRegressor", DecisionTreeRegressor(), regression),
    case("DecisionTreeRegressor-outputs", DecisionTreeRegressor(max_depth=5), targets),
    case(
        "DecisionTreeRegressor-absolute",
        DecisionTreeRegressor(criterion="absolute_error", max_depth=4),
        regression,
    ),
    case(
        "DecisionTreeRegressor-one-node",
        DecisionTreeRegressor(max_leaf_nodes=None, min_samples_split=ROWS + 1),
        regression,
        trap="single-node trees: root and leaf indices are mixed up",
    ),
    case("DecisionTreeRegressor-nan", DecisionTreeRegressor(), with_missing, trap=NAN),
    case("DecisionTreeRegressor-frame", DecisionTreeRegressor(), number_frame),
    case(
        "DecisionTreeRegressor-monotonic",
        DecisionTreeRegressor(monotonic_cst=[1, 0, 0, -1, 0]),
        regression,
    ),
    case("DecisionTreeClassifier", DecisionTreeClassifier(), classes),
    case("DecisionTreeClassifier-binary", DecisionTreeClassifier(max_depth=4), binary),
    case("DecisionTreeClassifier-text", DecisionTreeClassifier(max_depth=3), of(("a", "ß", "東"))),
    case("DecisionTreeClassifier-bool", DecisionTreeClassifier(max_depth=3), of((False, True))),
    case("DecisionTreeClassifier-float", DecisionTreeClassifier(max_depth=3), of((1.0, 3.0, 4.0))),
    case("DecisionTreeClassifier-int", DecisionTreeClassifier(max_depth=3), of((-5, 7, 100))),
    case(
        "DecisionTreeClassifier-balanced",
        DecisionTreeClassifier(max_depth=4, class_weight="balanced"),
        classes,
    ),
    case(
        "DecisionTreeClassifier-one-class",
        DecisionTreeClassifier(),
        lambda: (numbers(), np.ones(ROWS, dtype=int)),
    ),
    case("DecisionTreeClassifier-nan", DecisionTreeClassifier(), missing_classes(), trap=NAN),
    case("DecisionTreeClassifier-ties", DecisionTreeClassifier(max_depth=2), tied_three, trap=TIES),
    case("DecisionTreeClassifier-outputs", DecisionTreeClassifier(max_depth=3), multilabel),
    case(
        "DecisionTreeClassifier-outputs-mixed", DecisionTreeClassifier(max_depth=4), two_and_three
    ),
    case("RandomForestClassifier-outputs", RandomForestClassifier(7, max_depth=4), multilabel),
    case("ExtraTreesClassifier-outputs-mixed", ExtraTreesClassifier(7, max_depth=4), two_and_three),
    case("ExtraTreeRegressor", ExtraTreeRegressor(), regression),
    case("ExtraTreeClassifier", ExtraTreeClassifier(), classes),
    case("RandomForestRegressor", RandomForestRegressor(10), regression),
    case("RandomForestRegressor-nan", RandomForestRegressor(10), with_missing, trap=NAN),
    case(
        "RandomForestRegressor-outputs", RandomForestRegressor(8, max_depth=6), lambda: targets(3)
    ),
    case(
        "RandomForestRegressor-poisson",
        RandomForestRegressor(5, criterion="poisson", max_depth=4),
        counts,
    ),
    case(
        "RandomForestRegressor-large-target", RandomForestRegressor(10, max_depth=5), large_target
    ),
    case("RandomForestClassifier", RandomForestClassifier(10), classes),
    case("RandomForestClassifier-binary", RandomForestClassifier(10), binary, trap=TIES),
    case("RandomForestClassifier-ties", RandomForestClassifier(10), tied, trap=TIES),
    case(
        "RandomForestClassifier-ties-shallow",
        RandomForestClassifier(6, max_depth=2),
        tied,
        trap=TIES,
    ),
    case(
        "RandomForestClassifier-ties-three",
        RandomForestClassifier(6, max_depth=2, bootstrap=False, max_features=1),
        tied_three,
        trap=TIES,
    ),
    case("RandomForestClassifier-nan", RandomForestClassifier(10), missing_classes(3), trap=NAN),
    case("RandomForestClassifier-text", RandomForestClassifier(8, max_depth=4), of(("no", "yes"))),
    case(
        "RandomForestClassifier-many", RandomForestClassifier(60, max_depth=3), lambda: classes(6)
    ),
    case(
        "RandomForestClassifier-weights",
        RandomForestClassifier(8, class_weight="balanced_subsample"),
        classes,
    ),
    case("ExtraTreesRegressor", ExtraTreesRegressor(10), regression),
    case("ExtraTreesRegressor-nan", ExtraTreesRegressor(10), with_missing, trap=NAN),
    case("ExtraTreesClassifier", ExtraTreesClassifier(10), classes),
    case("ExtraTreesClassifier-nan", ExtraTreesClassifier(10), missing_classes(), trap=NAN),
    case("RandomTreesEmbedding", RandomTreesEmbedding(6, max_depth=3), alone),
    case(
        "RandomTreesEmbedding-dense",
        RandomTreesEmbedding(3, max_leaf_nodes=5, sparse_output=False),
        alone,
    ),
    case("IsolationForest", IsolationForest(n_estimators=20), alone, trap=ML3),
    case(
        "IsolationForest-contamination", IsolationForest(n_estimators=20, contamination=0.1), alone
    ),
    case(
        "IsolationForest-columns",
        IsolationForest(n_estimators=15, max_features=0.6, max_samples=64),
        alone,
    ),
    case(
        "IsolationForest-nan", IsolationForest(n_estimators=15), lambda: (with_missing()[0], None)
    ),
]
