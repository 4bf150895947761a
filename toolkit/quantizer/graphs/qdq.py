"""Affine codes as ONNX writes them: integer initializers and DequantizeLinear, Q/DQ pairs.

The runtime decodes `(codes − zero) · scale`. onnxruntime 1.23 and later rewrites a DequantizeLinear
that meets a MatMul or Gemm directly to MatMulNBits, which rounds the activations to int8 too. Two
ways of writing it are not rewritten, and both are used: codes stored with the outputs first
and multiplied by a Gemm with transB=1, which costs nothing and is also the fastest to decode; and,
where the product cannot be such a Gemm, one more node between (a cast, a scale a row, a factor).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from toolkit.onnx_graph.domains import CONTRIBUTED, imports, opset
from toolkit.onnx_graph.edits import copied, drop_initializers, replace_nodes
from toolkit.quantizer.codes.affine import Affine

UNSIGNED = {4: TensorProto.UINT4, 8: TensorProto.UINT8, 16: TensorProto.UINT16}


@dataclass(frozen=True)
class Pieces:
    """What takes an initializer's place: initializers, and nodes that go before all others."""

    initializers: list[onnx.TensorProto]
    nodes: list[onnx.NodeProto]


def read_back(codes: Affine) -> np.ndarray:
    """Return the values that a runtime has after decoding what `dequantized` writes."""
    short = replace(codes, dtype=np.dtype(np.float32), exponent=None).decode()
    values = (short.astype(np.float16) if _in_halves(codes) else short).astype(codes.dtype)
    factors = _row_factors(codes, turned=False)
    return values if factors is None else values * factors.astype(codes.dtype)


def dequantized(name: str, codes: Affine, *, turned: bool, direct: bool) -> Pieces:
    """Return codes [inputs, outputs] and the nodes that decode them into the tensor `name`.

    turned: the tensor is [outputs, inputs]. direct: no node stands between DequantizeLinear and
    its reader (see the docstring above for when that is wise).
    """
    half = _in_halves(codes)
    scale = codes.scale.astype(np.float16 if half else np.float32)
    factor = _row_factors(codes, turned)
    if factor is None and not direct and not half and codes.dtype == np.float32:
        scale, factor = np.divide(scale, 2, dtype=np.float32), np.array([2], np.float32)
    pieces = Pieces(
        [
            integers(f"{name}_codes", codes.codes.T if turned else codes.codes, codes.bits),
            numpy_helper.from_array(_in_layout(scale, codes, turned), f"{name}_scale"),
            integers(f"{name}_zero", _in_layout(codes.zero, codes, turned), codes.bits),
        ],
        [],
    )
    inputs = [t.name for t in pieces.initializers]
    steps = [("DequantizeLinear", inputs, _layout(codes, turned))]
    if half or codes.dtype == np.float64:
        kind = TensorProto.DOUBLE if codes.dtype == np.float64 else TensorProto.FLOAT
        steps.append(("Cast", [], {"to": kind}))
    if factor is not None:
        pieces.initializers.append(
            numpy_helper.from_array(factor.astype(codes.dtype), f"{name}_factor")
        )
        steps.append(("Mul", [f"{name}_factor"], {}))
    pieces.nodes.extend(_chain(name, steps))
    return pieces


def _chain(name: str, steps: list[tuple[str, list[str], dict]]) -> Iterable[onnx.NodeProto]:
    """Yield nodes each of which reads the one before it; the last gives `name`."""
    before: list[str] = []
    for at, (operator, inputs, attributes) in enumerate(steps):
        output = name if at == len(steps) - 1 else f"{name}_step{at}"
        yield helper.make_node(operator, before + inputs, [output], **attributes)
        before = [output]


def _in_halves(codes: Affine) -> bool:
    """Tell whether the scales are float16: where a block has its own, they are many.

    Not so where the products of codes and scales, which are float16 then, do not fit.
    """
    if not codes.block or codes.scale.max() * (2**codes.bits - 1) > np.finfo(np.float16).max:
        return False
    return bool((codes.scale.astype(np.float16) == codes.scale).all())


def _row_factors(codes: Affine, turned: bool) -> np.ndarray | None:
    if codes.exponent is None:
        return None
    factors = np.ldexp(1.0, codes.exponent.astype(int))
    return factors[None, :] if turned else factors.reshape(-1, *[1] * (codes.codes.ndim - 1))


def _layout(codes: Affine, turned: bool) -> dict[str, int]:
    """Return DequantizeLinear's attributes."""
    if codes.block:
        return {"axis": int(turned), "block_size": codes.block}
    return {} if len(codes.scale) == 1 else {"axis": 0 if turned else codes.codes.ndim - 1}


def _in_layout(values: np.ndarray, codes: Affine, turned: bool) -> np.ndarray:
    """Return scales or zero points in the shape that goes with `_layout`."""
    if not codes.block:
        return values.reshape(()) if len(values) == 1 else values
    inner = codes.codes.shape[1:]
    spread = values.reshape(len(values), *[1] * (len(inner) - 1), -1) if inner else values[:, 0]
    spread = np.broadcast_to(spread, (len(values), *inner))
    return np.ascontiguousarray(spread.T if turned else spread)


