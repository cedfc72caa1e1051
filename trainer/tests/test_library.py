"""A pipeline that was fitted elsewhere becomes a bundle, or a sentence that says why not; never half a bundle."""

import json

import numpy as np
import pandas as pd
import pytest
import scipy.sparse
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.compose import ColumnTransformer
from sklearn.impute import KNNImputer, SimpleImputer
from sklearn.kernel_ridge import KernelRidge
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, OrdinalEncoder, StandardScaler
from sklearn.tree import DecisionTreeClassifier

from plumb_trainer import export_bundle
from plumb_trainer.errors import TrainerError

ROWS = 60
RANDOM = np.random.RandomState(3)
NUMBERS = pd.DataFrame({"a": RANDOM.randn(ROWS), "b": RANDOM.rand(ROWS) * 9})
TRUTH = NUMBERS["a"] * 2 + NUMBERS["b"]


class Doubled(TransformerMixin, BaseEstimator):
    """A transformer of somebody's own."""

    def fit(self, X, y=None):
        self.fitted_ = True
        self.feature_names_in_ = np.array(X.columns, dtype=object)
        return self

    def transform(self, X):
        return np.asarray(X) * 2


class Stateless(BaseEstimator, TransformerMixin):
    """A transformer that learns nothing, and so has no attribute that says so."""

    def fit(self, X, y=None):
        return self

    def transform(self, X):
        return X.assign(more=X["a"] / X["b"])


def with_column(values):
    """Return the two numbers and a column "c"."""
    return NUMBERS.assign(c=values)


def fitted(*steps, data=NUMBERS):
    return make_pipeline(*steps, Ridge()).fit(data, TRUTH)


