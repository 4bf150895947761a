"""Recipes and data sets: from a recipe's name to a fitted estimator with its held-out rows."""

from toolkit.trainer.catalog import load_recipe, recipe_names, recipe_summaries
from toolkit.trainer.dataset import Dataset
from toolkit.trainer.train import Trained, train

__all__ = ["Dataset", "Trained", "load_recipe", "recipe_names", "recipe_summaries", "train"]
