"""imbalanced-learn: samplers act in fitting alone, its ensembles answer as their parents."""

from __future__ import annotations

import copy
from typing import Any

from toolkit.exporter.conversion import Conversion
from toolkit.exporter.converters.committees import adaboost_classifier, bagging_classifier
from toolkit.exporter.converters.compose import pipeline
from toolkit.exporter.converters.trees import classifier
from toolkit.exporter.values import Outputs, Value


def sampled_pipeline(est: Any, x: Value, g: Conversion) -> Outputs:
    """imblearn.pipeline.Pipeline: scikit-learn's, without the steps that sample."""
    return pipeline(_with_steps(est), x, g)


def sampled_bagging(est: Any, x: Value, g: Conversion) -> Outputs:
    """BalancedBaggingClassifier and EasyEnsembleClassifier: bagging of pipelines that sample."""
    plain = copy.copy(est)
    plain.estimators_ = [_bare(inner) for inner in est.estimators_]
    return bagging_classifier(plain, x, g)


def _bare(est: Any) -> Any:
    """Return the only step of a pipeline that answers rows, or the pipeline where there are more.

    Trees are then the committee's own, and their shares are added as scikit-learn adds them.
    """
    steps = _with_steps(est).steps if hasattr(est, "steps") else []
    return steps[0][1] if len(steps) == 1 else est


def _with_steps(est: Any) -> Any:
    plain = copy.copy(est)
    plain.steps = [(name, step) for name, step in est.steps if not hasattr(step, "fit_resample")]
    return plain


CONVERTERS = {
    "imblearn.BalancedBaggingClassifier": sampled_bagging,
    "imblearn.BalancedRandomForestClassifier": classifier,
    "imblearn.EasyEnsembleClassifier": sampled_bagging,
    "imblearn.Pipeline": sampled_pipeline,
    "imblearn.RUSBoostClassifier": adaboost_classifier,
}
