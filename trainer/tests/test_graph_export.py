"""What scikit-learn's transformers have learnt is written as the graph's operators read it."""

import numpy as np
import pandas as pd
import pytest
from sklearn.compose import ColumnTransformer, make_column_selector
from sklearn.decomposition import FastICA
from sklearn.feature_selection import VarianceThreshold
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, OneHotEncoder, OrdinalEncoder, StandardScaler

from plumb_trainer.errors import TrainerError
from plumb_trainer.graph.export import preprocessing_document, readers
from plumb_trainer.graph.links import postprocessing_document
from plumb_trainer.recipe.document import Column

FRAME = pd.DataFrame(
    {
        "a": [1.0, np.nan, 3.0, 4.0],
        "b": [0.0, 0.0, 0.0, 0.0],
        "n": [3, 1, 2, 3],
        "t": pd.Series(["x", "y", "x", np.nan], dtype=object),
        "o": [True, False, True, True],
    }
)
FEATURES = [
    Column(name, type, {}) for name, type in (("a", "number"), ("b", "number"), ("n", "integer"), ("t", "string"), ("o", "boolean"))
]


def export(*branches, **options):
    """Return preprocessing.json of a ColumnTransformer over `FRAME`."""
    transformer = ColumnTransformer([(f"part {index}", *branch) for index, branch in enumerate(branches)], sparse_threshold=0, **options)
    return preprocessing_document(transformer.fit(FRAME), FEATURES, "X", "float32")


def params(step, columns):
    """Return the parameters of the only node that a step on some columns becomes."""
    (node,) = export((step, columns))["nodes"]
    return node["params"]


def refusal(*branches, **options):
    """Return the sentence with which an export stops."""
    with pytest.raises(TrainerError) as caught:
        export(*branches, **options)
    return caught.value.problems[0]


@pytest.mark.parametrize(
    ("step", "columns", "expected"),
    [
        (SimpleImputer(strategy="median"), ["a", "b"], {"statistics": [3, 0]}),
        (SimpleImputer(add_indicator=True), ["b", "a"], {"statistics": [0, 8 / 3], "indicator_features": [1]}),
        (
            SimpleImputer(missing_values=0, keep_empty_features=True),
            ["b"],
            {"statistics": [0], "keep_empty_features": True, "missing_values": 0},
        ),
        (SimpleImputer(missing_values=0), ["b", "n"], {"statistics": ["NaN", 2.25], "missing_values": 0}),
        (StandardScaler(), ["n", "b"], {"mean": [2.25, 0], "scale": [np.std([3, 1, 2, 3]), 1]}),
        (StandardScaler(with_mean=False), ["n"], {"mean": None, "scale": [np.std([3, 1, 2, 3])]}),
        (StandardScaler(with_std=False), ["n"], {"mean": [2.25], "scale": None}),
        (MinMaxScaler(), ["n"], {"scale": [0.5], "min": [-0.5]}),
        (MinMaxScaler((-1, 1), clip=True), ["n"], {"scale": [1], "min": [-2], "clip": True, "feature_range": [-1, 1]}),
        (OneHotEncoder(), ["n", "o"], {"categories": [[1, 2, 3], [False, True]], "handle_unknown": "error"}),
        (OneHotEncoder(handle_unknown="warn"), ["t"], {"categories": [["x", "y", None]], "handle_unknown": "infrequent_if_exist"}),
        (
            OneHotEncoder(drop="if_binary", handle_unknown="ignore"),
            ["o", "n"],
            {"categories": [[False, True], [1, 2, 3]], "handle_unknown": "ignore", "drop_idx": [0, None]},
        ),
        (
            OneHotEncoder(min_frequency=2, handle_unknown="infrequent_if_exist"),
            ["n", "b"],
            {"categories": [[1, 2, 3], [0]], "handle_unknown": "infrequent_if_exist", "infrequent_categories": [[1, 2], None]},
        ),
        (OrdinalEncoder(), ["n"], {"categories": [[1, 2, 3]], "handle_unknown": "error"}),
        (
            OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=np.nan, encoded_missing_value=-1),
            ["t", "n"],
            {
                "categories": [["x", "y", None], [1, 2, 3]],
                "handle_unknown": "use_encoded_value",
                "unknown_value": "NaN",
                "encoded_missing_value": [-1, -1],
            },
        ),
    ],
)
def test_parameters_are_those_that_the_operator_reads(step, columns, expected):
    got = params(make_pipeline(step), columns)
    assert got == expected


