"""Writing packs: the graph without its numeric initializers, and each of them in an encoding.

The format is described in `toolkit.runtime.pack`, which reads it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields

import numpy as np
import onnx
from onnx import numpy_helper

from toolkit.onnx_graph.edits import copied, drop_initializers, replace_nodes
from toolkit.quantizer.codes.compression import compressed
from toolkit.quantizer.codes.exact import shortest
from toolkit.quantizer.codes.formats import Codes
from toolkit.quantizer.trees.coded import Coded, exact_trees
from toolkit.quantizer.trees.forests import OPERATORS
from toolkit.quantizer.trees.streams import streams
from toolkit.runtime import pack, wire
from toolkit.runtime.pack.encodings import ELEMENT_TYPES, RAW
from toolkit.runtime.pack.forest import Forest


def write_pack(
    model: onnx.ModelProto,
    encoded: Mapping[str, Codes],
    trees: Sequence[Coded] | None = None,
    draft: bool = False,
) -> bytes:
    """Return a pack of the model; what is in `encoded` as codes, other initializers exactly.

    encoded: by initializer name. trees: the model's tree ensembles as they are to be stored, with
    the codes of their leaves; where None, exactly. draft: a large pack may be compressed a percent
    or so worse, in half the time.

    Text initializers stay in the skeleton. The bytes are read back and compared before they are
    returned; a difference is a defect of this code and raises AssertionError.
    """
    skeleton = copied(model)
    numeric = (t.name for t in model.graph.initializer if t.data_type in ELEMENT_TYPES)
    moved = drop_initializers(skeleton.graph, numeric)
    trees = exact_trees(model) if trees is None else trees
    graph_nodes = [n for n in skeleton.graph.node if n.op_type not in OPERATORS]
    if len(skeleton.graph.node) - len(graph_nodes) != len(trees):
        raise AssertionError(f"{len(trees)} of the graph's ensembles were given to be stored")
    replace_nodes(skeleton.graph, graph_nodes)
    skeleton.producer_name = ""  # 9 bytes that the manifest has too
    every = {t.name: encoded.get(t.name) or shortest(numpy_helper.to_array(t)) for t in moved}
    tensors = [_tensor(t, every[t.name]) for t in moved]
    graph = skeleton.SerializeToString(deterministic=True)
    head = [wire.varint(len(graph)), graph, wire.varint(len(tensors)), *tensors]
    ensembles = [s for forest, leaves in trees for s in streams(forest, leaves)]
    content = _wrap([b"".join([*head, wire.varint(len(trees))]), *ensembles], draft)
    read = pack.read(content, "the new pack")
    _check_tensors(read, moved, encoded)
    _check_forests(read, trees)
    return content


def _tensor(tensor: onnx.TensorProto, codes: Codes | None) -> bytes:
    name = tensor.name.encode()
    head = [
        wire.varint(len(name)),
        name,
        wire.varint(tensor.data_type),
        wire.varint(len(tensor.dims)),
    ]
    head += [wire.varint(d) for d in tensor.dims]
    if codes is not None:
        return b"".join([*head, bytes([codes.CODE]), codes.to_bytes()])
    values = numpy_helper.to_array(tensor)
    raw = np.ascontiguousarray(values, dtype=ELEMENT_TYPES[tensor.data_type]).tobytes()
    return b"".join([*head, bytes([RAW]), raw])


def _wrap(streams: Sequence[bytes], draft: bool) -> bytes:
    kind, body = compressed(streams, draft)
    tail = wire.varint(sum(map(len, streams))) + body
    head = pack.MAGIC + bytes([pack.VERSION, kind])
    unsigned = head + bytes(4) + tail
    return head + pack.checksum(unsigned).to_bytes(4, "little") + tail


def _check_tensors(
    read: pack.Pack, moved: list[onnx.TensorProto], encoded: Mapping[str, Codes]
) -> None:
    tensors = {t.name: t.values for t in read.tensors}
    for tensor in moved:
        codes = encoded.get(tensor.name)
        expected = codes.decode() if codes else numpy_helper.to_array(tensor)
        if not np.array_equal(tensors[tensor.name], expected, equal_nan=expected.dtype.kind == "f"):
            raise AssertionError(f"tensor {tensor.name!r} did not survive packing")


def _check_forests(read: pack.Pack, trees: Sequence[Coded]) -> None:
    for got, (forest, codes) in zip(read.forests, trees, strict=True):
        values = codes.decode(forest) if codes else forest.values
        leaves = {
            "values": (got.leaf_values(), values[forest.leaf]),
            "target": (got.leaf_targets(), forest.leaf_targets()),
        }
        others = [f.name for f in fields(Forest) if f.name not in ("values", "target", "leaf")]
        same = {n: (getattr(got, n), getattr(forest, n)) for n in others if n != "members"}
        same |= {f"members {i}": (got.members[i], forest.members[i]) for i in range(2)}
        for name, (stored, expected) in (same | leaves).items():
            stored, expected = np.asarray(stored), np.asarray(expected)
            if not np.array_equal(stored, expected, equal_nan=expected.dtype.kind == "f"):
                raise AssertionError(f"{name} of {forest.output!r} did not survive packing")
