"""Support vector machines, kernel methods, kernel approximations and Gaussian processes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from sklearn.decomposition import KernelPCA
from sklearn.gaussian_process import GaussianProcessClassifier, GaussianProcessRegressor
from sklearn.gaussian_process.kernels import (
    RBF,
    ConstantKernel,
    DotProduct,
    ExpSineSquared,
    Kernel,
    Matern,
    PairwiseKernel,
    RationalQuadratic,
    WhiteKernel,
)
from sklearn.kernel_approximation import (
    AdditiveChi2Sampler,
    Nystroem,
    PolynomialCountSketch,
    RBFSampler,
    SkewedChi2Sampler,
)
from sklearn.kernel_ridge import KernelRidge
from sklearn.linear_model import SGDOneClassSVM
from sklearn.metrics.pairwise import rbf_kernel
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import KernelCenterer, MinMaxScaler, StandardScaler
from sklearn.svm import SVC, SVR, NuSVC, NuSVR, OneClassSVM

from tests.estimators.data import (
    binary,
    classes,
    labelled,
    numbers,
    positive,
    regression,
    targets,
)
from tests.estimators.harness import Case, case

SIGN = "SVC's and NuSVC's binary decision scores came out with the sign flipped"
NONE = "skl2onnx 1.20 has no converter for it; a later one may"
ERF = (
    "GaussianProcessClassifier got an operator that onnxruntime lacks; a later skl2onnx may mend it"
)
MATERN = "skl2onnx 1.20 refused Matern ν = 2.5; a later one may mend it"


def rows() -> tuple[np.ndarray, None]:
    return numbers(), None


def counts() -> tuple[np.ndarray, None]:
    """Return numbers ≥ 0, zeros among them."""
    return np.maximum(numbers(), 0.0), None


def nonnegative() -> tuple[np.ndarray, np.ndarray]:
    return positive(), regression()[1]


def square() -> tuple[np.ndarray, np.ndarray]:
    """Return a kernel of 60 rows with themselves, and labels."""
    X, y = classes()
    return rbf_kernel(X[:60]), y[:60]


def ranks() -> tuple[np.ndarray, np.ndarray]:
    """Return 60 rows and three labels: small enough for Gaussian processes of classes."""
    X, y = classes()
    return X[:60], y[:60]


def two() -> tuple[np.ndarray, np.ndarray]:
    X, y = labelled(("nein", "ja, ä"))
    return X[:60], y[:60]


def grid() -> tuple[np.ndarray, np.ndarray]:
    """Return points of a grid and symmetric labels: decisions of 0 and equal votes."""
    X = np.stack(np.meshgrid(range(-3, 4), range(-3, 4)), axis=-1).reshape(-1, 2).astype(float)
    return X, (np.arctan2(X[:, 1], X[:, 0]) // (np.pi / 2)).astype(int)


def process(kernel: Kernel | None, **more: Any) -> Callable[[], GaussianProcessRegressor]:
    return lambda: GaussianProcessRegressor(kernel, optimizer=None, **more)


def decider(kernel: Kernel | None, **more: Any) -> Callable[[], GaussianProcessClassifier]:
    return lambda: GaussianProcessClassifier(kernel, optimizer=None, **more)


VECTORS = [
    *(case(f"SVC-{k}", lambda k=k: SVC(kernel=k), binary, trap=SIGN)
      for k in ("rbf", "linear", "poly", "sigmoid")),
    *(case(f"SVC-{k}-classes", lambda k=k: SVC(kernel=k, coef0=0.5, degree=2), classes)
      for k in ("rbf", "linear", "poly", "sigmoid")),
    case("SVC-ovo", lambda: SVC(decision_function_shape="ovo"), lambda: classes(4)),
    case("SVC-ties", lambda: SVC(break_ties=True), lambda: classes(5)),
    case("SVC-symmetric", lambda: SVC(gamma=0.3), grid),
    case("SVC-text", SVC, lambda: labelled(("ä", "b", "c"))),
    case("SVC-bool", SVC, lambda: labelled((False, True)), trap=SIGN),
    case("SVC-precomputed", lambda: SVC(kernel="precomputed"), square),
    case("SVC-weights", lambda: SVC(class_weight="balanced", C=10), lambda: classes(4)),
    case("SVC-scaled", lambda: make_pipeline(StandardScaler(), SVC()), binary, trap=SIGN),
    case("SVC-function", lambda: SVC(kernel=rbf_kernel), classes, refused="kernel=rbf_kernel"),
    case("SVC-platt", lambda: SVC(probability=True, random_state=0), binary, trap=SIGN),
    case("SVC-platt-classes", lambda: SVC(probability=True, random_state=0), classes),
    case("SVC-platt-five", lambda: SVC(probability=True, random_state=0), lambda: classes(5)),
    case("NuSVC", NuSVC, binary, trap=SIGN),
    case("NuSVC-classes", lambda: NuSVC(nu=0.3, kernel="linear"), classes),
    case("NuSVC-platt", lambda: NuSVC(probability=True, random_state=0), classes),
    case("SVR-sigmoid", lambda: SVR(kernel="sigmoid"), regression),
    case("SVR-poly", lambda: SVR(kernel="poly", degree=2), regression),
    case("SVR-precomputed", lambda: SVR(kernel="precomputed"), square),
    case("NuSVR", NuSVR, regression),
    case("OneClassSVM", lambda: OneClassSVM(nu=0.2), rows),
    case("OneClassSVM-poly", lambda: OneClassSVM(kernel="poly", nu=0.3), rows),
    case("OneClassSVM-scaled", lambda: make_pipeline(MinMaxScaler(), OneClassSVM()), rows),
    case("SGDOneClassSVM", lambda: SGDOneClassSVM(random_state=0), rows),
    case(
        "SGDOneClassSVM-sampled",
        lambda: make_pipeline(RBFSampler(random_state=0), SGDOneClassSVM(random_state=0)),
        rows,
    ),
]  # fmt: skip

KERNELS = ["linear", "poly", "rbf", "sigmoid", "laplacian", "cosine"]
METHODS = [
    *(case(f"KernelRidge-{k}", lambda k=k: KernelRidge(kernel=k, alpha=0.5), regression, trap=NONE)
      for k in KERNELS),
    *(case(f"KernelRidge-{k}", lambda k=k: KernelRidge(kernel=k, gamma=0.7), nonnegative, trap=NONE)
      for k in ("chi2", "additive_chi2")),
    case("KernelRidge-outputs", lambda: KernelRidge(kernel="rbf"), targets, trap=NONE),
    case("KernelRidge-precomputed", lambda: KernelRidge(kernel="precomputed"), square, trap=NONE),
    case("KernelRidge-function", lambda: KernelRidge(kernel=lambda a, b: a @ b), regression,
         refused="kernel=<lambda>"),
    *(case(f"KernelPCA-{k}", lambda k=k: KernelPCA(3, kernel=k), rows)
      for k in KERNELS if k != "laplacian"),
    case("KernelCenterer", KernelCenterer, square),
    *(case(f"Nystroem-{k}",
           lambda k=k: Nystroem(kernel=k, n_components=20, random_state=0), rows, trap=NONE)
      for k in KERNELS),
    case("Nystroem-chi2", lambda: Nystroem(kernel="chi2", n_components=9, random_state=0), counts,
         trap=NONE),
    case("RBFSampler", lambda: RBFSampler(gamma=0.5, random_state=0), rows, trap=NONE),
    case("SkewedChi2Sampler", lambda: SkewedChi2Sampler(random_state=0), nonnegative, trap=NONE),
    case("AdditiveChi2Sampler", AdditiveChi2Sampler, counts, trap=NONE),
    case("AdditiveChi2Sampler-4",
         lambda: AdditiveChi2Sampler(sample_steps=4, sample_interval=0.3), counts, trap=NONE),
    case("AdditiveChi2Sampler-1", lambda: AdditiveChi2Sampler(sample_steps=1), counts, trap=NONE),
    case("PolynomialCountSketch", lambda: PolynomialCountSketch(random_state=0), rows, trap=NONE),
    case("PolynomialCountSketch-odd",
         lambda: PolynomialCountSketch(
             gamma=0.5, degree=3, coef0=1.5, n_components=33, random_state=0), rows, trap=NONE),
]  # fmt: skip

PROCESSES = [
    case("GaussianProcessRegressor", process(None), regression),
    case("GaussianProcessRegressor-outputs", process(RBF(2.0), normalize_y=True), targets),
    case("GaussianProcessRegressor-tuned",
         lambda: GaussianProcessRegressor(ConstantKernel() * RBF() + WhiteKernel()),
         lambda: tuple(a[:40] for a in regression())),
    case("GaussianProcessRegressor-columns", process(RBF([1, 2, 0.5, 1, 3.0])), regression),
    case("GaussianProcessRegressor-Matern-0.5", process(Matern(nu=0.5)), regression),
    case("GaussianProcessRegressor-Matern-1.5", process(Matern(nu=1.5)), regression),
    case("GaussianProcessRegressor-Matern-2.5", process(Matern(nu=2.5)), regression, trap=MATERN),
    case("GaussianProcessRegressor-Matern-inf", process(Matern(nu=np.inf)), regression),
    case("GaussianProcessRegressor-Matern-columns",
         process(Matern([1, 2, 0.5, 1, 3.0], nu=2.5), normalize_y=True), targets, trap=MATERN),
    case("GaussianProcessRegressor-Matern-3", process(Matern(nu=3.0)), regression,
         refused="Bessel"),
    case("GaussianProcessRegressor-rational", process(RationalQuadratic(2.0, 0.7)), regression),
    case("GaussianProcessRegressor-periodic",
         process(ExpSineSquared(2.0, 3.0) + WhiteKernel(50.0)), regression),
    case("GaussianProcessRegressor-linear", process(DotProduct() + WhiteKernel()), regression),
    case("GaussianProcessRegressor-sum",
         process(ConstantKernel(2.0) * RBF() + DotProduct(0.5) + WhiteKernel(0.1)), regression),
    case("GaussianProcessRegressor-power", process((RBF() + DotProduct()) ** 2 + WhiteKernel()),
         regression),
    case("GaussianProcessRegressor-pairwise",
         process(PairwiseKernel(metric="laplacian") + WhiteKernel()), regression),
    case("GaussianProcessRegressor-close", process(RBF(5.0), alpha=1e-8), regression),
    case("GaussianProcessRegressor-scaled",
         lambda: make_pipeline(StandardScaler(), process(RBF())()), regression),
    case("GaussianProcessClassifier", decider(None), two, trap=ERF),
    case("GaussianProcessClassifier-kernel",
         decider(ConstantKernel(2.0) * Matern(nu=1.5) + WhiteKernel(0.2)), two, trap=ERF),
    case("GaussianProcessClassifier-linear", decider(DotProduct()), two, trap=ERF),
    case("GaussianProcessClassifier-rest", decider(None), ranks, trap=ERF),
    case("GaussianProcessClassifier-blocks", decider(1.0 * RBF(2.0)), lambda: classes(3), trap=ERF),
    case("GaussianProcessClassifier-steep", decider(1e4 * RBF(2.0)), two, trap=ERF),
    case("GaussianProcessClassifier-pairs", decider(RBF(2.0), multi_class="one_vs_one"), ranks,
         trap=ERF),
    case("GaussianProcessClassifier-tuned", GaussianProcessClassifier,
         lambda: tuple(a[:30] for a in two()), trap=ERF),
]  # fmt: skip

CASES: list[Case] = [*VECTORS, *METHODS, *PROCESSES]
