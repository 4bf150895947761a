from __future__ import annotations

import numpy as np
import pytest

from toolkit.bundle import to_npz
from toolkit.errors import CorruptArtifact
from toolkit.runtime.golden import deviation, read, relative

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


@pytest.mark.parametrize(
    ("reference", "got", "expected"),
    [
        ([1.0], [1.0], 0.0),
        ([1.0], [1.5], 0.5),
        ([100.0], [101.0], 0.01),
        ([0.001], [0.002], 0.001),
        ([np.nan, np.inf], [np.nan, np.inf], 0.0),
        ([1.0], [np.nan], np.inf),
        ([np.nan], [1.0], np.inf),
        ([np.inf], [-np.inf], np.inf),
        ([1.0], [np.inf], np.inf),
        ([1.0, 2.0], [1.0], np.inf),
        ([], [], 0.0),
    ],
)
def test_relative(reference, got, expected):
    assert relative(np.array(reference), np.array(got)) == pytest.approx(expected)


def test_deviation_of_labels():
    reference = {"label": np.array(["a", "b", "c", "d"]), "scores": np.zeros(4)}
    got = {"label": np.array([["a"], ["b"], ["c"], ["x"]], object), "scores": np.full(4, 0.25)}
    assert deviation(reference, got, ["label", "scores"]) == (0.25, 0.75)
    assert deviation(reference, {"label": np.array(["a"])}, ["label"]) == (0.0, 0.0)
