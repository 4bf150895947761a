"""export(): what it refuses, what it writes, and that it writes the same again."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import HistGradientBoostingRegressor, RandomForestClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.tree import DecisionTreeRegressor

import toolkit
from toolkit.bundle import open_bundle
from toolkit.errors import ParityError
from toolkit.exporter.converters import table
from toolkit.runtime.verify import verify

RNG = np.random.default_rng(0)
X = RNG.normal(size=(120, 4))
Y = X @ [1.0, -2.0, 0.5, 3.0] + RNG.normal(size=120) / 10
LABELS = np.where(Y > 0, "über", "unter")
MIXED = pd.DataFrame(
    {
        "größe": np.where(RNG.random(120) < 0.1, np.nan, X[:, 0]),
        "stock": RNG.integers(0, 5, 120),
        "ort": pd.Series(RNG.choice(["Köln", "Łódź", None], 120), dtype=object),
    }
)


# Of more than 255 values boosting takes some themselves for thresholds.
CENTS = RNG.uniform(0, 10, (3000, 2)).round(2)
SUMS = CENTS.sum(axis=1) + RNG.normal(size=3000)


def mixed_model():
    parts = ColumnTransformer(
        [
            ("n", make_pipeline(SimpleImputer(), StandardScaler()), ["größe", "stock"]),
            ("c", OneHotEncoder(handle_unknown="ignore"), ["ort"]),
        ]
    )
    return make_pipeline(parts, LogisticRegression()).fit(MIXED, LABELS)


MODELS = {
    "linear": lambda: (LinearRegression().fit(X, Y), X, Y),
    "forest": lambda: (RandomForestClassifier(5, random_state=0).fit(X, LABELS), X, LABELS),
    "boosting": lambda: (
        HistGradientBoostingRegressor(max_iter=5, random_state=0).fit(X, Y),
        X,
        Y,
    ),
    "mixed": lambda: (mixed_model(), MIXED, LABELS),
    "scaler": lambda: (StandardScaler().fit(X), X, None),
}


@pytest.fixture
def wrong_converter(monkeypatch):
    """A converter that adds 1 where nothing is to be added."""
    real = table()["sklearn.LinearRegression"]

    def off_by_one(est, x, g):
        return {"predict": g.binary("Add", real(est, x, g)["predict"], [1.0], "one")}

    monkeypatch.setitem(table(), "sklearn.LinearRegression", off_by_one)


@pytest.mark.parametrize("name", MODELS)
def test_a_bundle_is_complete_and_verifies(name, out):
    estimator, data, y = MODELS[name]()
    bundle = toolkit.export(estimator, data, y, name=name, out=out)
    written = {p.name for p in out.iterdir()}
    assert written == {
        "README.md",
        "model.onnx",
        "manifest.json",
        "golden.npz",
        "evaluation.npz",
        "calibration.npz",
        "estimator.skops",
    }
    assert all(c.passed for c in verify(out))
    assert open_bundle(out).manifest == bundle.manifest
    manifest = json.loads((out / "manifest.json").read_text(encoding="utf-8"))
    assert manifest["schema_version"] == 1
    assert manifest["proof"]["passed"] is True
    assert set(manifest["files"]) == written - {"manifest.json"}
    assert not [p for p in out.iterdir() if p.name.startswith(".")]


@pytest.mark.parametrize("name", MODELS)
def test_the_same_again_is_the_same_to_the_byte(name, out, tmp_path):
    content = []
    for folder in (out, tmp_path / "again", out):
        toolkit.export(*MODELS[name](), name=name, out=folder)
        content.append({p.name: p.read_bytes() for p in folder.iterdir()})
    assert content[0] == content[1] == content[2]


@pytest.mark.parametrize("name", ["linear", "forest", "mixed"])
def test_the_written_estimator_answers_like_the_one_that_was_given(name, out):
    estimator, data, y = MODELS[name]()
    bundle = toolkit.export(estimator, data, y, name=name, out=out)
    again = bundle.estimator()
    assert again.predict(data).tolist() == estimator.predict(data).tolist()
    rows = bundle.evaluation()
    assert again.predict(bundle.estimator_input(rows.inputs)).tolist() == (
        next(iter(rows.outputs.values())).ravel().tolist()
    )


@pytest.mark.parametrize("name", ["linear", "forest", "mixed"])
def test_evaluation_and_calibration_share_no_row(name, out):
    bundle = toolkit.export(*MODELS[name](), name=name, out=out)
    sets = [
        {tuple(str(v) for a in rows.inputs.values() for v in a[i]) for i in range(len(rows))}
        for rows in (bundle.evaluation(), bundle.calibration())
    ]
    assert sum(len(r) for r in (bundle.evaluation(), bundle.calibration())) == 120
    assert not sets[0] & sets[1] or name == "mixed"  # few columns: equal rows do occur there


def test_rows_held_out_by_the_caller_are_the_evaluation(out):
    bundle = toolkit.export(
        LinearRegression().fit(X[:90], Y[:90]),
        X[:90],
        Y[:90],
        name="m",
        out=out,
        X_test=X[90:],
        y_test=Y[90:],
    )
    np.testing.assert_array_equal(bundle.evaluation().inputs["X"], X[90:])
    np.testing.assert_array_equal(bundle.evaluation().target, Y[90:])
    held_out = {tuple(r) for r in X[90:].tolist()}
    assert not held_out & {tuple(r) for r in bundle.calibration().inputs["X"].tolist()}


def test_seven_rows_serve_as_both_and_the_manifest_says_so(out):
    bundle = toolkit.export(LinearRegression().fit(X, Y), X[:7], Y[:7], name="m", out=out)
    assert len(bundle.evaluation()) == len(bundle.calibration()) == 7
    assert "same rows" in bundle.manifest["rows"]["note"]


def test_no_targets(out):
    bundle = toolkit.export(LinearRegression().fit(X, Y), X, name="m", out=out)
    assert bundle.evaluation().target is None
    assert bundle.golden().target is None


def test_an_export_over_an_older_one_removes_its_variants(out):
    model = LinearRegression().fit(X, Y)
    toolkit.quantize(toolkit.export(model, X, Y, name="m", out=out))
    assert (out / "model.uint8-pack.pack").exists()
    toolkit.export(model, X, Y, name="m", out=out)
    assert not list(out.glob("*.pack"))
    assert all(c.passed for c in verify(out))


@pytest.mark.usefixtures("wrong_converter")
def test_a_failed_proof_is_written_and_raised(out):
    with pytest.raises(
        ParityError, match=r"m: the exported graph differs .*deviation 0?\.?\d"
    ) as e:
        toolkit.export(LinearRegression().fit(X, Y), X, Y, name="m", out=out)
    assert e.value.exit_code == 1
    assert str(out / "manifest.json") in str(e.value)
    manifest = open_bundle(out).manifest
    assert manifest["proof"]["passed"] is False
    figures = manifest["proof"]["comparisons"]["float32"]["held_out"]
    assert figures["max_abs"] == pytest.approx(1.0, abs=1e-4)
    with pytest.raises(ParityError, match="its proof failed"):
        toolkit.quantize(out)
    assert {v.method for v in toolkit.quantize(out, unproved=True)} >= {"uint8-pack"}


@pytest.mark.usefixtures("wrong_converter")
def test_a_wrong_converter_inside_a_pipeline_fails_too(out):
    model = make_pipeline(StandardScaler(), LinearRegression()).fit(X, Y)
    with pytest.raises(ParityError):
        toolkit.export(model, X, Y, name="m", out=out)


WIDE = {
    "linear": (lambda: (LinearRegression().fit(X, Y), X, Y), "float32"),
    "tree-on-float32-data": (
        lambda: (
            HistGradientBoostingRegressor(max_iter=5).fit(np.float32(X), Y),
            np.float32(X),
            Y,
        ),
        "float32",
    ),
    "tree-that-rounds-itself": (
        lambda: (DecisionTreeRegressor(max_depth=3).fit(X, Y), X, Y),
        "float32",
    ),
    "boosting-on-its-own-thresholds": (
        lambda: (HistGradientBoostingRegressor(max_iter=20).fit(CENTS, SUMS), CENTS, SUMS),
        "float32",  # its thresholds part all numbers with two decimals in float32 too
    ),
    "boosting-on-any-numbers": (
        lambda: (HistGradientBoostingRegressor(max_iter=20).fit(X, Y), X, Y),
        "float64",
    ),
    "scaler-of-large-means": (lambda: (StandardScaler().fit(X + 1e6), X + 1e6, None), "float64"),
}


@pytest.mark.parametrize("name", WIDE)
def test_float64_only_where_it_is_needed(name, out):
    made, dtype = WIDE[name]
    bundle = toolkit.export(*made(), name="m", out=out)
    assert bundle.manifest["inputs"][0]["dtype"] == dtype
    assert bundle.manifest["proof"]["input_dtype"] == dtype
    assert bundle.manifest["proof"]["comparisons"]["float64"]["held_out"]["passed"]


def test_a_data_frame_of_numbers_is_one_input_with_its_names(out):
    frame = pd.DataFrame(X, columns=["a", "b", "ç", "d"])
    bundle = toolkit.export(LinearRegression().fit(frame, Y), frame, Y, name="m", out=out)
    (spec,) = bundle.manifest["inputs"]
    assert (spec["name"], spec["shape"], spec["columns"]) == ("X", [None, 4], ["a", "b", "ç", "d"])
    shuffled = frame[["d", "ç", "a", "b"]]
    np.testing.assert_allclose(toolkit.load(out).predict(shuffled), frame @ [1, -2, 0.5, 3], atol=1)
    np.testing.assert_array_equal(
        toolkit.load(out).predict(shuffled), toolkit.load(out).predict(frame)
    )


def test_a_data_frame_of_several_types_is_an_input_a_column(out):
    model = mixed_model()
    bundle = toolkit.export(model, MIXED, LABELS, name="m", out=out)
    specs = [(i["name"], i["dtype"], i["shape"]) for i in bundle.manifest["inputs"]]
    assert specs == [
        ("größe", "float32", [None, 1]),
        ("stock", "float32", [None, 1]),  # whole numbers, and the imputer takes missing ones
        ("ort", "string", [None, 1]),
    ]
    opened = toolkit.load(out)
    assert opened.predict(MIXED).tolist() == model.predict(MIXED).tolist()
    np.testing.assert_allclose(opened.predict_proba(MIXED), model.predict_proba(MIXED), atol=1e-5)


@pytest.mark.parametrize("kind", ["Float64", "Int64", "boolean", "float32", "int8"])
def test_pandas_own_types(kind, out):
    frame = pd.DataFrame({"a": X[:, 0].round(), "b": X[:, 1].round()}).clip(0, 1).abs()
    frame = frame.astype("int64").astype(kind)
    model = LinearRegression().fit(frame.astype(float), Y)
    toolkit.export(model, frame, Y, name="m", out=out)
    np.testing.assert_allclose(
        toolkit.load(out).predict(frame.astype(float)),
        model.predict(frame.astype(float)),
        atol=1e-5,
    )


def test_the_golden_rows_hold_plain_and_adversarial_ones(out):
    bundle = toolkit.export(*MODELS["forest"](), name="m", out=out)
    rows = bundle.golden()
    assert (~rows.adversarial).sum() == 32
    assert 0 < rows.adversarial.sum() <= 32
    assert rows.inputs["X"].dtype == np.float32
    plain = rows.inputs["X"][~rows.adversarial]
    held_out = np.float32(bundle.evaluation().inputs["X"])
    assert {tuple(r) for r in plain.tolist()} <= {tuple(r) for r in held_out.tolist()}
