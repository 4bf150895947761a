"""Whether a variant may be kept: opened, replayed, measured against its method's limits."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import ModuleType
from typing import Any

import numpy as np
import onnx

from toolkit.bundle import (
    FAILED,
    LARGER,
    NO_OP,
    NOT_APPLICABLE,
    OK,
    Bundle,
    Rows,
    Variant,
)
from toolkit.metrics import Scale, deviation, losses
from toolkit.quantizer.checks.beyond import Beyond
from toolkit.quantizer.checks.stored import unchanged
from toolkit.runtime.golden import Golden
from toolkit.runtime.loading import to_onnx
from toolkit.runtime.predictor import Predictor

# What a replay on another processor may add to the deviation measured here.
MARGIN = 1e-4
SINGLE_ROWS = 64  # so many rows are also run alone: a row must not depend on its batch


@dataclass(frozen=True)
class Standard:
    """What the variants of a bundle are judged by, read once for all of them.

    size: the bytes of model.onnx; rows: the calibration rows; golden: the golden rows; session: the
    options under which model.onnx runs best; beyond: rows beyond the calibration rows.
    """

    size: int
    rows: Rows
    golden: Golden
    session: dict[str, Any]
    beyond: Beyond

    @staticmethod
    def of(bundle: Bundle, content: bytes, rows: Rows) -> Standard:
        """Return the standard of a bundle with this model.onnx and these calibration rows."""
        session = bundle.variants[0].session
        whole = Predictor(content, str(bundle.model_path), options=session)
        beyond = Beyond.of(rows.inputs, whole)
        return Standard(len(content), rows, bundle.golden(), session, beyond)


def accept(
    name: str, method: ModuleType, content: bytes, source: onnx.ModelProto, standard: Standard
) -> tuple[Variant, bytes | None]:
    """Return the Variant for what a method made, and its bytes where they are to be kept.

    Kept: at least one byte smaller than model.onnx, with parameters that are stored in another way
    than in the graph that the method was given, and within the method's LIMITS on the calibration
    rows, in one batch and row by row (of few rows at least one may be apart).
    """
    size = len(content)
    if size > standard.size:
        return _refused(name, LARGER, f"{size} bytes against {standard.size} of model.onnx", size)
    # A pack's container is smaller by itself; a graph has nothing to gain but by its parameters.
    if method.SUFFIX == ".onnx" and unchanged(source, onnx.load_model_from_string(content)):
        return _refused(name, NO_OP, "every parameter is stored as in model.onnx", size)
    if size == standard.size:
        return _refused(name, LARGER, f"{size} bytes, as many as model.onnx has", size)
    file = f"model.{name}{method.SUFFIX}"
    session = _session(method, standard)
    predictor = Predictor(to_onnx(content, file), file, options=session)
    broken = broken_limit(predictor, standard.rows, method.LIMITS, standard.golden.scales)
    if broken:
        return Variant(name, FAILED, reason=f"{broken}; not kept", bytes=size), None
    variant = Variant(name, OK, file, bytes=size, session=session)
    return kept(variant, predictor, standard), content


def kept(variant: Variant, predictor: Predictor, standard: Standard) -> Variant:
    """Return the variant of a file that is kept, with what a replay and a device will see of it."""
    within = standard.rows.outputs, predictor.run(standard.rows.inputs)
    return replace(
        variant,
        tolerance=replay_tolerance(predictor, standard.golden),
        notes=standard.beyond.said(predictor, within, standard.golden.scales),
    )


def _refused(name: str, verdict: str, why: str, size: int) -> tuple[Variant, None]:
    reason = f"{verdict}: {why}; not kept"
    return Variant(name, NOT_APPLICABLE, reason=reason, bytes=size, verdict=verdict), None


def _session(method: ModuleType, standard: Standard) -> dict[str, Any]:
    # A pack's graph is model.onnx's own, and runs best as that does.
    base = standard.session if method.SUFFIX == ".pack" else {}
    own = getattr(method, "SESSION", {})
    config = {**base.get("config", {}), **own.get("config", {})}
    return {**base, **own, **({"config": config} if config else {})}


def broken_limit(
    predictor: Predictor,
    rows: Rows,
    limits: Mapping[str, float],
    scales: Mapping[str, Scale] | None = None,
) -> str:
    """Return which limit the predictor breaks on these rows, in words with figures; "" if none.

    scales: as `toolkit.metrics.nmse` takes them.
    """
    few = {n: a[:SINGLE_ROWS] for n, a in rows.inputs.items()}
    count = len(next(iter(few.values())))
    alone = [predictor.run({n: a[[i]] for n, a in few.items()}) for i in range(count)]
    single = {n: np.concatenate([r[n] for r in alone]) for n in predictor.outputs}
    batches = (
        ("in one batch", rows.outputs, predictor.run(rows.inputs)),
        ("row by row", {n: a[:SINGLE_ROWS] for n, a in rows.outputs.items()}, single),
    )
    for how, expected, got in batches:
        error, agreement = losses(expected, got, scales)
        if not error <= limits["nmse"]:
            return (
                f"normalised MSE {error:.3g} on the calibration rows {how}, "
                f"limit {limits['nmse']:g}"
            )
        count = len(next(iter(expected.values())))
        if round((1 - agreement) * count) > math.ceil((1 - limits["agreement"]) * count):
            return (
                f"labels equal {agreement:.4g} on the calibration rows {how}, "
                f"limit {limits['agreement']:g}"
            )
    return ""


def replay_tolerance(predictor: Predictor, rows: Golden) -> dict[str, float]:
    """Return what a replay of the golden rows may show: what it shows here, and a margin."""
    worst, agreement = deviation(rows.outputs, predictor.run(rows.inputs), rows.replay_scales)
    # One row's label on the edge of a decision may fall the other way elsewhere.
    spare = 0.0 if agreement == 1.0 else 1.0 / max(1, len(rows.adversarial))
    return {"relative": worst * 1.25 + MARGIN, "agreement": max(0.0, agreement - spare)}
