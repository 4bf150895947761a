"""Sums of Gaussian kernels with fewer points: a reduced set of them, and duals fitted to it.

Burges, "Simplified support vector decision rules" (ICML 1996). The points are those that pivoted
Cholesky decomposition of the kernel matrix takes first (each is the one that the others before it
represent worst); the duals are the ridge regression of the whole sum on the kernels of the points
as they are stored, on the points themselves and on calibration rows.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from toolkit.metrics import losses
from toolkit.onnx_graph.domains import opset
from toolkit.onnx_graph.edits import copied, replace_initializers, replace_nodes
from toolkit.onnx_graph.index import leading_to
from toolkit.onnx_graph.kernel_sums import KEY, KernelSum
from toolkit.quantizer.calibration import Calibration
from toolkit.quantizer.codes.formats import Codes, Format, encode
from toolkit.quantizer.parameters import find_kernel_sums
from toolkit.quantizer.refit import ridge
from toolkit.quantizer.refusals import NotApplicable

FIRST, GROWTH = 16, 1.25  # points in the first set that is tried, and times more in the next
MOST_POINTS = 1500
# A sixth of the points may be used up for an error four times below the limit.
SPARE, FINER = 6, 4
MOST_ROWS = 4096  # of the points themselves, on which duals are fitted
# Penalties of the ridge, as shares of what a point's kernels have in squares on all rows.
STRENGTHS = (1e-4, 1e-6, 1e-8, 1e-10)
POINTS = Format("companded", 8, "column")
DUALS = Format("affine", 16, "column", symmetric=True)


def reduced(
    model: onnx.ModelProto, calibration: Calibration, limit: float
) -> tuple[onnx.ModelProto, dict[str, Codes]]:
    """Return the model with its sum of kernels over fewer points, and the codes of these.

    limit: the normalised MSE of the sum on every fourth calibration row, which are not fitted.
    Raises NotApplicable where the graph has not one such sum, or a third of its points will not do.
    """
    sums = find_kernel_sums(model)
    if len(sums) != 1:
        raise NotApplicable(f"the graph has {len(sums) or 'no'} sums of Gaussian kernels, not one")
    (total,) = sums
    tensors = {t.name: numpy_helper.to_array(t) for t in model.graph.initializer}
    rows, wanted = calibration.activations(model, [total.rows, total.total])
    points, dual = _fitted(total, tensors, rows, limit)
    return _rewritten(model, total, points, dual, wanted.dtype), {
        f"{total.points}_few": points,
        f"{total.dual}_few": dual,
    }


def pivots(points: np.ndarray, gamma: float, most: int) -> Iterator[int]:
    """Yield the first pivots of the Cholesky decomposition of `exp(−γ ‖s_i − s_j‖²)`."""
    left, factors = np.ones(len(points)), np.zeros((most, len(points)))
    squares = np.square(points).sum(axis=1)
    for k in range(most):
        at = int(np.argmax(left))
        yield at
        away = np.maximum(squares + squares[at] - 2.0 * points @ points[at], 0.0)
        column = np.exp(-gamma * away) - factors[:k, at] @ factors[:k]
        factors[k] = column / np.sqrt(max(left[at], 1e-12))
        left = np.maximum(left - np.square(factors[k]), 0.0)
        left[at] = -1.0


def _fitted(
    total: KernelSum, tensors: dict[str, np.ndarray], row_values: np.ndarray, limit: float
) -> tuple[Codes, Codes]:
    """Return the points and duals of the smallest set that does; NotApplicable where none does."""
    table, dual = (tensors[n].astype(np.float64) for n in (total.points, total.dual))
    short = table.astype(np.float32)  # the kernels are computed in that, whatever the graph's are
    whole = total.kernels(row_values, table) @ dual
    alone = np.arange(len(row_values)) % 4 == 0
    drawn = np.random.default_rng(0).permutation(len(table))[:MOST_ROWS]
    rows = np.concatenate([row_values[~alone], table[drawn] * total.scale + total.centre])
    sums = np.concatenate([whole[~alone], total.kernels(rows[(~alone).sum() :], table) @ dual])
    most = min(len(table) // 3, MOST_POINTS)
    order, best = pivots(table, total.gamma, most), None
    taken: list[int] = []
    for count in _counts(most):
        taken += islice(order, count - len(taken))
        points = encode(short[taken], POINTS)
        assert points is not None
        kernels = total.kernels(rows, points.decode())
        tried = total.kernels(row_values[alone], points.decode())
        fitted, size = ridge(kernels, sums), float(np.square(kernels).sum()) / count
        for strength in STRENGTHS:
            duals = encode(fitted(strength * size).astype(np.float32), DUALS)
            assert duals is not None
            error, _ = losses({"": whole[alone]}, {"": tried @ duals.decode()})
            if error <= limit / FINER or (error <= limit and count * SPARE >= len(table)):
                return points, duals
            if error <= limit:
                best = points, duals
    if best:
        return best
    raise NotApplicable(
        f"{most} of the {len(table)} points do not keep the normalised MSE {limit:g}"
    )


def _counts(most: int) -> Iterator[int]:
    """Yield the sizes of the sets that are tried."""
    count = float(FIRST)
    while count <= most:
        yield int(count)
        count *= GROWTH


def _rewritten(
    model: onnx.ModelProto, total: KernelSum, points: Codes, dual: Codes, dtype: np.dtype
) -> onnx.ModelProto:
    """Return the model with the sum computed from points and duals, and nothing unused."""
    changed = copied(model)
    graph = changed.graph
    at = next(i for i, n in enumerate(graph.node) if total.total in n.output)
    if len(graph.node[at].output) != 1:
        raise NotApplicable(f"{total.total!r} is not the only output of its node")
    constants, sum_nodes = _sum(total, points.decode(), dual.decode(), dtype, opset(model))
    rewritten = [*graph.node[:at], *sum_nodes, *graph.node[at + 1 :]]
    nodes, needed = leading_to(rewritten, [o.name for o in graph.output])
    replace_nodes(graph, nodes)
    tensors = [*graph.initializer, *constants]
    replace_initializers(graph, [t for t in tensors if t.name in needed])
    properties = [p for p in model.metadata_props if p.key != KEY]
    del changed.metadata_props[:]
    changed.metadata_props.extend(properties)
    onnx.checker.check_model(changed)
    return changed


def _sum(
    total: KernelSum, points: np.ndarray, dual: np.ndarray, dtype: np.dtype, version: int
) -> tuple[list[onnx.TensorProto], list[onnx.NodeProto]]:
    """Return constants and nodes of `exp(γ (2 z·p − ‖p‖² − ‖z‖²)) @ dual + offset`.

    z: the rows, centred and scaled in float64; kernels in float32, their sum in float64.
    """
    few = {f"{total.points}_few": points, f"{total.dual}_few": dual}
    table, weights = few
    axes: dict[str, Any] = {} if version >= 18 else {"axes": [1]}
    along = ["few_axes"] if version >= 18 else []
    constants = few | {
        "few_centre": np.atleast_1d(np.asarray(total.centre, dtype=np.float64)),
        "few_scale": np.atleast_1d(1.0 / np.asarray(total.scale, dtype=np.float64)),
        "few_gamma": np.float32(-total.gamma),
        "few_zero": np.float32(0.0),
    }
    if version >= 18:
        constants["few_axes"] = np.array([1])
    node = helper.make_node
    single, double = TensorProto.FLOAT, TensorProto.DOUBLE
    squares = "ReduceSumSquare"
    return [numpy_helper.from_array(np.asarray(a), n) for n, a in constants.items()], [
        node("Cast", [total.rows], ["few_rows"], to=double),
        node("Sub", ["few_rows", "few_centre"], ["few_centred"]),
        node("Mul", ["few_centred", "few_scale"], ["few_scaled"]),
        node("Cast", ["few_scaled"], ["few_z"], to=single),
        node(squares, [table, *along], ["few_norms"], keepdims=0, **axes),
        node("Mul", ["few_norms", "few_gamma"], ["few_bias"]),
        node(
            "Gemm", ["few_z", table, "few_bias"], ["few_products"], alpha=2 * total.gamma, transB=1
        ),
        node(squares, ["few_z", *along], ["few_lengths"], keepdims=1, **axes),
        node("Mul", ["few_lengths", "few_gamma"], ["few_negated"]),
        node("Add", ["few_products", "few_negated"], ["few_exponents"]),
        node("Min", ["few_exponents", "few_zero"], ["few_limited"]),
        node("Exp", ["few_limited"], ["few_kernels"]),
        node("Cast", ["few_kernels"], ["few_wide"], to=double),
        node("Cast", [weights], ["few_duals"], to=double),
        node("MatMul", ["few_wide", "few_duals"], ["few_sum"]),
        node("Cast", [total.offset], ["few_offset"], to=double),
        node("Add", ["few_sum", "few_offset"], ["few_total"]),
        node("Cast", ["few_total"], [total.total], to=helper.np_dtype_to_tensor_dtype(dtype)),
    ]
