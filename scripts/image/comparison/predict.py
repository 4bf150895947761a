"""Predict the rows of a CSV file with a header, as a script beside a joblib file does."""

import sys

import joblib  # noqa: TID253
import numpy as np

model = joblib.load("/opt/model.joblib")
rows = np.loadtxt(sys.argv[1], delimiter=",", skiprows=1, ndmin=2)
print(*model.predict(rows), sep="\n")
