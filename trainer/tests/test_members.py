"""What stands round pipelines, and pipelines inside of models: each is served with its own preprocessing, and answers as the whole does."""

import json

import numpy as np
import pandas as pd
import pytest
from lightgbm import Dataset, LGBMClassifier
from lightgbm import train as train_lightgbm
from sklearn.calibration import CalibratedClassifierCV
from sklearn.cluster import KMeans
from sklearn.compose import TransformedTargetRegressor, make_column_transformer
from sklearn.dummy import DummyClassifier, DummyRegressor
from sklearn.ensemble import (
    BaggingRegressor,
    HistGradientBoostingClassifier,
    RandomForestClassifier,
    StackingRegressor,
    VotingClassifier,
)
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import FixedThresholdClassifier, GridSearchCV, TunedThresholdClassifierCV
from sklearn.multiclass import OneVsRestClassifier
from sklearn.multioutput import MultiOutputRegressor
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.svm import OneClassSVM
from xgboost import DMatrix, XGBClassifier, XGBRanker, XGBRegressor
from xgboost import train as train_xgboost

from plumb_trainer import export_bundle
from plumb_trainer.errors import TrainerError

ROWS = 90
RANDOM = np.random.RandomState(5)
NUMBERS = pd.DataFrame({"a": RANDOM.randn(ROWS), "b": RANDOM.rand(ROWS) * 9})
MIXED = NUMBERS.assign(band=pd.Series(["low", "mid", "high"] * (ROWS // 3)), b=NUMBERS["b"].where(NUMBERS["b"] > 1))
CODED = MIXED.assign(band=MIXED["band"].astype("category"))
TRUTH = np.exp(NUMBERS["a"]) + NUMBERS["b"]
TWO = (TRUTH > TRUTH.median()).astype(int)
THREE = pd.qcut(TRUTH, 3, labels=["s", "m", "l"]).astype(str)
TEXTS = pd.Series(["good film", "bad film", "good plot", "a bad plot", "plot"] * (ROWS // 5), name="text")


def before(numbers=None):
    """Return preprocessing of the mixed columns, missing values filled in or left to the model."""
    encoder = OneHotEncoder(handle_unknown="ignore", sparse_output=False)
    return make_column_transformer((encoder, ["band"]), (numbers or make_pipeline(SimpleImputer(), StandardScaler()), ["a", "b"]))


def line():
    return make_pipeline(before(), LogisticRegression())


def trees(kind=XGBClassifier):
    """Return trees that take missing values, behind an encoder."""
    return make_pipeline(before("passthrough"), kind(n_estimators=3, max_depth=3, n_jobs=1))


SCALED = make_pipeline(StandardScaler(), LogisticRegression())


class Sampler:
    """As imbalanced-learn's: it changes the rows of training, and nothing else."""

    def fit_resample(self, X, y):
        return X, y


def sampled():
    """Return a fitted pipeline with a sampler in it, as imbalanced-learn's own pipeline has it."""
    whole = line().fit(MIXED, TWO)
    passing = Passing([whole.steps[0], ("sampler", Sampler()), whole.steps[1]])
    return passing


class Passing(Pipeline):
    """As imbalanced-learn's pipeline: where it predicts it passes over samplers."""

    def _plain(self):
        return Pipeline([(name, step) for name, step in self.steps if not isinstance(step, Sampler)])

    def predict(self, X):
        return self._plain().predict(X)

    def predict_proba(self, X):
        return self._plain().predict_proba(X)


# By name: what is fitted, on what, with which target; and the tier of its answers.
BROUGHT = {
    "curves round trees": (CalibratedClassifierCV(trees(), cv=2, method="isotonic"), MIXED, TWO, "A"),
    "votes": (VotingClassifier([("line", line()), ("trees", trees())], voting="soft"), MIXED, TWO, "C"),
    "stacked": (StackingRegressor([("line", make_pipeline(before(), Ridge())), ("trees", trees(XGBRegressor))], cv=2), MIXED, TRUTH, "C"),
    "behind what all share": (
        make_pipeline(before(), VotingClassifier([("one", LogisticRegression()), ("two", SCALED)])),
        MIXED,
        TWO,
        "C",
    ),
    "bags of columns": (
        BaggingRegressor(make_pipeline(StandardScaler(), Ridge()), n_estimators=3, max_features=0.5, random_state=0),
        NUMBERS,
        TRUTH,
        "C",
    ),
    "one against the rest": (OneVsRestClassifier(SCALED), NUMBERS, THREE, "C"),
    "a pipeline for each output": (MultiOutputRegressor(make_pipeline(before(), Ridge())), MIXED, np.c_[TRUTH, TRUTH**2], "C"),
    "a logarithm in float32": (TransformedTargetRegressor(trees(XGBRegressor), func=np.log1p, inverse_func=np.expm1), MIXED, TRUTH, "C"),
    "a root of the target": (
        TransformedTargetRegressor(make_pipeline(before(), Ridge()), func=np.sqrt, inverse_func=np.square),
        MIXED,
        TRUTH,
        "C",
    ),
    "a search": (GridSearchCV(line(), {"logisticregression__C": [0.1, 1]}, cv=2), MIXED, TWO, "C"),
    "a threshold of a score": (
        FixedThresholdClassifier(line(), threshold=0.25, response_method="decision_function", pos_label=0),
        MIXED,
        TWO,
        "C",
    ),
    "a threshold that was searched for": (TunedThresholdClassifierCV(line(), scoring="f1", cv=2), MIXED, TWO, "C"),
    "a sampler": (sampled(), MIXED, TWO, "C"),
    "categories of LightGBM": (LGBMClassifier(n_estimators=5, min_child_samples=5, n_jobs=1, verbose=-1), CODED, TWO, "C"),
    "categories of XGBoost": (XGBClassifier(n_estimators=5, enable_categorical=True), CODED, TWO, "A"),
    "categories of HistGradientBoosting": (HistGradientBoostingClassifier(max_iter=5, min_samples_leaf=5), CODED, TWO, "C"),
    "a series of texts": (make_pipeline(TfidfVectorizer(), LogisticRegression()), TEXTS, TWO, "C"),
    "an array": (make_pipeline(StandardScaler(), RandomForestClassifier(3, random_state=0)), NUMBERS.to_numpy(), TWO, "A"),
    "the mean": (DummyRegressor(), NUMBERS, TRUTH, "A"),
    "the most frequent class": (DummyClassifier(), NUMBERS, THREE, "A"),
    "clusters": (make_pipeline(StandardScaler(), KMeans(3, n_init=1, random_state=0)), NUMBERS, None, "C"),
    "outliers": (make_pipeline(StandardScaler(), OneClassSVM()), NUMBERS, None, "C"),
}


def exported(folder, pipeline, data):
    """Return the documents of a bundle and its golden rows that are answered."""
    target = export_bundle(pipeline, data, folder, name="brought", version=1, golden_rows=60)
    golden = [json.loads(text) for text in (target / "golden.jsonl").read_text(encoding="utf-8").split("\n")[:-1]]
    documents = {name: json.loads((target / f"{name}.json").read_text()) for name in ("manifest", "schema", "preprocessing")}
    return documents, [answer for answer in golden if "error" not in answer]


def asked(rows, data):
    """Return rows of a bundle as the pipeline takes them."""
    if isinstance(data, pd.Series):
        return pd.Series([row["text"] for row in rows])
    names = data.columns if isinstance(data, pd.DataFrame) else [f"x{index}" for index in range(data.shape[1])]
    frame = pd.DataFrame([[row[name] for name in names] for row in rows], columns=names)
    if not isinstance(data, pd.DataFrame):
        return frame.to_numpy(dtype=float)
    return frame.astype({name: dtype if str(dtype) in ("category", "float64") else object for name, dtype in data.dtypes.items()})


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", BROUGHT)
def test_what_people_bring_is_served_with_its_own_answers(name, tmp_path):
    pipeline, data, target, tier = BROUGHT[name]
    pipeline = pipeline if name == "a sampler" else pipeline.fit(data) if target is None else pipeline.fit(data, target)
    documents, golden = exported(tmp_path, pipeline, data)
    assert documents["manifest"]["parity"]["tier"] == tier
    # Numbers near the data; at the extremes another order of a sum is far away in numbers.
    golden = [answer for answer in golden if answer["kind"] in ("sample", "missing", "unknown", "threshold", "mean", "bound")]
    assert len(golden) > 90
    rows = asked([answer["row"] for answer in golden], data)
    expected, got = pipeline.predict(rows), [answer["prediction"] for answer in golden]
    if documents["manifest"]["task"] == "classification":
        assert np.asarray(expected).tolist() == got
        if hasattr(pipeline, "predict_proba"):
            assert np.allclose(pipeline.predict_proba(rows), [answer["probabilities"] for answer in golden], rtol=1e-6, atol=1e-9)
    else:
        assert np.allclose(expected, got, rtol=1e-6, atol=1e-9)


@pytest.mark.filterwarnings("ignore")
def test_missing_is_taken_where_the_pipeline_takes_it(tmp_path):
    complete = MIXED.fillna({"b": 1.0})
    schema = exported(tmp_path / "trees", trees().fit(complete, TWO), complete)[0]["schema"]["properties"]
    assert [schema[name]["type"] for name in ("a", "b", "band")] == [["number", "null"], ["number", "null"], ["string", "null"]]
    whole = make_pipeline(StandardScaler(), Ridge()).fit(NUMBERS, TRUTH)
    schema = exported(tmp_path / "line", whole, NUMBERS)[0]["schema"]["properties"]
    assert [schema[name]["type"] for name in ("a", "b")] == ["number", "number"]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("kind", ["booster", "LightGBM's booster", "ranker", "hazards"])
def test_what_else_libraries_fit_is_read(kind, tmp_path):
    if kind == "booster":
        model = train_xgboost({"max_depth": 3}, DMatrix(NUMBERS, TRUTH), 3)
        expected = model.predict(DMatrix(NUMBERS))
    elif kind == "LightGBM's booster":
        model = train_lightgbm({"verbose": -1, "min_data_in_leaf": 5}, Dataset(NUMBERS, TRUTH), 3)
        expected = model.predict(NUMBERS)
    elif kind == "ranker":
        model = XGBRanker(n_estimators=3).fit(NUMBERS, TWO, qid=np.arange(ROWS) // 9)
        expected = model.predict(NUMBERS)
    else:
        model = XGBRegressor(objective="survival:cox", n_estimators=3).fit(NUMBERS, TRUTH)
        expected = model.predict(NUMBERS)
    documents, golden = exported(tmp_path, model, NUMBERS)
    assert documents["manifest"]["parity"]["tier"] == "A"
    samples = {line: index for index, line in enumerate(map(tuple, NUMBERS.to_numpy().tolist()))}
    found = [(expected[samples[key]], answer["prediction"]) for answer in golden if (key := tuple(answer["row"].values())) in samples]
    assert len(found) >= ROWS
    assert all(float(ours) == theirs for ours, theirs in found)


def test_a_search_without_a_best_estimator_is_told():
    search = GridSearchCV(Ridge(), {"alpha": [1, 2]}, cv=2, refit=False).fit(NUMBERS, TRUTH)
    with pytest.raises(TrainerError, match="it keeps no best estimator; fit it with refit=True"):
        export_bundle(search, NUMBERS, "nowhere", name="search", version=1)
