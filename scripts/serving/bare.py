"""What most people write first: FastAPI around `joblib.load`; MODEL in the environment is its file.

The function is `async`, so that nothing is handed to a thread: for these models that is quicker.
"""

from __future__ import annotations

import os
from importlib import import_module

import numpy as np
from fastapi import FastAPI
from pydantic import BaseModel

app = FastAPI()
model = import_module("joblib").load(os.environ["MODEL"])


class Rows(BaseModel):
    """Rows of numbers."""

    rows: list[list[float]]


@app.post("/predict")
async def predict(body: Rows) -> dict[str, list[float]]:
    """Return the model's predictions."""
    return {"predictions": model.predict(np.array(body.rows)).tolist()}
