"""The same service by someone who wants it fast: FastAPI, pydantic, scaling by hand, ONNX Runtime, and no thread changes hands."""

import json
import os
from pathlib import Path

import numpy as np
import onnxruntime
from fastapi import FastAPI
from pydantic import BaseModel

bundle = Path(os.environ["BUNDLE"])

# The constants that the developer would have copied from the training run.
nodes = json.loads((bundle / "preprocessing.json").read_text())["nodes"]
scalers = [node["params"] for node in nodes if node["op"] == "standard_scaler"]
interest_mean, price_mean = (mean for scaler in scalers for mean in scaler["mean"])
interest_scale, price_scale = (scale for scaler in scalers for scale in scaler["scale"])

options = onnxruntime.SessionOptions()
options.intra_op_num_threads = 1
options.inter_op_num_threads = 1
session = onnxruntime.InferenceSession(bundle / "model.onnx", options, providers=["CPUExecutionProvider"])
name = session.get_inputs()[0].name

app = FastAPI()


class Row(BaseModel):
    """What a request brings."""

    feature_search_interest: float
    feature_price: float
    feature_promo: int


@app.post("/predict")
async def predict(row: Row):
    """Answer one row."""
    features = np.array(
        [
            [
                (row.feature_search_interest - interest_mean) / interest_scale,
                (row.feature_price - price_mean) / price_scale,
                row.feature_promo == 0,
                row.feature_promo == 1,
            ]
        ],
        dtype=np.float32,
    )
    return {"prediction": float(session.run(None, {name: features})[0][0, 0])}


@app.get("/health/ready")
async def ready():
    """Say that the session is there."""
    return "ready"
