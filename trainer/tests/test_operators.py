"""What can't be served as scikit-learn computes it is refused, with the step, its columns, the reason and the way out."""

import numpy as np
import pandas as pd
import pytest
from sklearn.compose import ColumnTransformer
from sklearn.feature_selection import SelectKBest, f_regression
from sklearn.impute import MissingIndicator, SimpleImputer
from sklearn.pipeline import FeatureUnion, make_pipeline
from sklearn.preprocessing import (
    Binarizer,
    KBinsDiscretizer,
    MaxAbsScaler,
    MinMaxScaler,
    Normalizer,
    OneHotEncoder,
    OrdinalEncoder,
    PolynomialFeatures,
    RobustScaler,
    SplineTransformer,
    StandardScaler,
    TargetEncoder,
)

from plumb_trainer.errors import TrainerError
from plumb_trainer.graph.export import depends_on_batch, preprocessing_document
from plumb_trainer.graph.operators import OPERATORS
from plumb_trainer.recipe.document import Column

ROWS = 40
FRAME = pd.DataFrame(
    {
        "a": np.arange(ROWS) % 7 + 0.25,
        "b": np.arange(ROWS) % 5 - 2.0,
        "t": pd.Series(["x", "y", None, np.nan] * (ROWS // 4), dtype=object),
        "u": pd.Series(["x", "y", "x", np.nan] * (ROWS // 4), dtype=object),
        "full": pd.Series(["x", "y"] * (ROWS // 2), dtype=object),
    }
)
TARGET = np.arange(ROWS) % 3 * 1.5
FEATURES = [Column(name, "number" if name in "ab" else "string", {}) for name in FRAME.columns]


def export(step, columns, dtype=None, **options):
    """Return preprocessing.json of a step that was fitted on some columns."""
    data = FRAME[columns] if dtype is None else FRAME[columns].astype(dtype)
    return preprocessing_document(step.fit(data, TARGET), [f for f in FEATURES if f.name in columns], "X", "float64", **options)


@pytest.mark.parametrize(
    ("step", "columns", "sentence"),
    [
        (OneHotEncoder(sparse_output=False), ["t"], '(OneHotEncoder) on column "t": None and NaN are two categories'),
        (TargetEncoder(), ["t"], '(TargetEncoder) on column "t": None and NaN are two categories'),
        (SimpleImputer(strategy="constant", fill_value="?"), ["u", "a"], '"?" is what it fills in, but the column is one of numbers'),
        (SimpleImputer(strategy="most_frequent", missing_values="y"), ["full"], "missing_values must be NaN"),
        (MissingIndicator(missing_values="x"), ["full"], "replace the mark by NaN before fitting"),
        (KBinsDiscretizer(3, dtype=np.float32), ["a"], "set dtype=float64 or None"),
        (SplineTransformer(degree=0, extrapolation="constant"), ["a"], 'set extrapolation="continue", or a degree of 1 or more'),
        (SplineTransformer(degree=0, extrapolation="linear"), ["a", "b"], 'set extrapolation="continue", or a degree of 1 or more'),
        (SplineTransformer(extrapolation="continue", sparse_output=True), ["a"], "what overflows differs"),
        (SplineTransformer(extrapolation="error", sparse_output=True, handle_missing="zeros"), ["a"], "when it stands among others"),
        (make_pipeline(SplineTransformer(sparse_output=True), MaxAbsScaler()), ["a"], "set sparse_output=False of the step before"),
        (FeatureUnion([("t", SimpleImputer(strategy="most_frequent"))], transformer_weights={"t": 1}), ["u"], "can't be multiplied"),
        (OneHotEncoder(), ["a"], "a sparse matrix, whose zeros XGBoost reads as missing"),
        (KBinsDiscretizer(3), ["a"], "a sparse matrix, whose zeros XGBoost reads as missing"),
        (FeatureUnion([("a", OneHotEncoder()), ("b", MinMaxScaler())]), ["a", "b"], "a sparse matrix, whose zeros XGBoost"),
    ],
)
def test_a_step_that_has_no_faithful_form_is_refused(step, columns, sentence):
    with pytest.raises(TrainerError) as caught:
        export(step, columns)
    assert sentence in caught.value.problems[0]


@pytest.mark.parametrize(
    "step", [MinMaxScaler(), MaxAbsScaler(), RobustScaler(), OneHotEncoder(sparse_output=False), OrdinalEncoder(), TargetEncoder()]
)
def test_what_was_fitted_on_float32_is_refused(step):
    with pytest.raises(TrainerError, match=r'on columns "a", "b": it was fitted on float32 columns; cast them to float64 before fitting'):
        export(step, ["a", "b"], np.float32)
    assert export(step, ["a", "b"], np.float64)["nodes"]


def test_a_selector_that_keeps_nothing_is_refused():
    nothing = SelectKBest(f_regression, k=0)
    with pytest.raises(TrainerError, match=r'\(SelectKBest\) on columns "a", "b": it keeps no column'):
        export(nothing, ["a", "b"])


def test_a_column_that_is_no_feature_is_named_by_the_step_that_reads_it():
    both = ColumnTransformer([("scaled", StandardScaler(), ["a", "b"])]).fit(FRAME)
    with pytest.raises(TrainerError, match='column "b" is not a feature'):
        preprocessing_document(both, FEATURES[:1], "X", "float64")
    # One that no step reads is not missed.
    assert preprocessing_document(both, FEATURES[:2], "X", "float64")["outputs"][0]["shape"] == ["rows", 2]


def test_a_sparse_result_is_written_as_a_dense_one_for_a_model_that_reads_absent_as_zero():
    document = export(KBinsDiscretizer(3), ["a"], sparse_as_dense=True)
    assert document["nodes"][0]["params"]["encode"] == "onehot-dense"


def test_a_column_transformer_dense_enough_gives_a_dense_matrix():
    dense = ColumnTransformer([("bins", KBinsDiscretizer(3), ["a"]), ("rest", "passthrough", ["b"])])
    assert export(dense, ["a", "b"])["outputs"][0]["shape"] == ["rows", 4]


def test_sparse_ones_are_scaled_as_dense_ones_are():
    document = export(make_pipeline(OneHotEncoder(), StandardScaler(with_mean=False)), ["a"])
    assert [node["op"] for node in document["nodes"]] == ["one_hot_encoder", "standard_scaler"]


def test_a_nodes_id_is_no_features_name():
    frame = FRAME[["a", "b"]].set_axis(["n1", "n3"], axis=1)
    scaler = make_pipeline(SimpleImputer(), StandardScaler()).fit(frame)
    document = preprocessing_document(scaler, [Column(name, "number", {}) for name in ("n1", "n3")], "X", "float64")
    assert [(node["id"], node["inputs"]) for node in document["nodes"]] == [("n2", ["n1", "n3"]), ("n4", ["n2"])]


@pytest.mark.parametrize(
    ("step", "expected"),
    [
        (Normalizer(), True),
        (make_pipeline(SimpleImputer(), Normalizer("l1")), True),
        (FeatureUnion([("n", Normalizer()), ("p", PolynomialFeatures())]), True),
        (ColumnTransformer([("n", make_pipeline(Normalizer()), ["a", "b"])]), True),
        (Normalizer("max"), False),
        (make_pipeline(SimpleImputer(), StandardScaler()), False),
    ],
)
def test_norms_depend_on_the_rows_beside(step, expected):
    assert depends_on_batch(step.fit(FRAME[["a", "b"]])) is expected


@pytest.mark.parametrize(
    ("step", "columns", "expected"),
    [
        (SimpleImputer(), ["a", "b"], [True, True]),
        (SimpleImputer(missing_values=-2), ["a", "b"], [False, False]),
        (MissingIndicator(), ["u", "full"], [True, False]),
        (MissingIndicator(error_on_new=False), ["u", "full"], [True, True]),
        (MissingIndicator(features="all"), ["u", "full"], [True, True]),
        (OneHotEncoder(), ["u", "full"], [True, False]),
        (OrdinalEncoder(), ["full", "u"], [False, True]),
        (TargetEncoder(), ["u", "full"], [True, True]),
        (StandardScaler(), ["a"], [False]),
        (KBinsDiscretizer(3), ["a"], [False]),
        (SplineTransformer(), ["a"], [False]),
        (SplineTransformer(handle_missing="zeros"), ["a"], [True]),
    ],
)
def test_a_feature_may_be_missing_where_its_step_has_learnt_what_that_means(step, columns, expected):
    fitted = step.fit(FRAME[columns], TARGET)
    assert [OPERATORS[type(step)].takes_missing(fitted, index) for index in range(len(columns))] == expected


def test_what_a_later_step_drops_still_refuses_its_rows():
    first = ColumnTransformer([("a", Binarizer(), ["a"]), ("b", StandardScaler(), ["b"])])
    then = ColumnTransformer([("kept", "passthrough", [1])])
    document = export(make_pipeline(first, then), ["a", "b"])
    assert [(node["id"], node["op"], node["inputs"]) for node in document["nodes"]] == [
        ("n1", "binarizer", ["a"]),
        ("n2", "standard_scaler", ["b"]),
        ("n3", "passthrough", ["n2"]),
        ("n4", "select_columns", ["n3", "n1"]),
    ]
    assert document["nodes"][3]["params"] == {"columns": [0]}
    assert document["outputs"][0]["from"] == ["n4"]
