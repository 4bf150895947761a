"""Votes, means and stacks."""

from __future__ import annotations

from sklearn.ensemble import (
    HistGradientBoostingClassifier,
    RandomForestClassifier,
    RandomForestRegressor,
    StackingClassifier,
    StackingRegressor,
    VotingClassifier,
    VotingRegressor,
)
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.multioutput import MultiOutputClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.svm import SVR, LinearSVC

from tests.estimators.data import binary, classes, multilabel, regression
from tests.estimators.fitting import columns, fitted, four, leaf, mixed, text2, text3, tree
from tests.estimators.harness import Case, case

FLATTEN = "VotingClassifier needs flatten_transform=False; a later skl2onnx may mend it"


def mlp() -> MLPClassifier:
    return MLPClassifier((5,), max_iter=40, random_state=0)


def several() -> MultiOutputClassifier:
    return MultiOutputClassifier(LogisticRegression())


def voters() -> list:
    return [("a", LogisticRegression()), ("b", tree()), ("c", mlp())]


def models() -> list:
    return [("a", Ridge()), ("b", leaf()), ("c", SVR(C=0.5))]


CASES = [
    case("VotingClassifier", VotingClassifier(voters()), classes, trap=FLATTEN),
    case("VotingClassifier-hard-text", VotingClassifier(voters()), text3, trap=FLATTEN),
    case(
        "VotingClassifier-hard-weights", VotingClassifier(voters(), weights=[0.1, 0.2, 0.3]), four
    ),
    case("VotingClassifier-hard-even", VotingClassifier(voters()[:2]), four),
    case("VotingClassifier-soft", VotingClassifier(voters(), voting="soft"), classes, trap=FLATTEN),
    case(
        "VotingClassifier-soft-weights",
        VotingClassifier(voters(), voting="soft", weights=[1, 2, 0.5]),
        text2,
        trap=FLATTEN,
    ),
    case(
        "VotingClassifier-soft-ties",
        VotingClassifier([("a", tree(9)), ("b", tree(9, splitter="random"))], voting="soft"),
        four,
    ),
    case(
        "VotingClassifier-unflattened",
        VotingClassifier(voters(), voting="soft", flatten_transform=False),
        binary,
    ),
    case(
        "VotingClassifier-drop",
        VotingClassifier([*voters(), ("d", "drop")], weights=[1, 2, 3, 4]),
        binary,
    ),
    case(
        "VotingClassifier-step",
        make_pipeline(VotingClassifier(voters(), voting="soft"), LogisticRegression()),
        classes,
    ),
    case(
        "VotingClassifier-hard-step",
        make_pipeline(VotingClassifier(voters()), LogisticRegression()),
        classes,
    ),
    case(
        "VotingClassifier-mixed-frame",
        VotingClassifier([("a", columns(tree())), ("b", columns(mlp()))], voting="soft"),
        mixed,
    ),
    case("VotingRegressor", VotingRegressor(models()), regression),
    case(
        "VotingRegressor-weights",
        VotingRegressor([*models(), ("d", "drop")], weights=[1, 2, 3, 9]),
        regression,
    ),
    case("VotingRegressor-step", make_pipeline(VotingRegressor(models()), Ridge()), regression),
    case("StackingRegressor", StackingRegressor(models(), cv=2), regression),
    case(
        "StackingRegressor-passthrough",
        StackingRegressor(models(), leaf(), cv=2, passthrough=True),
        regression,
    ),
    case(
        "StackingRegressor-drop",
        StackingRegressor([*models(), ("d", "drop")], Ridge(), cv=2),
        regression,
    ),
    Case(
        "StackingRegressor-prefit",
        lambda: fitted(
            StackingRegressor([("a", Ridge().fit(*regression()))], cv="prefit"), regression()
        ),
    ),
    case(
        "StackingRegressor-step",
        make_pipeline(StackingRegressor(models(), cv=2), Ridge()),
        regression,
    ),
    case("StackingClassifier", StackingClassifier(voters(), cv=2), classes),
    case("StackingClassifier-binary-text", StackingClassifier(voters(), cv=2), text2),
    case("StackingClassifier-text", StackingClassifier(voters(), tree(), cv=2), text3),
    case(
        "StackingClassifier-passthrough",
        StackingClassifier(voters(), LinearSVC(), cv=2, passthrough=True),
        classes,
    ),
    case(
        "StackingClassifier-decision",
        StackingClassifier(
            [("a", LinearSVC()), ("b", LogisticRegression())],
            stack_method="decision_function",
            cv=2,
        ),
        binary,
    ),
    case(
        "StackingClassifier-predict",
        StackingClassifier(voters(), stack_method="predict", cv=2),
        text3,
    ),
    case("StackingClassifier-drop", StackingClassifier([*voters(), ("d", "drop")], cv=2), binary),
    case(
        "StackingClassifier-multilabel",
        StackingClassifier([("a", several()), ("b", several())], several(), cv=2),
        multilabel,
    ),
    # Forests have a length: numpy would take a list of them and of others for a ragged array.
    case(
        "StackingRegressor-forest",
        StackingRegressor([("a", RandomForestRegressor(4, random_state=0)), ("b", SVR())], cv=2),
        regression,
    ),
    case(
        "VotingClassifier-forest",
        VotingClassifier(
            [
                ("a", RandomForestClassifier(5, random_state=0)),
                ("b", HistGradientBoostingClassifier(max_iter=5)),
            ],
            voting="soft",
        ),
        classes,
    ),
]
