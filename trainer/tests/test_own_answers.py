"""What is served is held to the pipeline's own answers for the data: columns that come otherwise are named, and flips are counted."""

import json

import numpy as np
import pandas as pd
import pytest
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.linear_model import Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import (
    MinMaxScaler,
    Normalizer,
    OneHotEncoder,
    OrdinalEncoder,
    PolynomialFeatures,
    PowerTransformer,
    StandardScaler,
)
from xgboost import XGBRegressor

from plumb_trainer import export_bundle
from plumb_trainer.errors import TrainerError
from plumb_trainer.graph.served import served_twin

ROWS = 60
RANDOM = np.random.RandomState(3)
NUMBERS = pd.DataFrame({"a": RANDOM.randn(ROWS), "b": RANDOM.rand(ROWS) * 9})
TRUTH = NUMBERS["a"] ** 2 + NUMBERS["b"]
NARROW = NUMBERS.astype("float32")
WORDS = ["x", None, "z"]
CAST = 'of dtype float32, where callers\' values come as float64, which the pipeline answers otherwise; cast with .astype("float64")'
NONE = "missing values are None, where callers' come as NaN, which the pipeline answers otherwise; write NaN with .fillna(np.nan)"


def beside(values, dtype):
    """Return the two numbers and a column "c" that has some values again and again."""
    return NUMBERS.assign(c=pd.Series(values * (ROWS // len(values)), dtype=dtype))


def by_column(**steps):
    """Return a ColumnTransformer of a step for each column, the other columns as they are."""
    return ColumnTransformer([(name, step, [name]) for name, step in steps.items()], remainder="passthrough", sparse_threshold=0)


@pytest.mark.parametrize(
    ("pipeline", "data", "sentence"),
    [
        (
            make_pipeline(MinMaxScaler(), Ridge()),
            NARROW,
            'X: columns "a", "b" of dtype float32: MinMaxScaler computes there in float32',
        ),
        (make_pipeline(StandardScaler(), Ridge()), NARROW, 'X: columns "a", "b" of dtype float32: StandardScaler computes'),
        (Ridge(), NARROW, f'X: columns "a", "b": {CAST}'),
        (make_pipeline(by_column(a=PolynomialFeatures(2)), Ridge()), NUMBERS.assign(a=NARROW["a"]), 'X: column "a" of dtype float32'),
        (
            make_pipeline(by_column(c=OneHotEncoder(handle_unknown="ignore", sparse_output=False)), Ridge()),
            beside(WORDS, object),
            f'X: column "c": {NONE}',
        ),
        (make_pipeline(by_column(c=OrdinalEncoder()), Ridge()), beside(WORDS, object), f'X: column "c": {NONE}'),
        (
            make_pipeline(by_column(c=OneHotEncoder(sparse_output=False)), Ridge()),
            beside(["x", None, np.nan], object),
            '(OneHotEncoder) on column "c": None and NaN are two categories of a column, but JSON has one null; make them one',
        ),
    ],
    ids=["step", "scaler", "model", "one-of-two", "none", "none-refused", "none-and-nan"],
)
def test_columns_that_come_otherwise_are_named(tmp_path, pipeline, data, sentence):
    pipeline.fit(data, TRUTH)
    with pytest.raises(TrainerError) as stopped:
        export_bundle(pipeline, data, tmp_path, name="other", version=1)
    assert sentence in str(stopped.value)
    assert list(tmp_path.iterdir()) == []


def test_another_dtype_that_changes_no_answer_is_exported(tmp_path):
    data = beside([1, 2, 3], "category")
    pipeline = HistGradientBoostingRegressor(max_iter=3, categorical_features="from_dtype").fit(data, TRUTH)
    target = export_bundle(pipeline, data, tmp_path, name="categories", version=1, golden_rows=300)
    assert "flips" not in parity_of(target)


@pytest.fixture(scope="module")
def flipping():
    """Return a model of two leaves behind a PowerTransformer, its data, and of each row whether it flips: NumPy's bits decide that."""
    random = np.random.RandomState(7)
    data = pd.DataFrame({"a": random.randn(3000)})
    power = PowerTransformer(standardize=False).fit(data)
    theirs, ours = power.transform(data).ravel(), served_twin(power).transform(data).ravel()
    # In the middle, so that both leaves have rows.
    row = min(np.flatnonzero(theirs != ours), key=lambda row: abs(data["a"][row]))
    pipeline = make_pipeline(power, HistGradientBoostingRegressor(max_iter=1, max_leaf_nodes=2)).fit(data, data["a"] > 0)
    ((predictor,),) = pipeline[-1]._predictors
    threshold = min(theirs[row], ours[row])
    predictor.nodes["num_threshold"][0] = threshold
    return pipeline, data, (theirs <= threshold) != (ours <= threshold)


def test_flips_stand_in_the_manifest(tmp_path, flipping):
    pipeline, data, flips = flipping
    leaves = pipeline.predict(data)
    target = export_bundle(pipeline, data, tmp_path, name="flips", version=1, golden_rows=300, allow_flips=0.5)
    parity = parity_of(target)
    assert parity["tier"] == "B"
    assert flips.sum() > 0
    assert parity["flips"] == {"rows": 3000, "differing": int(flips.sum()), "largest": leaves.max() - leaves.min(), "allowed": 0.5}
    told = f"{flips.sum()} of the 3000 rows that were given are answered otherwise than by the pipeline, by {np.ptp(leaves):.4g} at most"
    assert told in (target / "card.md").read_text(encoding="utf-8")


def test_more_flips_than_are_allowed_stop_the_export(tmp_path, flipping):
    pipeline, data, flips = flipping
    for allowed, sentence in ((None, "name the share that may differ with allow_flips="), (0, "the trees' answers flip too often")):
        with pytest.raises(TrainerError, match=sentence) as stopped:
            export_bundle(pipeline, data, tmp_path, name="flips", version=1, allow_flips=allowed)
        assert f"{flips.sum()} of 3000 rows are answered otherwise than by the pipeline" in str(stopped.value)
    assert list(tmp_path.iterdir()) == []


def test_float64_trees_behind_portable_steps_need_leave(tmp_path):
    pipeline = make_pipeline(PowerTransformer(), HistGradientBoostingRegressor(max_iter=5)).fit(NUMBERS, TRUTH)
    with pytest.raises(TrainerError, match="name the share that may differ with allow_flips="):
        export_bundle(pipeline, NUMBERS, tmp_path, name="flips", version=1)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("step", [PowerTransformer(), Normalizer()], ids=lambda step: type(step).__name__)
def test_probabilities_flip_too(tmp_path, step):
    classes = TRUTH > TRUTH.mean()
    pipeline = make_pipeline(step, HistGradientBoostingClassifier(max_iter=5)).fit(NUMBERS, classes)
    target = export_bundle(pipeline, NUMBERS, tmp_path, name="flips", version=1, golden_rows=300, allow_flips=1)
    flips = parity_of(target)["flips"]
    assert (flips["rows"], flips["allowed"]) == (ROWS, 1)
    assert (flips["largest"] > 0) == (flips["differing"] > 0)


def test_float32_trees_may_stand_behind_portable_steps_where_nothing_flips(tmp_path):
    pipeline = make_pipeline(PowerTransformer(), XGBRegressor(n_estimators=3, n_jobs=1)).fit(NUMBERS, TRUTH)
    target = export_bundle(pipeline, NUMBERS, tmp_path, name="none", version=1, golden_rows=300)
    assert parity_of(target)["flips"] == {"rows": ROWS, "differing": 0, "largest": 0, "allowed": 0}


def parity_of(target):
    """Return what a bundle's manifest says of its proof."""
    return json.loads((target / "manifest.json").read_text(encoding="utf-8"))["parity"]
