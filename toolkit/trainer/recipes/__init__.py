"""The named recipes, one file each: `dataset()` and an unfitted `estimator()`."""
