"""Estimators in skops files: written byte for byte the same each time, loaded only if trusted."""

from __future__ import annotations

import sys
import zipfile
from collections.abc import Collection
from typing import Any

from toolkit.errors import InvalidInput, first_line
from toolkit.estimators.canonical import canonical
from toolkit.estimators.restored import check_restored
from toolkit.estimators.restored.files import check_calls, check_sizes
from toolkit.estimators.restored.refusal import Damaged

# Types outside skops' own default list that hold data and run nothing when they are restored, and
# functions that are kept by name. A file may have any of them called while it is restored, with
# arguments of its choosing, and may set an object's state at will: none may run code or write a
# file then. Not scipy's frozen distributions: restoring one executes a template that the file
# holds.
TRUSTED = frozenset(
    {
        "builtins.object",
        "builtins.range",
        "builtins.slice",
        "catboost.core.CatBoost",
        "catboost.core.CatBoostClassifier",
        "catboost.core.CatBoostRanker",
        "catboost.core.CatBoostRegressor",
        "collections.OrderedDict",
        "functools.partial",
        "lightgbm.basic.Booster",
        "lightgbm.sklearn.LGBMClassifier",
        "lightgbm.sklearn.LGBMRanker",
        "lightgbm.sklearn.LGBMRegressor",
        "numpy.clip",
        "numpy.bool",
        "numpy.dtype",
        "numpy.float32",
        "numpy.float64",
        "numpy.floating",
        "numpy.int32",
        "numpy.int64",
        "numpy.integer",
        "numpy.max",
        "numpy.mean",
        "numpy.median",
        "numpy.min",
        "numpy.number",
        "numpy.sum",
        "scipy._lib.array_api_compat.numpy._aliases.asarray",
        "scipy.interpolate._bsplines.BSpline",
        "scipy.sparse._csr.csr_matrix",
        "sklearn._loss.loss.HalfTweedieLoss",
        "sklearn._loss.loss.HalfTweedieLossIdentity",
        "sklearn.calibration._CalibratedClassifier",
        "sklearn.calibration._SigmoidCalibration",
        "sklearn.calibration._TemperatureScaling",
        "sklearn.cluster._bisect_k_means._BisectingTree",
        "sklearn.cluster._kmeans._kmeans_single_elkan",
        "sklearn.cluster._kmeans._kmeans_single_lloyd",
        "sklearn.compose._column_transformer.make_column_selector",
        "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",
        "sklearn.feature_selection._mutual_info.mutual_info_classif",
        "sklearn.feature_selection._mutual_info.mutual_info_regression",
        "sklearn.feature_selection._univariate_selection.chi2",
        "sklearn.feature_selection._univariate_selection.f_classif",
        "sklearn.feature_selection._univariate_selection.f_regression",
        "sklearn.gaussian_process._gpc._BinaryGaussianProcessClassifierLaplace",
        "sklearn.gaussian_process.kernels.CompoundKernel",
        "sklearn.gaussian_process.kernels.ConstantKernel",
        "sklearn.gaussian_process.kernels.DotProduct",
        "sklearn.gaussian_process.kernels.ExpSineSquared",
        "sklearn.gaussian_process.kernels.Exponentiation",
        "sklearn.gaussian_process.kernels.Matern",
        "sklearn.gaussian_process.kernels.PairwiseKernel",
        "sklearn.gaussian_process.kernels.Product",
        "sklearn.gaussian_process.kernels.RBF",
        "sklearn.gaussian_process.kernels.RationalQuadratic",
        "sklearn.gaussian_process.kernels.Sum",
        "sklearn.gaussian_process.kernels.WhiteKernel",
        "sklearn.impute._iterative._ImputerTriplet",
        "sklearn.metrics._classification.accuracy_score",
        "sklearn.metrics._classification.balanced_accuracy_score",
        "sklearn.metrics._classification.f1_score",
        "sklearn.metrics._classification.precision_score",
        "sklearn.metrics._classification.recall_score",
        "sklearn.metrics._dist_metrics.BrayCurtisDistance64",
        "sklearn.metrics._dist_metrics.CanberraDistance64",
        "sklearn.metrics._dist_metrics.ChebyshevDistance64",
        "sklearn.metrics._dist_metrics.DiceDistance64",
        "sklearn.metrics._dist_metrics.EuclideanDistance64",
        "sklearn.metrics._dist_metrics.HammingDistance64",
        "sklearn.metrics._dist_metrics.HaversineDistance64",
        "sklearn.metrics._dist_metrics.JaccardDistance64",
        "sklearn.metrics._dist_metrics.MahalanobisDistance64",
        "sklearn.metrics._dist_metrics.ManhattanDistance64",
        "sklearn.metrics._dist_metrics.MinkowskiDistance64",
        "sklearn.metrics._dist_metrics.RogersTanimotoDistance64",
        "sklearn.metrics._dist_metrics.RussellRaoDistance64",
        "sklearn.metrics._dist_metrics.SEuclideanDistance64",
        "sklearn.metrics._dist_metrics.SokalSneathDistance64",
        "sklearn.metrics._dist_metrics.YuleDistance64",
        "sklearn.metrics._scorer._CurveScorer",
        "sklearn.metrics._scorer._PassthroughScorer",
        "sklearn.metrics._scorer._Scorer",
        "sklearn.model_selection._search_successive_halving.HalvingGridSearchCV",
        "sklearn.model_selection._search_successive_halving.HalvingRandomSearchCV",
        "sklearn.model_selection._split.GroupKFold",
        "sklearn.model_selection._split.GroupShuffleSplit",
        "sklearn.model_selection._split.KFold",
        "sklearn.model_selection._split.LeaveOneGroupOut",
        "sklearn.model_selection._split.LeaveOneOut",
        "sklearn.model_selection._split.LeavePGroupsOut",
        "sklearn.model_selection._split.LeavePOut",
        "sklearn.model_selection._split.PredefinedSplit",
        "sklearn.model_selection._split.RepeatedKFold",
        "sklearn.model_selection._split.RepeatedStratifiedKFold",
        "sklearn.model_selection._split.ShuffleSplit",
        "sklearn.model_selection._split.StratifiedGroupKFold",
        "sklearn.model_selection._split.StratifiedKFold",
        "sklearn.model_selection._split.StratifiedShuffleSplit",
        "sklearn.model_selection._split.TimeSeriesSplit",
        "sklearn.model_selection._split._CVIterableWrapper",
        "sklearn.multiclass._ConstantPredictor",
        "sklearn.neighbors._ball_tree.BallTree",
        "sklearn.neighbors._kd_tree.KDTree",
        "sklearn.neural_network._stochastic_optimizers.AdamOptimizer",
        "sklearn.neural_network._stochastic_optimizers.SGDOptimizer",
        "sklearn.tree._tree.Tree",
        "sklearn.utils._bunch.Bunch",
        "sklearn.utils._metadata_requests.MetadataRequest",
        "sklearn.utils._metadata_requests.MethodMetadataRequest",
        "sklearn.utils.validation.check_array",
        "toolkit.exporter.raw_boosters.BoosterClassifier",
        # Experimental ones, which skops knows only where they were enabled before it.
        "sklearn.impute._iterative.IterativeImputer",
        "toolkit.exporter.raw_boosters.BoosterRegressor",
        "xgboost.core.Booster",
        "xgboost.sklearn.XGBClassifier",
        "xgboost.sklearn.XGBRFClassifier",
        "xgboost.sklearn.XGBRFRegressor",
        "xgboost.sklearn.XGBRanker",
        "xgboost.sklearn.XGBRegressor",
    }
)


