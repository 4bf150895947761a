"""`inspect` on packs: the sizes of forests and the bits of tensors, counted in another way."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from onnx import helper, load_model_from_string

from toolkit.runtime import pack
from toolkit.runtime.describe import as_text, describe

DATA = Path(__file__).parents[1] / "data"


def test_a_forest_is_described_as_its_node_has_it():
    path = DATA / "wine-forest.uint8.format1.pack"
    (found,) = describe(path)["forests"]
    model = load_model_from_string(pack.read(path.read_bytes(), str(path)).to_onnx())
    node = next(n for n in model.graph.node if n.op_type == "TreeEnsembleRegressor")
    trees = {a.name: helper.get_attribute_value(a) for a in node.attribute}
    split = np.array(trees["nodes_modes"]) != b"LEAF"
    pairs = zip(trees["nodes_featureids"], trees["nodes_values"], strict=True)
    assert found == {
        "output": node.output[0],
        "trees": len(set(trees["nodes_treeids"])),
        "nodes": len(split),
        "splits": int(split.sum()),
        "thresholds": len({pair for pair, kept in zip(pairs, split, strict=True) if kept}),
        "dtype": "float32",
        "targets": 3,
    }
    assert f"thresholds {found['thresholds']}" in as_text(describe(path))


def test_every_encoding_says_its_bits():
    content = (DATA / "encodings.format1.pack").read_bytes()
    assert {t.name: (t.encoding, t.bits) for t in pack.read(content, "here").tensors} == {
        "affine": ("affine", 4),
        "blocks": ("affine", 3),
        "companded": ("companded", 8),
        "companded5": ("companded", 5),
        "float16": ("float16", 16),
        "float32": ("float32", 32),
        "integers": ("integers", 5),
        "mantissa": ("mantissa", 17),
    }