TEXTS = pd.Series(["x", "y"] * (ROWS // 2), dtype=object)


def reads_c(column, encoder=None):
    """Return a pipeline that reads a column "c" as categories, and X with such a column."""
    encoder = encoder or OneHotEncoder(handle_unknown="ignore", sparse_output=False)
    steps = [("a", StandardScaler(), ["a", "b"]), ("c", encoder, ["c"])]
    return make_pipeline(ColumnTransformer(steps), Ridge()).fit(with_column(TEXTS), TRUTH), with_column(column)


def knows(*categories):
    """Return a pipeline that has learnt other categories of "c" than stand in X, and X."""
    pipeline, data = reads_c(TEXTS)
    learnt = np.empty(len(categories), dtype=object)
    learnt[:] = categories
    pipeline[0].named_transformers_["c"].categories_ = [learnt]
    return pipeline, data


@pytest.mark.parametrize(
    ("pipeline", "data", "sentence"),
    [
        (make_pipeline(StandardScaler(), Ridge()), NUMBERS, 'step "standardscaler" (StandardScaler) isn\'t fitted; fit the whole pipeline'),
        (Ridge(), NUMBERS, "this Ridge isn't fitted; fit it first"),
        (fitted(Doubled()), NUMBERS, '(Doubled) on columns "a", "b": there is no operator for it, because its transform is Python'),
        (
            fitted(KNNImputer()),
            NUMBERS,
            'step "knnimputer" (KNNImputer) on columns "a", "b": there is no operator for it: it fills in what a model of the other '
            "columns predicts; fit SimpleImputer in its place",
        ),
        (
            fitted(FunctionTransformer(lambda x: x * 2)),
            NUMBERS,
            'step "functiontransformer" (FunctionTransformer) on columns "a", "b": a lambda can\'t be served, because it is Python; use '
            "NumPy's absolute",
        ),
        (make_pipeline(StandardScaler()).fit(NUMBERS), NUMBERS, 'last step "standardscaler" is StandardScaler, which predicts nothing'),
        (fitted(), NUMBERS.to_numpy()[:, :1], 'column "a" is missing, which the pipeline was fitted on'),
        (fitted(Stateless()), NUMBERS, '(Stateless) on columns "a", "b": there is no operator for it, because its transform is Python'),
        (fitted(), NUMBERS.rename(columns={"a": "rows"}), "column \"rows\" can't be a feature's name, because a request has"),
        (fitted(), NUMBERS.rename(columns={"a": "toString"}), "column \"toString\" can't be a feature's name, because each object of"),
        (fitted(), NUMBERS.rename(columns={"a": "a\nb"}), "can't be a feature's name, because it holds a control character"),
        (fitted(), NUMBERS.rename(columns={"a": "\ud800"}), "can't be a feature's name, because it holds a control character or half"),
        (DecisionTreeClassifier().fit(NUMBERS, np.where(TRUTH > 1, 2**53, 7)), NUMBERS, "class 9007199254740992 is over 2^53"),
        (KernelRidge().fit(NUMBERS, TRUTH), NUMBERS, "a KernelRidge has no form here; fit an SVR in its place, or a Ridge behind"),
        (fitted(), scipy.sparse.csr_matrix(NUMBERS), "expected a pandas DataFrame, got scipy's csr_matrix"),
        (fitted(), NUMBERS.rename(columns={"a": 1}), "column names must be strings, got 1; rename with"),
        (fitted(), NUMBERS.set_axis(["a", "a"], axis=1), 'column "a" is there twice; rename one'),
        (fitted(), NUMBERS.rename(columns={"a": "__proto__"}), "column \"__proto__\" can't be a feature's name"),
        (fitted(), NUMBERS[:0], "expected the rows that the pipeline was fitted on, got 0"),
        (fitted(), NUMBERS[:1], "expected the rows that the pipeline was fitted on, got 1"),
        (fitted(), NUMBERS[["a"]], 'column "b" is missing, which the pipeline was fitted on'),
        (fitted(), with_column(1.0), 'column "c" is none that the pipeline was fitted on'),
        (*reads_c(pd.Series([1, "x"] * (ROWS // 2), dtype=object)), 'column "c": it mixes values of type integer and string; make'),
        (*reads_c(np.full(ROWS, np.nan)), 'column "c": every value is missing'),
        (*reads_c(np.arange(ROWS) + 2**53), 'column "c": it has integers over 2^53, which lose their last digits in JSON; make strings'),
        (*reads_c(pd.date_range("2024-01-01", periods=ROWS)), 'column "c": it holds dates (datetime64'),
        (
            *reads_c(pd.Series([(1, 2), (3, 4)] * (ROWS // 2))),
            'column "c": a list of numbers can\'t go into one_hot_encoder; give it a RowWindow first',
        ),
        (*reads_c(pd.Series([b"x", b"y"] * (ROWS // 2))), "column \"c\": JSON has no form for b'x' (bytes); make strings or numbers of it"),
        (*reads_c(pd.Series(["x", "\ud800"] * (ROWS // 2), dtype=object)), "column \"c\": '\\ud800' isn't Unicode text"),
        (
            *knows(b"x", b"y"),
            '"c" (OneHotEncoder) on column "c": JSON has no form for category b\'x\'; make strings or numbers of the column',
        ),
        (*knows((1, 2), (3, 4)), 'column "c": JSON has no form for category (1, 2); make strings'),
        (*knows(pd.Timestamp("2024-01-01")), 'column "c": JSON has no form for category Timestamp('),
        (*knows(1.0, np.inf), 'column "c": JSON has no form for category inf; make strings'),
        (
            *knows(1, 2**53),
            'column "c": category 9007199254740992 is over 2^53, where JSON loses the last digits; make strings of the column',
        ),
        (*knows("x", "\ud800"), "column \"c\": category '\\ud800' isn't Unicode text (half a code point); repair the column before"),
        (
            *reads_c(TEXTS.replace("y", "z"), OrdinalEncoder()),
            "X: the pipeline itself raises on these rows (Found unknown categories ['z']",
        ),
        (*reads_c(pd.arrays.SparseArray([0.0, 1.0] * (ROWS // 2))), 'column "c": it is sparse; give X.sparse.to_dense()'),
    ],
    ids=lambda value: value[:40] if isinstance(value, str) else "",
)
def test_what_is_no_bundle_is_told(tmp_path, pipeline, data, sentence):
    with pytest.raises(TrainerError) as stopped:
        export_bundle(pipeline, data, tmp_path, name="no", version=1)
    assert sentence in str(stopped.value)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"name": "No"}, "name: expected 1 to 64 lower-case letters"),
        ({"version": 0}, "version: expected an integer from 1 up"),
        ({"task": "classification"}, 'task: the model is for regression, and "classification" was asked for'),
        ({"y": NUMBERS["a"]}, 'column "a" is the target, and a feature too'),
        ({"y": NUMBERS["a"].to_numpy()}, 'column "a" equals y in every row: it is the target'),
        ({"y": [1, 2]}, f"y: expected {ROWS} values, one for each row of X, got 2"),
        ({"metadata": {"titel": "x"}}, 'metadata: there is no "titel"; expected title'),
        ({"schema": {"z": {}}}, 'schema: "z" is no feature that the pipeline reads; expected a, b'),
        ({"allow_flips": 2}, "allow_flips: expected a share from 0 to 1"),
        ({"slo": {"p95": 3}}, 'slo: there is no "p95"; expected p95_ms, rps'),
        ({"metadata": {"seed": -1}}, "metadata, seed: expected an integer from 0 up, got -1"),
        ({"y": ["x"] * ROWS}, "y: the model predicts numbers, and y holds"),
        ({"golden_rows": 0}, "golden_rows: expected a number of rows from 1 up"),
    ],
)
def test_what_is_asked_wrongly_is_told(tmp_path, options, sentence):
    with pytest.raises(TrainerError) as stopped:
        export_bundle(fitted(), NUMBERS, tmp_path, **{"name": "no", "version": 1, **options})
    assert sentence in str(stopped.value)
    assert list(tmp_path.iterdir()) == []


def test_the_schema_is_inferred_and_the_bundle_says_what_was_found(tmp_path):
    data = NUMBERS.assign(
        city=pd.Series(["Oslo", "Rome", "Lima"] * (ROWS // 3), dtype="category"),
        grade=pd.Series(["low", "high"] * (ROWS // 2)),
        count=pd.array([1, 2, None] * (ROWS // 3), dtype="Int64"),
        idle=1.5,
    )
    data.loc[::5, "a"] = np.nan
    steps = [
        ("numbers", make_pipeline(SimpleImputer(), StandardScaler()), ["a", "b"]),
        ("count", SimpleImputer(strategy="most_frequent"), ["count"]),
        ("city", OneHotEncoder(handle_unknown="ignore", sparse_output=False), ["city"]),
        ("grade", OrdinalEncoder(), ["grade"]),
    ]
    fit_on = data.assign(count=data["count"].astype("float64"))
    pipeline = make_pipeline(ColumnTransformer(steps), Ridge()).fit(fit_on, TRUTH)
    target = export_bundle(
        pipeline, data, tmp_path, name="all", version=2, y=TRUTH, golden_rows=300, schema={"b": {"minimum": 0}}, metadata={"title": "All"}
    )
    assert target == tmp_path / "all" / "2"
    schema = json.loads((target / "schema.json").read_text(encoding="utf-8"))
    # Nothing reads "idle".
    assert schema["required"] == ["a", "b", "city", "grade", "count"]
    properties = schema["properties"]
    assert properties["a"] == {"type": ["number", "null"]}
    assert properties["b"]["minimum"] == 0
    # Missing is as unknown to this encoder as any other city, and the other raises on both.
    assert properties["city"] == {"type": ["string", "null"], "x-known-categories": ["Lima", "Oslo", "Rome"]}
    assert properties["grade"] == {"type": "string", "enum": ["high", "low"]}
    assert properties["count"] == {"type": ["integer", "null"]}
    manifest = json.loads((target / "manifest.json").read_text(encoding="utf-8"))
    assert manifest["parity"]["tier"] == "C"
    assert manifest["parity"]["features_ulp_max"] == 0
    assert manifest["parity"]["rows"] > 556
    baseline = json.loads((target / "baseline.json").read_text(encoding="utf-8"))
    assert baseline["features"]["a"]["missing"] == ROWS // 5
    evaluation = json.loads((target / "evaluation.json").read_text(encoding="utf-8"))
    assert evaluation["metrics"]["given"]["rmse"] > 0
    assert "All, version 2" in (target / "card.md").read_text(encoding="utf-8")
    with pytest.raises(TrainerError, match="exists already; give the next version"):
        export_bundle(pipeline, data, tmp_path, name="all", version=2)


def test_a_target_that_is_exactly_linear_is_served_within_a_bound_that_still_binds(tmp_path):
    data = NUMBERS.assign(a=NUMBERS["a"].round(1))
    pipeline = make_pipeline(StandardScaler(), LinearRegression()).fit(data, 3 * data["a"])
    parity = json.loads((export_bundle(pipeline, data, tmp_path, name="line", version=1) / "manifest.json").read_text())["parity"]
    assert parity["tier"] == "C"
    # Where terms cancel, what is left is any number of units away from what another order leaves.
    assert parity["tolerance"]["margin_ulp"] < 2**16
    assert parity["tolerance"]["margin_abs"] < 1e-12


def test_a_sparse_matrix_before_a_linear_model_is_served_dense(tmp_path):
    data = with_column(pd.Series(["x", "y", "z"] * (ROWS // 3), dtype="category"))
    steps = [("c", OneHotEncoder(handle_unknown="ignore"), ["c"]), ("a", "passthrough", ["a"])]
    classes = np.where(TRUTH > TRUTH.mean(), "high", "low")
    pipeline = make_pipeline(ColumnTransformer(steps, sparse_threshold=1.0), LogisticRegression()).fit(data, classes)
    target = export_bundle(pipeline, data, tmp_path, name="sparse", version=1, y=classes, golden_rows=300)
    evaluation = json.loads((target / "evaluation.json").read_text(encoding="utf-8"))
    assert evaluation["positive"] == "low"
    assert 0.5 < evaluation["metrics"]["given"]["accuracy"] <= 1
