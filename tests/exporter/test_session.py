"""Which session options an export records, and that they go with its packs."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from onnx import helper, numpy_helper
from sklearn.linear_model import LinearRegression

from toolkit.bundle import open_bundle
from toolkit.exporter import export
from toolkit.exporter.session import NOT_PACKED, session_options
from toolkit.quantizer import quantize
from toolkit.runtime import load
from toolkit.runtime.session import checked_options, open_session
from toolkit.runtime.verify import verify


def products(*shapes: tuple[int, ...], constant: bool = True, **attributes) -> onnx.ModelProto:
    """A graph of one Gemm after the other; shapes: of their second operands."""
    nodes = [
        helper.make_node("Gemm", [f"t{k}", f"w{k}"], [f"t{k + 1}"], **attributes)
        for k in range(len(shapes))
    ]
    weights = [
        numpy_helper.from_array(np.ones(s, np.float32), f"w{k}") for k, s in enumerate(shapes)
    ]
    graph = helper.make_graph(nodes, "g", [], [], weights if constant else [])
    return helper.make_model(graph)


@pytest.mark.parametrize(
    ("model", "options"),
    [
        (products((8, 1)), NOT_PACKED),
        (products((1, 8), transB=1), NOT_PACKED),
        (products((8, 1), transB=1), {}),
        (products((8, 3)), {}),
        (products((8, 64), (64, 1)), {}),
        (products((8, 1), constant=False), {}),
        (products(), {}),
    ],
    ids=["column", "transposed", "row", "columns", "network", "computed", "none"],
)
def test_weights_of_one_column_are_not_packed(model, options):
    assert session_options(model) == options
    assert checked_options(options, "m")["config"] == options.get("config", {})


def test_the_float_export_and_its_packs_record_them(california_bundle):
    recorded = {v.method: v.session for v in open_bundle(california_bundle).variants if v.file}
    assert len(recorded) >= 3
    for method, session in recorded.items():
        assert session == NOT_PACKED, method
    for path in [california_bundle, california_bundle / "model.uint8-pack.pack"]:
        applied = load(path).session.get_session_options()
        assert applied.get_session_config_entry("session.disable_prepacking") == "1"


def test_a_pack_made_for_a_budget_records_them(tmp_path):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(512, 8))
    model = LinearRegression().fit(X, X @ rng.normal(size=8))
    bundle = export(model, X, name="m", out=tmp_path / "m")
    (made,) = quantize(bundle, budget="nmse<=1e-4")
    assert made.session == NOT_PACKED
    assert all(check.passed for check in verify(bundle.path))
    applied = load(bundle.path / made.file).session.get_session_options()
    assert applied.get_session_config_entry("session.disable_prepacking") == "1"


def test_a_row_has_the_same_answer_packed_and_not(california_bundle):
    """Two kernels of float32 sums over 8 products: within 1e-5 of each other, relatively."""
    content = (california_bundle / "model.onnx").read_bytes()
    X = open_bundle(california_bundle).evaluation().inputs["X"].astype(np.float32)
    packed, plain = (open_session(content, "m", o).run(None, {"X": X})[0] for o in ({}, NOT_PACKED))
    np.testing.assert_allclose(packed, plain, rtol=1e-5, atol=1e-4)
