"""The service that most tutorials end with: FastAPI, pydantic, a DataFrame per request, the fitted scikit-learn pipeline with XGBoost in it."""

import os

import joblib
import pandas as pd
from fastapi import FastAPI
from pydantic import BaseModel

pipeline = joblib.load(os.environ["PIPELINE"])

app = FastAPI()


class Row(BaseModel):
    """What a request brings."""

    feature_search_interest: float
    feature_price: float
    feature_promo: int


@app.post("/predict")
def predict(row: Row):
    """Answer one row."""
    return {"prediction": float(pipeline.predict(pd.DataFrame([row.model_dump()]))[0])}


@app.get("/health/ready")
def ready():
    """Say that the pipeline is loaded."""
    return "ready"