def integers(name: str, values: np.ndarray, bits: int) -> onnx.TensorProto:
    """Return an initializer of unsigned integers of 4, 8 or 16 bits."""
    values = np.ascontiguousarray(values)
    if bits != 4:
        return numpy_helper.from_array(values.astype(f"<u{bits // 8}"), name)
    flat = values.astype(np.uint8).ravel()
    padded = np.append(flat, np.uint8(0)) if len(flat) % 2 else flat
    raw = (padded[0::2] | padded[1::2] << 4).astype(np.uint8).tobytes()
    return helper.make_tensor(name, UNSIGNED[4], values.shape, raw, raw=True)


def signed(name: str, codes: Affine) -> Pieces:
    """Return symmetric codes of at most 8 bits as int8 [inputs, outputs], a scale a column."""
    columns = codes.codes.shape[1]
    scale = np.broadcast_to(codes.scale.astype(np.float32), (columns,))
    pieces = Pieces(
        [
            numpy_helper.from_array(
                (codes.codes.astype(np.int16) - codes.zero).astype(np.int8), f"{name}_codes"
            ),
            numpy_helper.from_array(np.ascontiguousarray(scale), f"{name}_scale"),
            numpy_helper.from_array(np.zeros(columns, np.int8), f"{name}_zero"),
        ],
        [],
    )
    inputs = [t.name for t in pieces.initializers]
    pieces.nodes.extend(_chain(name, [("DequantizeLinear", inputs, {"axis": 1})]))
    return pieces


def whole(name: str, values: np.ndarray, scale: np.ndarray) -> Pieces:
    """Return a bias [outputs] as int32 in units of `scale` [outputs].

    Raises ValueError where a value does not fit.
    """
    with np.errstate(all="ignore"):
        codes = np.rint(values.ravel().astype(np.float64) / scale.astype(np.float64))
    if not (np.abs(codes) < 2**31).all():
        raise ValueError(f"initializer {name!r} does not fit 32 bits of {scale.min():.3g}")
    tensors = [
        numpy_helper.from_array(codes.astype(np.int32), f"{name}_codes"),
        numpy_helper.from_array(scale.astype(np.float32), f"{name}_scale"),
        # It could be left out, but then onnxruntime does not multiply integers.
        numpy_helper.from_array(np.zeros(len(codes), np.int32), f"{name}_zero"),
    ]
    inputs = [t.name for t in tensors]
    return Pieces(tensors, list(_chain(name, [("DequantizeLinear", inputs, {"axis": 0})])))


def with_pairs(
    model: onnx.ModelProto,
    grids: Mapping[str, tuple[np.float32, int]],
    products: set[str],
    bits: int,
) -> onnx.ModelProto:
    """Return the model with the operands of products rounded by QuantizeLinear, DequantizeLinear.

    grids: scale and zero point by tensor; products: the initializers that these are multiplied
    with. 16 bits before opset 21 are in onnxruntime's own domain.
    """
    changed = copied(model)
    unsigned = np.uint8 if bits == 8 else np.uint16
    domain = CONTRIBUTED if bits == 16 and opset(model) < 21 else ""
    if domain and not imports(model, domain):
        changed.opset_import.append(helper.make_opsetid(domain, 1))
    nodes: list[onnx.NodeProto] = []
    done = set()
    for node in changed.graph.node:
        if products.intersection(node.input[1:2]):
            name = node.input[0]
            if name not in done:
                scale, zero = (f"{name}_step", f"{name}_middle")
                changed.graph.initializer.extend(
                    [
                        numpy_helper.from_array(np.asarray(grids[name][0], np.float32), scale),
                        numpy_helper.from_array(np.asarray(grids[name][1], unsigned), zero),
                    ]
                )
                near, kind = near_name(name), {"domain": domain}
                nodes += [
                    helper.make_node(
                        "QuantizeLinear", [name, scale, zero], [f"{name}_quantized"], **kind
                    ),
                    helper.make_node(
                        "DequantizeLinear", [f"{name}_quantized", scale, zero], [near], **kind
                    ),
                ]
                done.add(name)
            node.input[0] = near_name(name)
        nodes.append(node)
    replace_nodes(changed.graph, nodes)
    return changed


def near_name(name: str) -> str:
    """Return the name of a tensor's rounded values."""
    return f"{name}_rounded"


def rebuilt(
    model: onnx.ModelProto, replaced: Iterable[str], pieces: Sequence[Pieces]
) -> onnx.ModelProto:
    """Return the model without the initializers `replaced`, with what takes their place."""
    changed = copied(model)
    drop_initializers(changed.graph, replaced)
    changed.graph.initializer.extend(t for p in pieces for t in p.initializers)
    replace_nodes(changed.graph, [*(n for p in pieces for n in p.nodes), *changed.graph.node])
    onnx.checker.check_model(changed)
    return changed
