"""Cases of ONNX graphs: fields, sizes, attributes, names and operators changed in the message."""

from __future__ import annotations

import random
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from cases import Read
from damage import change_message, damaged, pools_of
from files import SAMPLES, bundles_in

from toolkit.runtime import load, pack, wire

ROWS = 2
OPERATOR = "onnx.NodeProto.op_type"


@cache
def samples(folder: Path) -> list[bytes]:
    """Return the serialized graphs of the committed packs and of the bundles that have nodes."""
    packed = [pack.read(p.read_bytes(), p.name).to_onnx() for p in sorted(SAMPLES.glob("*.pack"))]
    graphs = [p.read_bytes() for b in bundles_in(folder) for p in sorted(b.glob("*.onnx"))]
    return [model for model in packed + graphs if wire.summary(model)["operators"]]


@cache
def operators() -> list[str]:
    """Return the names of all of ONNX' operators."""
    import onnx

    return sorted({schema.name for schema in onnx.defs.get_all_schemas()})


def graphs(chance: random.Random, folder: Path) -> Read:
    """Change one to four fields of a graph, and now and then its bytes; open it and predict."""
    import onnx

    model = onnx.load_model_from_string(chance.choice(samples(folder)))
    pools = pools_of(model)
    pools[OPERATOR] += chance.sample(operators(), len(pools[OPERATOR]))
    for _ in range(chance.choice((1, 1, 2, 4))):
        change_message(model, chance, pools)
    content = model.SerializeToString()
    if chance.random() < 0.1:
        content = damaged(content, chance)
    path = folder / "fuzzed.onnx"
    path.write_bytes(content)

    def read() -> None:
        opened = load(path)
        opened.run({one.name: _rows(one) for one in opened.inputs})

    return read


def _rows(one: Any) -> np.ndarray:
    """Return rows as an input takes them."""
    shape = (ROWS, min(one.width or 1, 64))
    if one.dtype == "string":
        return np.full(shape, "a", dtype=object)
    return np.arange(np.prod(shape)).reshape(shape).astype(one.numpy_dtype)
