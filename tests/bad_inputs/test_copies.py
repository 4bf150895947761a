"""A Predictor is copied and pickled by its path."""

from __future__ import annotations

import copy
import multiprocessing
import pickle

import numpy as np
import pytest

from tests.bad_inputs.data import TABLE, TEXTS, X
from toolkit.errors import InvalidInput
from toolkit.runtime import load


@pytest.mark.parametrize("name", ["numbers", "table", "texts"])
def test_a_predictor_is_copied_and_pickled(models, name):
    rows = {"numbers": X, "table": TABLE, "texts": TEXTS}[name]
    model = load(models[name][1], threads=1)
    for other in (copy.copy(model), copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        np.testing.assert_array_equal(other.predict(rows), model.predict(rows))
        assert other.session.get_session_options().intra_op_num_threads == 1


def test_a_predictor_of_bytes_is_not_pickled(models):
    from toolkit.runtime import Predictor

    model = Predictor(models["numbers"][1].model_path.read_bytes(), "model.onnx")
    with pytest.raises(InvalidInput, match=r"model\.onnx: was opened from bytes"):
        pickle.dumps(model)


def test_a_predictor_goes_to_a_process_that_is_begun_anew(models, monkeypatch, tmp_path):
    model = load(models["numbers"][1])
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        monkeypatch.chdir(tmp_path)
        np.testing.assert_array_equal(pool.apply(model.predict, (X,)), model.predict(X))
