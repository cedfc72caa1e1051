"""Fit what the FastAPI peers serve, as the trainer fits the demand example: python fit.py demand.csv demand.joblib"""

import sys

import joblib
import pandas as pd
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from xgboost import XGBRegressor

NUMBERS = ["feature_search_interest", "feature_price"]
PROMO = ["feature_promo"]

# The oldest 70 % of the days, as the recipe splits them.
TRAINING_SHARE = 0.70


def build_pipeline():
    """Return the pipeline of trainer/examples/demand.yaml, unfitted; what it answers is compared with Plumb before it is measured."""
    numbers = Pipeline([("impute", SimpleImputer(strategy="median")), ("scale", StandardScaler())])
    preprocessing = ColumnTransformer(
        [("numbers", numbers, NUMBERS), ("promo", OneHotEncoder(handle_unknown="ignore", sparse_output=False), PROMO)],
        sparse_threshold=0,
    )
    model = XGBRegressor(
        n_estimators=400, max_depth=6, learning_rate=0.05, subsample=0.9, colsample_bytree=0.9, random_state=42, n_jobs=1
    )
    return Pipeline([("preprocessing", preprocessing), ("model", model)])


def fit_pipeline(data):
    """Return the pipeline, fitted on the table's oldest rows."""
    table = pd.read_csv(data)
    rows = table.iloc[: round(len(table) * TRAINING_SHARE)]
    return build_pipeline().fit(rows[NUMBERS + PROMO], rows["target_demand"])


if __name__ == "__main__":
    source, target = sys.argv[1:]
    joblib.dump(fit_pipeline(source), target)
