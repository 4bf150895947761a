"""What every method makes of every recipe, on the rows that the recipe holds out.

The one table of tolerances: a method or recipe without a line here fails a test. A limit is about
twice what was measured, so that another release of a library passes and another mistake does not;
where it is wider or narrower than that, a comment says why.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Regressor:
    """Limits against scikit-learn: the change of R², of any one value, and MSE over variance."""

    r2: float
    max_abs: float
    nmse: float
    bytes: int | None = None
    batch: float = 1e-5  # how far a row may move when it is run alone


@dataclass(frozen=True)
class Classifier:
    """Limits against scikit-learn: the share of equal labels, and the probabilities."""

    agreement: float
    max_abs: float
    nmse: float
    bytes: int | None = None
    batch: float = 1e-5


@dataclass(frozen=True)
class Refused:
    """Nothing is kept: the status, and what the reason has to say."""

    status: str
    reason: str


Cell = Regressor | Classifier | Refused

LARGER = Refused("not-applicable", r"larger: \d+ bytes against \d+ of model.onnx")
NOTHING_TO_DO = Refused("not-applicable", "quantize_dynamic changed nothing")
NO_KERNELS = Refused("not-applicable", "no sums of Gaussian kernels")
NO_WEIGHTS = Refused("not-applicable", "no weight matrix among its initializers")
# A batch's largest activation sets the grid for all its rows, and one house has 1243 people.
COARSE = Refused("failed", r"normalised MSE [\d.e+-]+ on the calibration rows .*, limit 0.001")
NO_PRODUCTS = Refused("not-applicable", "no product of float32 numbers with 16 inputs or more")
TAILS = Refused("not-applicable", "operands of (8|16) bits cost too much accuracy in every product")
TOO_FEW = Refused("not-applicable", r"the largest parameter has \d+ numbers: codes, their scales")
NO_HALF = Refused("not-applicable", "TreeEnsemble has no form in half precision")
NO_FLOATS = Refused("not-applicable", "no weight matrix or vector in float32 to halve")

# What most recipes of a kind share; a recipe's own lines come after it and say what differs.
REGRESSORS: dict[str, Cell] = {
    "float32-pack": Regressor(r2=1e-6, max_abs=2e-5, nmse=1e-10),
    "reduced-set-pack": NO_KERNELS,
}
CLASSIFIERS: dict[str, Cell] = {
    "float32-pack": Classifier(agreement=1.0, max_abs=1e-5, nmse=1e-10),
    "reduced-set-pack": NO_KERNELS,
}
NO_INTEGERS: dict[str, Cell] = {"static-a16w8": NO_PRODUCTS, "static-int8": NO_PRODUCTS}
TREES: dict[str, Cell] = {
    "dynamic-int8": NOTHING_TO_DO,
    "dynamic-uint8": NOTHING_TO_DO,
    "float16": NO_WEIGHTS,
    "float16-compute": NO_HALF,
    **NO_INTEGERS,
    "weight-uint4": NO_WEIGHTS,
    "weight-uint8": NO_WEIGHTS,
}
FEW_WEIGHTS: dict[str, Cell] = {
    "dynamic-int8": NOTHING_TO_DO,
    "dynamic-uint8": LARGER,
    "float16": LARGER,
    "float16-compute": LARGER,
    **NO_INTEGERS,
    "weight-uint4": TOO_FEW,
    "weight-uint8": TOO_FEW,
}

MATRIX: dict[str, dict[str, Cell]] = {
    "california-forest": {
        **REGRESSORS,
        **TREES,
        "uint16-pack": Regressor(r2=1e-6, max_abs=1e-4, nmse=1e-9),
        "uint4-pack": Regressor(r2=2e-3, max_abs=0.8, nmse=1.5e-3),
        "uint8-pack": Regressor(r2=1e-4, max_abs=4e-3, nmse=6e-7),
    },
    "california-gbm": {
        **REGRESSORS,
        **TREES,
        "float16-compute": NO_FLOATS,
        "float32-pack": Regressor(r2=1e-9, max_abs=1e-9, nmse=1e-12),
        "uint16-pack": Regressor(r2=1e-5, max_abs=5e-3, nmse=1e-6),
        "uint4-pack": Regressor(r2=6e-3, max_abs=1.5, nmse=5e-3),
        "uint8-pack": Regressor(r2=1e-4, max_abs=0.012, nmse=4e-6),
    },
    "california-linear": {
        **REGRESSORS,
        **FEW_WEIGHTS,
        # The bytes are those that the project promises for this model.
        "float32-pack": Regressor(r2=1e-6, max_abs=2e-5, nmse=1e-10, bytes=96),
        "uint16-pack": Regressor(r2=1e-6, max_abs=4e-4, nmse=1e-9),
        "uint4-pack": Regressor(r2=1e-5, max_abs=3e-3, nmse=5e-8),
        "uint8-pack": Regressor(r2=1e-4, max_abs=0.012, nmse=3e-6, bytes=192),
    },
    "california-linear-scaled": {
        **REGRESSORS,
        **FEW_WEIGHTS,
        "uint16-pack": Regressor(r2=1e-6, max_abs=4e-4, nmse=1e-9),
        "uint4-pack": Regressor(r2=1e-5, max_abs=3e-3, nmse=5e-8),
        "uint8-pack": Regressor(r2=1.5e-4, max_abs=0.012, nmse=2e-6),
    },
    "california-mlp": {
        **REGRESSORS,
        "dynamic-int8": COARSE,
        "dynamic-uint8": COARSE,
        "float16": Regressor(r2=1e-4, max_abs=0.02, nmse=1e-6),
        "float16-compute": Regressor(r2=2e-4, max_abs=0.02, nmse=1e-6),
        "float32-pack": Regressor(r2=1e-6, max_abs=5e-5, nmse=1e-10),
        # Another path of the optimizer gives other weights: three times what was measured.
        "static-a16w8": Regressor(r2=2e-4, max_abs=0.05, nmse=1e-5),
        "static-int8": TAILS,
        "weight-uint4": Regressor(r2=0.003, max_abs=1.0, nmse=1e-3),
        "weight-uint8": Regressor(r2=5e-4, max_abs=0.1, nmse=4e-5),
        "uint16-pack": Regressor(r2=1e-5, max_abs=1e-3, nmse=6e-9),
        "uint4-pack": Regressor(r2=2e-3, max_abs=1.0, nmse=2e-3),
        "uint8-pack": Regressor(r2=2e-4, max_abs=0.04, nmse=4e-6),
    },
    "california-poly": {
        **REGRESSORS,
        **FEW_WEIGHTS,
        "dynamic-int8": LARGER,
        "float32-pack": Regressor(r2=1e-6, max_abs=5e-5, nmse=1e-10),
        "uint16-pack": Regressor(r2=6e-5, max_abs=0.02, nmse=5e-8),
        "uint4-pack": Regressor(r2=2e-5, max_abs=0.012, nmse=1e-6),
        # One row has products of features 10,000 times the usual: it alone makes up max_abs.
        "uint8-pack": Regressor(r2=2e-5, max_abs=0.012, nmse=1e-6),
        "weight-uint4": LARGER,
        "weight-uint8": LARGER,
    },
    "california-svr": {
        **REGRESSORS,
        **NO_INTEGERS,
        "dynamic-int8": NOTHING_TO_DO,
        "dynamic-uint8": NOTHING_TO_DO,
        "float16": Regressor(r2=0.003, max_abs=0.11, nmse=8e-4),
        "float16-compute": Refused("not-applicable", "If holds a graph of its own"),
        "float32-pack": Regressor(r2=1e-6, max_abs=2e-4, nmse=1e-9, batch=1e-4),
        # Kernels narrow enough, and duals at ±5: every vector matters.
        "reduced-set-pack": Refused("not-applicable", r"\d+ of the \d+ points do not keep"),
        # Nine bits a number: eight take 68 kB, and lose four times as much.
        "uint8-pack": Regressor(r2=2e-4, max_abs=0.2, nmse=1e-4, bytes=80_000, batch=1e-4),
        "weight-uint4": Regressor(r2=0.02, max_abs=2.0, nmse=0.012, batch=1e-4),
        "weight-uint8": Regressor(r2=3e-4, max_abs=0.2, nmse=8e-5, batch=1e-4),
        "uint16-pack": Regressor(r2=1.5e-4, max_abs=0.02, nmse=3e-5, batch=1e-4),
        "uint4-pack": Refused("failed", r"normalised MSE [\d.e+-]+ on the calibration rows"),
    },
    "digits-logistic": {
        **CLASSIFIERS,
        # Grids of the whole batch: one row's neighbours may move its probabilities.
        "dynamic-int8": Classifier(agreement=0.99, max_abs=0.3, nmse=2e-3, batch=0.3),
        "dynamic-uint8": Classifier(agreement=0.99, max_abs=0.3, nmse=2e-3, batch=0.3),
        "float16": Classifier(agreement=1.0, max_abs=2e-3, nmse=1e-7),
        "float16-compute": Classifier(agreement=1.0, max_abs=2e-3, nmse=1e-7),
        "uint16-pack": Classifier(agreement=1.0, max_abs=2e-4, nmse=1e-9),
        "uint4-pack": Classifier(agreement=0.99, max_abs=0.35, nmse=3e-3),
        "uint8-pack": Classifier(agreement=0.997, max_abs=0.02, nmse=1e-5),
        "static-a16w8": Classifier(agreement=0.997, max_abs=0.04, nmse=2e-5),
        "static-int8": Classifier(agreement=0.99, max_abs=0.9, nmse=3e-3),
        "weight-uint4": Classifier(agreement=0.99, max_abs=0.4, nmse=2e-3),
        "weight-uint8": Classifier(agreement=0.995, max_abs=0.03, nmse=1e-5),
    },
    "digits-mlp": {
        **CLASSIFIERS,
        "dynamic-int8": Classifier(agreement=0.99, max_abs=0.3, nmse=2e-3, batch=0.3),
        "dynamic-uint8": Classifier(agreement=0.99, max_abs=0.3, nmse=2e-3, batch=0.3),
        "float16": Classifier(agreement=0.997, max_abs=2e-3, nmse=1e-7),
        "float16-compute": Classifier(agreement=0.997, max_abs=2e-3, nmse=1e-7),
        "uint16-pack": Classifier(agreement=0.997, max_abs=5e-4, nmse=1e-9),
        "uint4-pack": Classifier(agreement=0.98, max_abs=0.7, nmse=3e-3),
        "uint8-pack": Classifier(agreement=0.995, max_abs=0.08, nmse=4e-5),
        "static-a16w8": Classifier(agreement=0.997, max_abs=0.04, nmse=1e-5),
        "static-int8": Classifier(agreement=0.99, max_abs=0.8, nmse=2e-3),
        "weight-uint4": Classifier(agreement=0.99, max_abs=0.5, nmse=2e-3),
        "weight-uint8": Classifier(agreement=0.995, max_abs=0.06, nmse=1e-5),
    },
    "mixed-pipeline": {
        **CLASSIFIERS,
        "dynamic-int8": LARGER,
        "dynamic-uint8": LARGER,
        "float16": LARGER,
        "float16-compute": Refused("not-applicable", "has no form in half precision"),
        "uint16-pack": Classifier(agreement=0.998, max_abs=2e-4, nmse=2e-8),
        "uint4-pack": Classifier(agreement=0.98, max_abs=0.06, nmse=5e-4),
        "uint8-pack": Classifier(agreement=0.99, max_abs=0.03, nmse=1e-4),
        "static-a16w8": LARGER,
        "static-int8": LARGER,
        "weight-uint4": LARGER,
        "weight-uint8": TOO_FEW,
    },
    "wine-forest": {
        **CLASSIFIERS,
        **TREES,
        "uint16-pack": Classifier(agreement=1.0, max_abs=1e-4, nmse=1e-8),
        "uint4-pack": Classifier(agreement=1.0, max_abs=1e-4, nmse=1e-8),
        "uint8-pack": Classifier(agreement=1.0, max_abs=1e-4, nmse=1e-8),
    },
}


# model.onnx itself, by task: the proof's own tolerance, and no label may differ.
FLOAT = {
    "regressor": Regressor(r2=1e-6, max_abs=5e-4, nmse=1e-9, batch=1e-4),
    "classifier": Classifier(agreement=1.0, max_abs=1e-5, nmse=1e-10),
}
