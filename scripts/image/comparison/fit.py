"""Fit a linear model on a bundle's golden rows and keep it as most people do, with joblib."""

import joblib  # noqa: TID253
import numpy as np
from sklearn.linear_model import LinearRegression  # noqa: TID253

with np.load("/opt/golden.npz") as rows:
    X = rows["input_0"].reshape(len(rows["adversarial"]), -1)
    plain = ~rows["adversarial"] & np.isfinite(X).all(axis=1)
    model = LinearRegression().fit(X[plain], rows["output_0"][plain].ravel())
joblib.dump(model, "/opt/model.joblib")
