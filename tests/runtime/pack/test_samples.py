"""Committed samples of the pack format are read for ever."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pytest

from toolkit.runtime import pack
from toolkit.runtime.pack.dictionary import DICTIONARY
from toolkit.runtime.pack.encodings import NAMES
from toolkit.runtime.predictor import Predictor

DATA = Path(__file__).parents[2] / "data"


SAMPLES = {
    "float32": (
        "raw",
        [
            0.44867491722106934,
            0.00972425751388073,
            -0.12332334369421005,
            0.7831448912620544,
            -2.0296206457715016e-06,
            -0.003526318585500121,
            -0.4197924733161926,
            -0.4337080717086792,
        ],
        -37.023277282714844,
        "904291aec59bc06afe40c3ef246372f0aa2b4bbd5652783f8ac3b99879e21810",
    ),
    "uint8": (
        "mantissa",
        [
            0.4482421875,
            0.009735107421875,
            -0.123291015625,
            0.783203125,
            -2.041459083557129e-06,
            -0.0035552978515625,
            -0.419921875,
            -0.43359375,
        ],
        -37.00373840332031,
        "929ed7a9117079bfd0815c864a20ccbde07a7da0b80281da7a43c8fecc3634d3",
    ),
}


def test_the_dictionary_is_part_of_the_format():
    assert len(DICTIONARY) == 2321
    digest = "49501c876311a47e275466cf82cc48f1727393a69be632a7b482ef5028b112ae"
    assert hashlib.sha256(DICTIONARY).hexdigest() == digest


@pytest.mark.parametrize("kind", SAMPLES)
def test_samples_of_tensors_read_for_ever(kind):
    encoding, coefficients, intercept, digest = SAMPLES[kind]
    content = (DATA / f"california-linear.{kind}.format1.pack").read_bytes()
    found = pack.read(content, kind)
    assert (found.version, found.compression) == (1, "deflate")
    weights, bias = found.tensors
    assert (weights.name, weights.encoding, weights.values.shape) == (
        "coefficient",
        encoding,
        (8, 1),
    )
    assert weights.values.ravel().tolist() == coefficients
    assert (bias.name, bias.encoding, bias.values.tolist()) == ("intercept", "raw", [intercept])
    assert hashlib.sha256(found.to_onnx()).hexdigest() == digest
    row = np.array([[8.3252, 41.0, 6.984127, 1.0238096, 322.0, 2.5555556, 37.88, -122.23]])
    expected = row[0] @ np.array(coefficients) + intercept
    predicted = Predictor(found.to_onnx(), kind).predict(row.astype(np.float32))
    np.testing.assert_allclose(predicted, [expected], atol=1e-4)


def test_the_sample_of_trees_reads_for_ever():
    found = pack.read((DATA / "wine-forest.uint8.format1.pack").read_bytes(), "wine-forest")
    (forest,) = found.forests
    assert (forest.trees, len(forest.split), forest.targets) == (100, 1900, 3)
    leaves = (forest.leaf_values(), forest.leaf_targets())
    arrays = (forest.split, forest.feature, forest.threshold, *leaves)
    content = b"".join(a.tobytes() for a in arrays)
    assert (
        hashlib.sha256(content).hexdigest()
        == "48e287d77e26ff4c4e8efb5d9ee0a6c12466c1301bcd3e4f2db3f7d36a11d91b"
    )


def test_the_sample_of_every_encoding_reads_for_ever():
    found = pack.read((DATA / "encodings.format1.pack").read_bytes(), "encodings")
    assert found.version == 1
    assert {t.encoding for t in found.tensors} == set(NAMES.values()) - {"raw"}
    content = b"".join(t.values.tobytes() for t in found.tensors)
    assert (
        hashlib.sha256(content).hexdigest()
        == "698c7eb691b6f3f51fe6d1c1fd6d446eea29ca19c0a2dafa769106b8fa16e975"
    )
