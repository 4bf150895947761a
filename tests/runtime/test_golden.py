from __future__ import annotations

import numpy as np
import pytest

from toolkit.bundle import to_npz
from toolkit.errors import CorruptArtifact
from toolkit.metrics import Scale, deviation
from toolkit.runtime.golden import read, stored_scales

MANIFEST = {"inputs": [{"name": "X"}], "outputs": [{"name": "label"}, {"name": "scores"}]}
ARRAYS = {
    "input_0": np.ones((2, 3)),
    "output_0": np.array(["a", "b"]),
    "output_1": np.ones((2, 1)),
    "target": np.zeros(2),
    "adversarial": np.array([False, True]),
}


def test_read():
    found = read(to_npz(ARRAYS), "g", MANIFEST)
    assert found.inputs.keys() == {"X"}
    assert found.outputs.keys() == {"label", "scores"}
    assert found.target.tolist() == [0, 0]
    bare = {n: a for n, a in ARRAYS.items() if n != "target"}
    assert read(to_npz(bare), "g", MANIFEST).target is None


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"input_0": None}, "lacks the array 'input_0'"),
        ({"output_1": None}, "lacks the array 'output_1'"),
        ({"adversarial": None}, "lacks the array 'adversarial'"),
        ({"adversarial": np.zeros(2)}, "are not rows"),
        ({"adversarial": np.array(True)}, "are not rows"),
        ({"output_1": np.array(1.0)}, "are not rows"),
        ({"output_1": np.ones((3, 1))}, "differ in length"),
        ({"target": np.ones(1)}, "differ in length"),
        ({"output_1": np.array(["a", "b"])}, "the output 'scores' is of type <U1"),
    ],
    ids=[
        "no-input", "no-output", "no-flags", "flags-of-floats", "flag", "scalar", "longer",
        "target", "text",
    ],
)  # fmt: skip
def test_damaged(changes, expected):
    arrays = {n: a for n, a in (ARRAYS | changes).items() if a is not None}
    with pytest.raises(CorruptArtifact, match=expected):
        read(to_npz(arrays), "g", MANIFEST)


def test_scales_are_read_as_they_were_stored():
    scales = {"scores": Scale(np.array([3.0]), np.array([0.5]), np.array([1e-9]))}
    stored = stored_scales(scales, ["label", "scores"])
    assert stored.keys() == {"center_1", "spread_1", "rounding_1"}
    found = read(to_npz(ARRAYS | stored), "g", MANIFEST)
    assert found.scales == found.replay_scales == scales


def test_without_stored_scales_they_are_those_of_the_plain_rows():
    values = np.array([[1.0], [3.0], [99.0]])
    arrays = {n: np.repeat(a[:1], 3, axis=0) for n, a in ARRAYS.items()} | {
        "output_1": values,
        "adversarial": np.array([False, False, True]),
    }
    found = read(to_npz(arrays), "g", MANIFEST).scales["scores"]
    assert (found.center, found.spread) == (2.0, 1.0)
    arrays["adversarial"][:] = True
    assert read(to_npz(arrays), "g", MANIFEST).scales["scores"].center > 30


def test_bundles_without_stored_scales_are_replayed_as_they_were_measured():
    """By max(1, |y|), which the tolerances in them are of."""
    found = read(to_npz(ARRAYS), "g", MANIFEST)
    for value, off in ((0.5, 0.25), (-8.0, 0.03125)):
        reference = {"scores": np.array([[value]])}
        got = {"scores": reference["scores"] + 0.25}
        assert deviation(reference, got, found.replay_scales) == (off, 1.0)


@pytest.mark.parametrize(
    "changes",
    [
        {"center_1": None},
        {"rounding_1": None},
        {"spread_1": np.ones(2)},
        {"spread_1": np.array([-1.0])},
        {"spread_1": np.array([np.nan])},
        {"center_1": np.array(["1"])},
        {"center_1": np.ones((1, 1))},
    ],
    ids=["no-center", "no-rounding", "wider", "negative", "nan", "text", "matrix"],
)
def test_damaged_scales(changes):
    stored = {f"{part}_1": np.ones(1) for part in ("center", "spread", "rounding")}
    arrays = {n: a for n, a in (ARRAYS | stored | changes).items() if a is not None}
    with pytest.raises(CorruptArtifact, match="the scale of output 1 is damaged"):
        read(to_npz(arrays), "g", MANIFEST)
