"""A bundle with a tree model verifies, and `plumb predict` answers as the library does, from the row to the label."""

import numpy as np
import pytest
from bundled_model import bundled
from catboost import CatBoostClassifier
from lightgbm import LGBMRegressor
from served_model import edge_block, training_data
from sklearn.ensemble import HistGradientBoostingRegressor, IsolationForest, RandomForestClassifier
from threadpoolctl import threadpool_limits
from xgboost import XGBRegressor

from plumb_trainer.models import export_model
from plumb_trainer.models.names import RAW


@pytest.fixture(autouse=True)
def one_thread():
    """Histogram boosting's threads wait for each other by spinning, which takes long where the processors have other work."""
    with threadpool_limits(1):
        yield


@pytest.mark.parametrize(
    ("model", "target", "fit"),
    [
        (XGBRegressor(n_estimators=20, objective="count:poisson", n_jobs=1), "positive", {}),
        (LGBMRegressor(n_estimators=20, verbose=-1, n_jobs=1), "number", {"categorical_feature": [0, 1]}),
        (CatBoostClassifier(n_estimators=20, depth=4, verbose=0, allow_writing_files=False), "two", {}),
        (RandomForestClassifier(10, random_state=0), "four", {}),
        (HistGradientBoostingRegressor(max_iter=20, categorical_features=[0, 1]), "number", {}),
        (IsolationForest(n_estimators=10, random_state=0, contamination=0.1), "none", {}),
    ],
    ids=["xgboost", "lightgbm", "catboost", "forest", "histogram-boosting", "isolation"],
)
def test_from_the_row_to_the_answer(tmp_path, model, target, fit):
    features, number, two, four = training_data(missing=0, categories=True)
    targets = {"number": number, "positive": np.abs(number), "two": two, "four": four, "none": None}
    model.fit(features, targets[target], **fit)
    exported = export_model(model, 5)
    block = np.concatenate([features[:300], edge_block(exported, missing=False, infinite=False)[:2000]])
    if isinstance(model, IsolationForest):
        # Its labels stand in the order of their size, which is all that the bundle needs of them.
        model.classes_ = np.array([-1, 1])
    found = bundled(tmp_path, model, exported, block, verify=True)
    expected = exported.raw(block)[RAW]
    assert expected.tobytes() == found.raw[RAW].astype(expected.dtype).tobytes()
    assert np.ravel(model.predict(block)).tolist() == found.predictions
