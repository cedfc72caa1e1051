"""A bundle refuses the rows on which a model's library raises, and no others: NaN, infinities, and what is one in float32."""

import json

import numpy as np
import pandas as pd
import pytest
from catboost import CatBoostRegressor
from lightgbm import LGBMClassifier, LGBMRegressor
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import TransformedTargetRegressor
from sklearn.ensemble import (
    ExtraTreesClassifier,
    ExtraTreesRegressor,
    GradientBoostingClassifier,
    GradientBoostingRegressor,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    IsolationForest,
    RandomForestClassifier,
    RandomForestRegressor,
    StackingRegressor,
    VotingClassifier,
    VotingRegressor,
)
from sklearn.linear_model import LogisticRegression, PoissonRegressor, Ridge
from sklearn.multiclass import OneVsRestClassifier
from sklearn.naive_bayes import BernoulliNB, GaussianNB
from sklearn.neighbors import KNeighborsRegressor
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC, SVR
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor, ExtraTreeClassifier, ExtraTreeRegressor
from threadpoolctl import threadpool_limits
from xgboost import XGBClassifier, XGBRegressor, XGBRFRegressor

from plumb_trainer import export_bundle
from plumb_trainer.models import export_model

# The largest number that rounds to a finite float32, and the next.
LAST, BEYOND = 3.4028235677973362e38, 3.4028235677973366e38
EDGES = [0.5, 2.0, np.nan, np.inf, -np.inf, LAST, BEYOND, -LAST, -BEYOND, 1e300, -1e300]
FEW = {"n_estimators": 3, "random_state": 0}
BOOSTED = {"n_estimators": 3, "n_jobs": 1}
QUIET = {"verbose": -1, **BOOSTED}
FOREST, TREE = ("forest", RandomForestRegressor(**FEW)), ("tree", DecisionTreeRegressor(random_state=0))
RANDOM = np.random.RandomState(8)
# The second column is of whole numbers, for those that read categories.
TRAINING = np.column_stack([RANDOM.uniform(0, 4, 120), RANDOM.randint(0, 5, 120)])
TARGET = TRAINING[:, 0] * 2 + TRAINING[:, 1]


@pytest.fixture(autouse=True)
def one_thread():
    """Histogram boosting's threads wait for each other by spinning, which takes long where the processors have other work."""
    with threadpool_limits(1):
        yield


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    "model",
    [
        DecisionTreeRegressor(max_depth=3),
        DecisionTreeRegressor(max_depth=3, criterion="absolute_error"),
        DecisionTreeClassifier(max_depth=3),
        ExtraTreeRegressor(max_depth=3),
        ExtraTreeClassifier(max_depth=3),
        RandomForestRegressor(**FEW),
        RandomForestClassifier(**FEW),
        ExtraTreesRegressor(**FEW),
        ExtraTreesClassifier(**FEW),
        GradientBoostingRegressor(**FEW),
        GradientBoostingClassifier(**FEW),
        HistGradientBoostingRegressor(max_iter=3),
        HistGradientBoostingRegressor(max_iter=3, categorical_features=[1]),
        VotingRegressor([("categories", HistGradientBoostingRegressor(max_iter=3, categorical_features=[1])), FOREST]),
        VotingRegressor([("some", HistGradientBoostingRegressor(max_iter=3, categorical_features=[1])), ("any", LGBMRegressor(**QUIET))]),
        HistGradientBoostingClassifier(max_iter=3),
        IsolationForest(**FEW),
        XGBRegressor(**BOOSTED),
        XGBClassifier(**BOOSTED),
        XGBRFRegressor(**BOOSTED),
        LGBMRegressor(**QUIET),
        LGBMClassifier(**QUIET),
        CatBoostRegressor(n_estimators=3, verbose=0, allow_writing_files=False),
        Ridge(),
        PoissonRegressor(),
        LogisticRegression(),
        GaussianNB(),
        BernoulliNB(),
        SVR(),
        SVC(),
        KNeighborsRegressor(),
        MLPRegressor(hidden_layer_sizes=(3,), max_iter=5),
        MLPClassifier((3,), max_iter=5),
        VotingRegressor([FOREST, TREE]),
        VotingRegressor([FOREST, ("linear", Ridge())]),
        VotingRegressor([("xgboost", XGBRegressor(**BOOSTED)), ("linear", Ridge())]),
        VotingRegressor([("xgboost", XGBRegressor(**BOOSTED)), ("histogram", HistGradientBoostingRegressor(max_iter=2))]),
        VotingClassifier([("forest", RandomForestClassifier(**FEW)), ("xgboost", XGBClassifier(**BOOSTED))], voting="soft"),
        StackingRegressor([FOREST, TREE], Ridge()),
        CalibratedClassifierCV(RandomForestClassifier(**FEW), cv=2),
        CalibratedClassifierCV(XGBClassifier(**BOOSTED), cv=2),
        OneVsRestClassifier(DecisionTreeClassifier()),
        TransformedTargetRegressor(RandomForestRegressor(**FEW), func=np.log1p, inverse_func=np.expm1),
    ],
    ids=lambda model: type(model).__name__,
)
def test_what_a_model_raises_on_is_known(model):
    # One that predicts numbers for a target of two classes is a regressor.
    several = isinstance(model, OneVsRestClassifier)
    is_classifier = hasattr(model, "predict_proba") or isinstance(model, SVC)
    target = np.digitize(TARGET, [4, 8] if several else [6]) if is_classifier else TARGET
    model.fit(TRAINING, target)
    rows = np.repeat(TRAINING[:1], 2 * len(EDGES), axis=0)
    rows[: len(EDGES), 0] = rows[len(EDGES) :, 1] = EDGES
    assert export_model(model).raises_on(rows).tolist() == [_raises(model, row) for row in rows]


def _raises(model, row):
    try:
        model.predict(row.reshape(1, -1))
    except ValueError:
        return True
    return False


@pytest.mark.parametrize("missing", [False, True], ids=["complete", "with-missing-values"])
@pytest.mark.parametrize(
    "model",
    [RandomForestRegressor(**FEW), GradientBoostingRegressor(**FEW), VotingRegressor([FOREST, TREE])],
    ids=lambda model: type(model).__name__,
)
def test_rows_beyond_float32_are_refused_as_golden_rows_say(tmp_path, model, missing):
    takes_missing = not isinstance(model, GradientBoostingRegressor)
    # A standard deviation below 1 carries 3.5e38 beyond float32.
    data = pd.DataFrame(TRAINING / 8, columns=["a", "b"])
    if missing and takes_missing:
        data.loc[::7, "a"] = np.nan
    pipeline = make_pipeline(StandardScaler(), model).fit(data, TARGET)
    target = export_bundle(pipeline, data, tmp_path, name="wide", version=1, golden_rows=300)
    golden = [json.loads(text) for text in (target / "golden.jsonl").read_text(encoding="utf-8").splitlines()]
    refused = [line for line in golden if "error" in line]
    assert {(line["kind"], line["error"]) for line in refused} == {("extreme", "row_refused")}
    sizes = {
        abs(line["row"][name]) for line in refused for name in ("a", "b") if line["row"][name] is not None and abs(line["row"][name]) > 1e9
    }
    assert sizes == {1e300, 3.5e38, np.finfo(np.float64).max}
    # The smallest numbers are as extreme, and are answered.
    assert any(line["kind"] == "extreme" and "prediction" in line for line in golden)
    nullable = isinstance(json.loads((target / "schema.json").read_text(encoding="utf-8"))["properties"]["a"]["type"], list)
    # A forest takes what is missing whether or not it has met any.
    assert nullable == takes_missing
