"""Every case of docs/inputs.md: exported, proved, and right on rows that it has not seen."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest

import toolkit
from tests.inputs.cases import CASES, FIELDS, Given
from tests.inputs.page import PAGE, rendered
from toolkit.errors import ToolkitError, ToolkitWarning
from toolkit.runtime.fields import converter
from toolkit.runtime.schema import Input


@pytest.mark.parametrize("case", CASES, ids=[c.what for c in CASES])
def test_what_is_given_is_taken_or_refused(case: Given, tmp_path: Any) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            estimator, X, y, fresh = case.make()
        except ValueError:  # scikit-learn itself takes no such table
            assert case.refused
            return
    out = tmp_path / "m"
    if case.refused:
        with pytest.raises(ToolkitError, match=case.refused) as told:
            toolkit.export(estimator, X, y, name="m", out=out, tune="latency")
        assert "\n" not in str(told.value)
        assert not out.exists()
        return
    with warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("always", ToolkitWarning)
        bundle = toolkit.export(estimator, X, y, name="m", out=out, tune="latency")
    said = " ".join(str(w.message) for w in heard if issubclass(w.category, ToolkitWarning))
    assert case.warned in said if case.warned else not said
    assert {i["name"]: i["dtype"] for i in bundle.manifest["inputs"]} == case.inputs
    found, wanted = toolkit.load(out).predict(fresh), np.asarray(estimator.predict(fresh))
    if wanted.dtype.kind == "f":
        np.testing.assert_allclose(
            found.ravel(), wanted.ravel(), rtol=1e-4, atol=1e-4 * wanted.std()
        )
    else:
        assert found.tolist() == wanted.tolist()


@pytest.mark.parametrize("text", FIELDS)
@pytest.mark.parametrize("dtype", ["float32", "int64", "bool", "string"])
def test_a_field_of_a_csv_file(text: str, dtype: str) -> None:
    read, expected = converter(Input("X", dtype, 1, "nan", words=())), FIELDS[text][dtype]
    if expected is None:
        with pytest.raises(ValueError, match=r".*"):
            read(text)
    elif expected == "missing":
        assert read(text) == "" if dtype == "string" else np.isnan(read(text))
    else:
        assert read(text) == expected
        assert type(read(text)) is type(expected)


def test_a_word_that_the_encoder_knows_is_a_text() -> None:
    read = converter(Input("X", "string", 1, "nan", words=("NA",)))
    assert (read("NA"), read("None"), read("")) == ("NA", "", "")
    assert converter(Input("X", "string", 1, "nan"))("NA") == "NA"  # nothing is known of the column


def test_the_page_is_current() -> None:
    assert PAGE.read_text(encoding="utf-8") == rendered(), "run python -m tests.inputs.page"
