"""What a variant loses on rows that it has not seen: as measured, and with a margin for chance."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np

from toolkit import metrics
from toolkit.bundle import Rows
from toolkit.metrics import Outputs, Scale

# One-sided 95 %: where a budget is kept with this margin on the choosing rows, it is kept on 19 of
# 20 other draws of rows like them.
CONFIDENCE = 1.645

# Rows between two rows, a share of the way from the first. The estimator was fitted on most of the
# calibration rows, so that a classifier is surer of them than of others: on digits, a network in
# 2 bits kept 100 % of their labels and 98.0 % of the test rows', with 40 times the NMSE there. Rows
# a third of the way to another one (shares vary, or values on a lattice would meet the thresholds
# of trees in the middle between two) told both as the test rows did.
BETWEEN, SHARES, SEED = 2048, (0.2, 0.4), 0


@dataclass(frozen=True)
class Figures:
    """Losses by metric, None where the model has no such figure.

    measured: on the rows as they are. judged: what a budget is held against.
    """

    measured: dict[str, float | None]
    judged: dict[str, float | None]


def rows_between(inputs: Mapping[str, np.ndarray], count: int = BETWEEN) -> dict[str, np.ndarray]:
    """Return so many rows that lie between two of the given ones, text as in the nearer one.

    As in Zhang et al., "mixup: Beyond Empirical Risk Minimization" (ICLR 2018), where a share of
    another row makes rows that the data leave out.
    """
    rng = np.random.default_rng(SEED)
    near, far = rng.integers(0, len(next(iter(inputs.values()))), (2, count))
    share = rng.uniform(*SHARES, count)

    def mixed(values: np.ndarray) -> np.ndarray:
        part = share.reshape(-1, *[1] * (values.ndim - 1))
        # So written, two equal values give themselves: trees compare with them.
        between = values[near] + part * (values[far] - values[near])
        return between.astype(values.dtype)

    return {n: mixed(v) if v.dtype.kind == "f" else v[near] for n, v in inputs.items()}


def figures(
    rows: Rows,
    outputs: Outputs,
    regressor: bool,
    promised: int,
    scales: Mapping[str, Scale] | None = None,
) -> Figures:
    """Return what `outputs` lose against scikit-learn's on `rows`.

    nmse, max_abs and agreement as in `toolkit.metrics`, scales as its `nmse` takes them; r2_drop:
    that of a regressor with targets.

    judged: for means the upper bound of their confidence interval, `mean + 1.645 · s / sqrt(N)`;
    max_abs and agreement as measured. promised: the number of rows, those of the evaluation, that
    r2_drop is to be kept on.
    """
    measured: dict[str, float | None] = dict.fromkeys(("nmse", "r2_drop", "agreement", "max_abs"))
    measured["nmse"] = metrics.nmse(rows.outputs, outputs, scales)
    measured["max_abs"] = metrics.max_abs(rows.outputs, outputs)
    if metrics.labelled(rows.outputs):
        measured["agreement"] = metrics.agreement(rows.outputs, outputs)
    judged = dict(measured)
    if shares := metrics.squares(rows.outputs, outputs, scales):
        judged["nmse"] = max(_upper(s[:, k]) for s in shares.values() for k in range(s.shape[1]))
    if regressor and rows.target is not None:
        measured["r2_drop"], judged["r2_drop"] = _r2_drop(rows, outputs, promised)
    return Figures(measured, judged)


def with_between(measured: Figures, reference: Outputs, outputs: Outputs) -> Figures:
    """Return the figures with nmse, max_abs and agreement judged on further rows too.

    reference, outputs: the float graph's and the variant's for `rows_between`.
    """
    other = figures(Rows({}, dict(reference), None), outputs, False, 0).measured
    judged = dict(measured.judged)
    worse: dict[str, Callable[[float, float], float]] = {
        "nmse": max,
        "max_abs": max,
        "agreement": min,
    }
    for name, choose in worse.items():
        own, further = judged[name], other[name]
        if own is not None and further is not None:
            judged[name] = choose(own, further)
    return replace(measured, judged=judged)


def loss(reference: Outputs, outputs: Outputs) -> float:
    """Return the NMSE; where there are no numbers, the share of other labels."""
    error = metrics.nmse(reference, outputs)
    return 1.0 - metrics.agreement(reference, outputs) if error is None else error


def _upper(values: np.ndarray) -> float:
    """Return the upper end of the mean's confidence interval."""
    mean = float(values.mean()) if len(values) else 0.0
    if len(values) < 2 or not np.isfinite(mean):
        return mean
    return mean + CONFIDENCE * float(values.std(ddof=1)) / len(values) ** 0.5


def _r2_drop(rows: Rows, outputs: Outputs, promised: int) -> tuple[float, float]:
    """Return R² lost, as measured and as judged.

    With the error e and scikit-learn's residual r, `drop = (mean(e²) − 2 mean(e · r)) / var(y)`.
    The first term is what every set of rows shows. The second is larger by chance than in truth:
    of what is measured, what is beyond chance on these rows counts, and what it may be by chance on
    so many rows as `promised`.
    """
    target = np.asarray(rows.target, dtype=np.float64).reshape(len(rows), -1)
    expected = rows.outputs["variable"].reshape(target.shape)
    error = np.asarray(outputs["variable"], dtype=np.float64).reshape(target.shape) - expected
    if not np.isfinite(error).all():
        return np.inf, np.inf
    # As r2_score of several targets: the mean of each one's R².
    spread = target.var(axis=0)
    spread = np.where(spread > 0, spread, np.inf)
    own = (np.square(error) / spread).mean(axis=1)
    cross = (2 * error * (expected - target) / spread).mean(axis=1)
    chance = _upper(cross) - float(cross.mean())
    ahead = chance * (len(rows) / max(promised, 1)) ** 0.5
    judged = _upper(own) + max(0.0, float(cross.mean()) - chance) + ahead
    return float((own + cross).mean()), judged