def dump_estimator(estimator: Any, trusted: Collection[str] = ()) -> bytes:
    """Return the estimator as a skops file that is the same for equal estimators.

    skops numbers its objects by their addresses, names files by these or at random and stamps the
    time, and records have gaps; all that is made canonical here. trusted: types beside TRUSTED.
    Raises InvalidInput where skops cannot hold the estimator, or it holds a type that would not be
    restored.
    """
    import skops.io

    try:
        # It makes all of the file in memory, twice.
        content = skops.io.dumps(estimator, compression=zipfile.ZIP_DEFLATED, compresslevel=1)
        unknown = _untrusted(content, trusted)
    except Exception as error:
        raise InvalidInput(
            f"{type(estimator).__name__}: cannot be kept as a skops file ({first_line(error)})"
        ) from error
    if unknown:
        raise InvalidInput(f"{type(estimator).__name__}: {_refusal(unknown)}")
    return canonical(content)


def _refusal(unknown: list[str]) -> str:
    """Return why these types and functions are not kept, and what to do."""
    for name in unknown:
        if not _is_found(name):
            return (
                f"holds {name!r}, which no file can hold by its name; what is defined in a module "
                "can be kept"
            )
    return (
        f"holds the type {unknown[0]!r}, which is not kept because restoring it could run code; "
        f"{_trust(unknown)}, or trusted=[…] in Python, keeps it"
    )


def _trust(unknown: list[str]) -> str:
    return " ".join(f"--trust {name}" for name in unknown)


def _is_found(name: str) -> bool:
    """Tell whether the full name of what was in an estimator leads to anything."""
    module, value = name, None
    rest: list[str] = []
    while value is None and module:
        module, _, last = module.rpartition(".")
        rest.insert(0, last)
        value = sys.modules.get(module)
    for part in rest:
        value = getattr(value, part, None)
    return value is not None


def is_kept(value: Any, trusted: Collection[str] = ()) -> bool:
    """Tell whether skops holds a value of which all types are trusted."""
    import skops.io

    try:
        return not _untrusted(skops.io.dumps(value), trusted)
    except Exception:  # whatever its own way of being pickled raises
        return False


def _untrusted(content: bytes, trusted: Collection[str]) -> list[str]:
    import skops.io

    return sorted(set(skops.io.get_untrusted_types(data=content)) - TRUSTED - set(trusted))


def load_estimator(content: bytes, origin: str, trusted: Collection[str] = ()) -> Any:
    """Return the estimator of a skops file; nothing of it runs unless all its types are trusted.

    trusted: types beside TRUSTED that may be restored. Raises InvalidInput where the file is
    damaged, names an untrusted type, would unpack to more than `toolkit.runtime.archive` allows, or
    holds what compiled code cannot follow (see `toolkit.estimators.restored`).
    """
    import skops.io

    try:
        check_sizes(content, origin)
        unknown = _untrusted(content, trusted)
        if not unknown:
            check_calls(content, trusted)
            estimator = skops.io.loads(content, trusted=sorted(TRUSTED.union(trusted)))
            check_restored(estimator)
            return estimator
    except InvalidInput:
        raise
    except Damaged as error:
        raise InvalidInput(
            f"{origin}: is damaged or hostile: {error}; write it again with skops.io.dump"
        ) from None
    except Exception as error:
        raise InvalidInput(
            f"{origin}: is no readable skops file ({type(error).__name__}: {first_line(error)}); "
            "write it again with skops.io.dump"
        ) from error
    raise InvalidInput(
        f"{origin}: holds the type {unknown[0]!r}, which is not trusted because restoring it could "
        f"run code; if you trust its origin, {_trust(unknown)}, or trusted=[…] in Python"
    )