def test_tables_stand_side_by_side_in_order_of_the_branches():
    chain = make_pipeline(SimpleImputer(add_indicator=True), StandardScaler())
    document = export((OneHotEncoder(), ["n"]), (chain, ["a", "b"]), ("passthrough", ["o"]))
    assert document["format"] == "plumb-graph/1"
    assert document["inputs"] == [
        {"name": "a", "type": "number"},
        {"name": "b", "type": "number"},
        {"name": "n", "type": "integer"},
        {"name": "o", "type": "boolean"},
    ]
    assert [(node["id"], node["op"], node["inputs"]) for node in document["nodes"]] == [
        ("n1", "one_hot_encoder", ["n"]),
        ("n2", "simple_imputer", ["a", "b"]),
        ("n3", "standard_scaler", ["n2"]),
        ("n4", "passthrough", ["o"]),
    ]
    assert document["outputs"] == [{"name": "X", "dtype": "float32", "shape": ["rows", 7], "from": ["n1", "n3", "n4"]}]


@pytest.mark.parametrize(
    "columns",
    [[0, 2], np.array([0, 2]), [True, False, True, False, False], slice(0, 3, 2), make_column_selector("^[an]$")],
    ids=["indexes", "array", "mask", "slice", "selector"],
)
def test_columns_are_named_however_the_branch_was_given_them(columns):
    assert export(("passthrough", columns))["nodes"][0]["inputs"] == ["a", "n"]


def test_a_slice_of_names_ends_with_the_last():
    assert export(("passthrough", slice("b", "n")))["nodes"][0]["inputs"] == ["b", "n"]
    assert export(("passthrough", slice(None, "b")))["nodes"][0]["inputs"] == ["a", "b"]


def test_the_remainder_and_what_is_dropped():
    document = export(("drop", ["t"]), (StandardScaler(), ["a"]), remainder="passthrough")
    assert [(node["op"], node["inputs"]) for node in document["nodes"]] == [("standard_scaler", ["a"]), ("passthrough", ["b", "n", "o"])]


def test_a_selection_reads_the_columns_that_it_keeps():
    document = export((make_pipeline(VarianceThreshold(), "passthrough"), ["b", "n", "o"]))
    assert document["nodes"][0] == {"id": "n1", "op": "passthrough", "inputs": ["n", "o"], "params": {}}
    assert document["outputs"][0]["shape"] == ["rows", 2]


def test_a_pipeline_without_a_column_transformer_reads_all_features():
    frame = FRAME[["a", "b"]]
    document = preprocessing_document(make_pipeline(SimpleImputer(), StandardScaler()).fit(frame), FEATURES[:2], "X", "float64")
    assert [(node["op"], node["inputs"]) for node in document["nodes"]] == [("simple_imputer", ["a", "b"]), ("standard_scaler", ["n1"])]


def test_the_width_is_what_scikit_learn_gives():
    branches = [
        (SimpleImputer(add_indicator=True), ["a"]),
        (SimpleImputer(missing_values=0), ["b", "n"]),
        (OneHotEncoder(min_frequency=2, drop="first", handle_unknown="infrequent_if_exist"), ["n", "o"]),
    ]
    transformer = ColumnTransformer([(str(index), *branch) for index, branch in enumerate(branches)]).fit(FRAME)
    document = preprocessing_document(transformer, FEATURES, "X", "float32")
    assert document["outputs"][0]["shape"][1] == transformer.transform(FRAME).shape[1]


def test_a_step_without_an_operator_is_named_with_its_columns():
    assert refusal((make_pipeline(StandardScaler(), FastICA()), ["b", "n"])).startswith(
        'preprocessing, "part 0", step "fastica" (FastICA) on columns "b", "n": there is no operator for it: its '
    )


