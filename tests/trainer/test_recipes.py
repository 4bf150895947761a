"""The recipes: found by file name, described without importing, fitted the same way each time."""

import ast
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import toolkit.trainer.recipes
from toolkit.errors import InvalidInput
from toolkit.trainer import load_recipe, recipe_names, recipe_summaries, train

RECIPES = (
    "california-forest",
    "california-gbm",
    "california-linear",
    "california-linear-scaled",
    "california-mlp",
    "california-poly",
    "california-svr",
    "digits-logistic",
    "digits-mlp",
    "mixed-pipeline",
    "wine-forest",
)

# The held-out score (R² or accuracy) of the recipes that fit in about a second, and how far another
# release of scikit-learn may be from it: exact solvers agree to 1e-9; a forest, a network or an
# iterative solver may take another path to as good a model.
QUICK = {
    "california-linear": (0.5757877060, 1e-9),
    "california-linear-scaled": (0.5757877060, 1e-9),
    "california-poly": (0.6469096540, 1e-9),
    "california-gbm": (0.8347, 0.01),
    "digits-logistic": (0.9778, 0.01),
    "digits-mlp": (0.9800, 0.02),
    "mixed-pipeline": (0.7840, 0.01),
    "wine-forest": (1.0, 0.05),
}


def test_the_names_are_the_files():
    assert recipe_names() == RECIPES


def test_every_recipe_has_a_sentence():
    summaries = recipe_summaries()
    assert tuple(summaries) == RECIPES
    for name, summary in summaries.items():
        assert summary.endswith("."), name
        assert len(summary) <= 90, name
    assert len(set(summaries.values())) == len(RECIPES)


def test_listing_imports_nothing_heavy():
    code = (
        "import sys, toolkit.trainer as t; t.recipe_summaries(); "
        "print(*sorted({'numpy', 'sklearn', 'pandas'} & set(sys.modules)), "
        "*[m for m in sys.modules if m.startswith('toolkit.trainer.recipes')])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, encoding="utf-8", check=True
    )
    assert done.stdout.strip() == ""


@pytest.mark.parametrize(
    ("wrong", "right"),
    [("california-linaer", "california-linear"), ("digits_mlp", "digits-mlp")],
)
def test_an_unknown_recipe_suggests_the_nearest(wrong, right):
    with pytest.raises(InvalidInput) as caught:
        load_recipe(wrong)
    message = str(caught.value)
    assert message.startswith(f"{wrong}: no such recipe; did you mean {right}?")
    assert "`toolkit recipes`" in message
    assert "\n" not in message


@pytest.mark.parametrize("name", ["zzz", "", "../recipes/california-linear", "__init__"])
def test_what_is_like_no_recipe_is_refused(name):
    with pytest.raises(InvalidInput, match="no such recipe"):
        train(name)


@pytest.mark.parametrize("name", RECIPES)
def test_shape_of_a_recipe(name):
    recipe = load_recipe(name)
    data, estimator = recipe.dataset(), recipe.estimator()
    assert not set(data.train) & set(data.test)
    assert len(data.test) >= 0.2 * len(data.X)
    assert data.split
    assert estimator is not recipe.estimator()
    assert getattr(recipe, "ALL_ROWS", False) is (name == "california-linear")
    for parameter, value in estimator.get_params().items():
        if parameter.endswith("random_state"):
            assert value == 42, parameter


@pytest.mark.parametrize("name", RECIPES)
def test_a_recipe_imports_scikit_learn_only_in_its_functions(name):
    folder = Path(toolkit.trainer.recipes.__file__).parent
    tree = ast.parse((folder / f"{name.replace('-', '_')}.py").read_text(encoding="utf-8"))
    modules = {node.module for node in tree.body if isinstance(node, ast.ImportFrom)}
    assert {m for m in modules if not m.startswith("toolkit.")} <= {"typing"}


@pytest.mark.filterwarnings("error")  # a ConvergenceWarning, above all
@pytest.mark.parametrize("name", QUICK)
def test_held_out_score(name):
    trained = train(name)
    score, tolerance = QUICK[name]
    data = trained.dataset
    assert trained.name == name
    assert trained.estimator.score(data.X_test, data.y_test) == pytest.approx(
        score, rel=0, abs=tolerance
    )
    assert (trained.all_rows is None) is (name != "california-linear")


def test_all_rows_figures_are_of_a_second_fit():
    trained = train("california-linear")
    assert trained.all_rows["rows"] == 20640
    assert trained.all_rows["r2"] == pytest.approx(0.6062326851998, rel=0, abs=1e-12)
    assert trained.all_rows["mse"] == pytest.approx(0.5243209861846, rel=0, abs=1e-12)
    # The estimator itself has seen the training rows alone.
    data = trained.dataset
    assert trained.estimator.score(data.X, data.y) < trained.all_rows["r2"]


@pytest.mark.parametrize("name", ["wine-forest", "mixed-pipeline"])
def test_training_twice_gives_the_same_model(name):
    first, second = train(name), train(name)
    pd.testing.assert_frame_equal(
        pd.DataFrame(first.dataset.X_test), pd.DataFrame(second.dataset.X_test)
    )
    np.testing.assert_array_equal(
        first.estimator.predict_proba(first.dataset.X_test),
        second.estimator.predict_proba(second.dataset.X_test),
    )
