"""Meta-estimators over support vector classifiers, whose scores have signs of their own."""

from __future__ import annotations

from functools import partial

from sklearn.calibration import CalibratedClassifierCV
from sklearn.ensemble import StackingClassifier, VotingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import FixedThresholdClassifier, GridSearchCV
from sklearn.multiclass import OneVsOneClassifier, OneVsRestClassifier, OutputCodeClassifier
from sklearn.multioutput import ClassifierChain, MultiOutputClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC, NuSVC

from tests.estimators.data import binary, classes, labelled, multilabel
from tests.estimators.fitting import text2, text3, tree
from tests.estimators.harness import case

OVR = "OneVsRestClassifier: no label of OneVsRest(SVC) is right; a later skl2onnx may mend it"
SIGN = "SVC: the sign of binary scores is flipped; a later skl2onnx may mend it"
TWO = [("a", SVC()), ("b", LogisticRegression())]

CASES = [
    case("OneVsRestClassifier-SVC", OneVsRestClassifier(SVC()), classes, trap=OVR),
    case("OneVsRestClassifier-SVC-binary", OneVsRestClassifier(SVC()), binary, trap=OVR),
    case("OneVsRestClassifier-SVC-linear", OneVsRestClassifier(SVC(kernel="linear")), text3, OVR),
    case("OneVsRestClassifier-NuSVC", OneVsRestClassifier(NuSVC(nu=0.2)), text3, trap=OVR),
    case("OneVsRestClassifier-SVC-multilabel", OneVsRestClassifier(SVC()), multilabel, trap=OVR),
    case("OneVsOneClassifier-SVC", OneVsOneClassifier(SVC()), partial(labelled, (5, -3, 8))),
    case("OneVsOneClassifier-SVC-binary", OneVsOneClassifier(SVC()), text2, trap=SIGN),
    case("OutputCodeClassifier-SVC", OutputCodeClassifier(SVC(), random_state=0), classes),
    case("CalibratedClassifierCV-SVC", CalibratedClassifierCV(SVC(), cv=2), binary, trap=SIGN),
    case(
        "CalibratedClassifierCV-SVC-isotonic",
        CalibratedClassifierCV(SVC(), method="isotonic", cv=2),
        text3,
    ),
    case(
        "FixedThresholdClassifier-SVC",
        FixedThresholdClassifier(SVC(), threshold=0.2, pos_label="no"),
        text2,
        trap=SIGN,
    ),
    case("StackingClassifier-SVC", StackingClassifier(TWO, cv=2), binary, trap=SIGN),
    case("StackingClassifier-SVC-classes", StackingClassifier(TWO, tree(), cv=2), text3),
    case("VotingClassifier-SVC", VotingClassifier(TWO), text3),
    case("ClassifierChain-SVC", ClassifierChain(SVC()), multilabel),
    case("MultiOutputClassifier-SVC", MultiOutputClassifier(SVC()), multilabel),
    case("GridSearchCV-SVC", GridSearchCV(SVC(), {"C": [0.5, 2.0]}, cv=2), text2, trap=SIGN),
    case("Pipeline-scaled-SVC", make_pipeline(StandardScaler(), SVC()), binary, trap=SIGN),
]