def test_text_that_no_encoder_reads_is_refused():
    assert 'column "t" ends as text' in refusal((SimpleImputer(strategy="most_frequent"), ["t"]))


def test_an_imputer_of_another_mark_in_text_is_refused():
    frame = pd.DataFrame({"t": pd.Series(["x", "?", "x"], dtype=object)})
    imputer = SimpleImputer(missing_values="?", strategy="most_frequent").fit(frame)
    with pytest.raises(TrainerError, match=r'\(SimpleImputer\) on column "t": missing_values must be NaN'):
        preprocessing_document(imputer, [FEATURES[3]], "X", "float32")


def test_weights_multiply_what_a_branch_gives():
    document = export((StandardScaler(), ["n"]), ("passthrough", ["a"]), transformer_weights={"part 0": 2})
    assert [(node["op"], node["inputs"]) for node in document["nodes"]] == [
        ("standard_scaler", ["n"]),
        ("transformer_weight", ["n1"]),
        ("passthrough", ["a"]),
    ]
    assert document["nodes"][1]["params"] == {"weight": 2}
    assert document["outputs"][0]["from"] == ["n2", "n3"]


def test_a_sparse_result_is_refused_since_xgboost_reads_its_zeros_as_missing():
    wide = pd.DataFrame({"n": np.arange(40)})
    transformer = ColumnTransformer([("n", OneHotEncoder(), ["n"])]).fit(wide)
    with pytest.raises(TrainerError, match="set sparse_threshold=0"):
        preprocessing_document(transformer, [FEATURES[2]], "X", "float32")


def test_readers_are_the_steps_that_see_a_features_own_values():
    imputer, encoder, scaler = SimpleImputer(), OneHotEncoder(), StandardScaler()
    inner = ColumnTransformer(
        [("encoded", make_pipeline(imputer, encoder), ["b", "n"]), ("scaled", scaler, ["n"]), ("as is", "passthrough", ["n"])]
    )
    found = list(readers(make_pipeline(inner, StandardScaler()).fit(FRAME[["a", "b", "n"]]), "n"))
    assert [([type(step) for step in steps], index) for steps, index in found] == [
        ([SimpleImputer, OneHotEncoder], 1),
        ([StandardScaler], 0),
        ([], 0),
    ]


def test_after_a_regressor_the_raw_output_is_the_prediction():
    assert postprocessing_document("main.Y", "float32", 1, "identity", ()) == {
        "format": "plumb-graph/1",
        "inputs": [{"name": "main.Y", "dtype": "float32", "shape": ["rows", 1]}],
        "nodes": [{"id": "p1", "op": "identity", "inputs": ["main.Y"], "params": {}}],
        "outputs": [{"name": "prediction", "from": ["p1"]}],
    }


def test_after_a_classifier_of_two_labels_one_output_is_the_chance_of_the_second():
    document = postprocessing_document("main.Y", "float32", 1, "sigmoid", ("benign", "malignant"))
    labels = ["benign", "malignant"]
    assert document["nodes"] == [
        {"id": "p1", "op": "sigmoid", "inputs": ["main.Y"], "params": {"dtype": "float32"}},
        {"id": "p2", "op": "label", "inputs": ["p1"], "params": {"labels": labels, "threshold": 0.5}},
    ]
    assert document["outputs"] == [
        {"name": "prediction", "from": ["p2"]},
        {"name": "probabilities", "from": ["p1"], "params": {"labels": labels}},
    ]


def test_after_a_classifier_of_more_labels_each_has_an_output():
    document = postprocessing_document("main.Y", "float64", 3, "softmax", (0, 1, 2))
    assert document["inputs"][0]["shape"] == ["rows", 3]
    assert document["nodes"] == [
        {"id": "p1", "op": "softmax", "inputs": ["main.Y"], "params": {"dtype": "float64"}},
        {"id": "p2", "op": "label", "inputs": ["p1"], "params": {"labels": [0, 1, 2]}},
    ]
