"""How our own transformers are written into a bundle: what the operators read, the row's schema, and what is refused."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from plumb_trainer import features
from plumb_trainer.errors import TrainerError
from plumb_trainer.graph.export import preprocessing_document
from plumb_trainer.graph.operators import OPERATORS
from plumb_trainer.graph.row_schema import schema_document
from plumb_trainer.proof.command import PROJECT
from plumb_trainer.recipe.document import Column

FRAME = pd.DataFrame(
    {
        "day": ["2026-11-22", "2026-11-23"],
        "city": ["Oslo", "Rome"],
        "price": [1.0, 4.0],
        "weight": [2.0, 0.5],
        "promo": [0, 1],
        "sold": pd.Series([[1.0, 2.0], [3.0]], dtype=object),
    }
)
TYPES = {"day": "string", "city": "string", "price": "number", "weight": "number", "promo": "integer", "sold": "numbers"}
COLUMNS = [Column(name, kind, {}) for name, kind in TYPES.items()]


def property_of(name, preprocessing):
    """Return what schema.json says of a feature."""
    recipe = SimpleNamespace(features=[column for column in COLUMNS if column.name == name], title="own", description=None)
    return schema_document(recipe, preprocessing)["properties"][name]


def fitted(*branches):
    chosen = [(f"part {index}", step, columns) for index, (step, columns) in enumerate(branches)]
    return ColumnTransformer(chosen, sparse_threshold=0).fit(FRAME)


def export(*branches):
    return preprocessing_document(fitted(*branches), COLUMNS, "X", "float32")


CASES = [
    (features.DateParts(("month",)), ["day"], "date_parts", {"parts": ["month"], "format": "date"}),
    (features.Cyclic(24), ["promo", "price"], "cyclic", {"period": 24}),
    (features.Ratio(), ["price", "weight", "promo"], "ratio", {}),
    (features.Difference(), ["price", "weight"], "difference", {}),
    (features.Product(), ["price", "weight"], "product", {}),
    (features.Clip(upper=[1, -0.0]), ["price", "weight"], "clip", {"lower": ["-Infinity"] * 2, "upper": [1, "-0.0"]}),
    (features.Buckets(np.array([0, 0.5])), ["price", "weight"], "buckets", {"edges": [[0, 0.5], [0, 0.5]], "right": False}),
    (features.RowWindow(["mean", "lag_2"], ddof=1), ["sold"], "row_window", {"statistics": ["mean", "lag_2"], "min_items": 1, "ddof": 1}),
    (
        features.RowWindow(("count",), window=np.int64(3)),
        ["sold"],
        "row_window",
        {"statistics": ["count"], "window": 3, "min_items": 3, "ddof": 0},
    ),
    (features.TextLength(), ["city", "day"], "text_length", {}),
    (features.TextPattern(["url", {"contains": "s"}]), ["city"], "text_pattern", {"patterns": ["url", {"contains": "s"}]}),
    (features.PortableLog("log"), ["price"], "portable_log", {"function": "log"}),
]


@pytest.mark.parametrize(("step", "columns", "operator", "params"), CASES)
def test_parameters_are_those_that_the_operator_reads(step, columns, operator, params):
    document = export((step, columns))
    assert document["nodes"] == [{"id": "n1", "op": operator, "inputs": columns, "params": params}]
    assert document["inputs"] == [{"name": name, "type": kind} for name, kind in TYPES.items() if name in columns]
    assert document["outputs"][0]["shape"][1] == fitted((step, columns)).transform(FRAME).shape[1]


def test_the_example_of_the_docs_is_exported():
    page = (PROJECT / "docs" / "preprocessing.md").read_text(encoding="utf-8")
    code = page.split("## Our own transformers")[1].split("```python\n")[1].split("```")[0]
    names = {}
    exec(code, names)
    rows = pd.DataFrame({"day": ["2026-11-22"], "hour": [8], "sold": [3.0], "stock": [4.0], "sales": pd.Series([[1.0] * 7], dtype=object)})
    types = {"day": "string", "hour": "integer", "sold": "number", "stock": "number", "sales": "numbers"}
    preprocessing = names["preprocessing"].fit(rows)
    document = preprocessing_document(preprocessing, [Column(name, kind, {}) for name, kind in types.items()], "X", "float32")
    assert [node["op"] for node in document["nodes"]] == ["date_parts", "cyclic", "ratio", "row_window"]
    assert document["outputs"][0]["shape"][1] == preprocessing.transform(rows).shape[1] == 9


def test_every_transformer_has_an_operator():
    assert {kind.__name__ for kind in OPERATORS if kind.__module__.startswith(features.__name__)} == set(features.__all__)


def test_a_cross_is_a_text_until_an_encoder_reads_it():
    document = export((make_pipeline(features.Cross(), OneHotEncoder(sparse_output=False)), ["city", "promo"]))
    assert [(node["op"], node["inputs"]) for node in document["nodes"]] == [("cross", ["city", "promo"]), ("one_hot_encoder", ["n1"])]
    assert document["nodes"][1]["params"]["categories"] == [["Oslo|0", "Rome|1"]]
    with pytest.raises(TrainerError, match='columns "city", "promo" ends as text; give it an encoder'):
        preprocessing_document(features.Cross().fit(FRAME[["city", "promo"]]), COLUMNS, "X", "float32")


def test_a_window_goes_on_as_numbers():
    document = export((make_pipeline(features.RowWindow(), SimpleImputer(), StandardScaler()), ["sold"]))
    assert [node["op"] for node in document["nodes"]] == ["row_window", "simple_imputer", "standard_scaler"]


def test_a_list_goes_into_a_window_only():
    with pytest.raises(TrainerError, match='"sold": a list of numbers can\'t go into passthrough; give it a RowWindow first'):
        export(("passthrough", ["sold", "price"]))


@pytest.mark.parametrize(("kind", "written"), [("integers", "numbers"), ("numbers", "numbers"), ("booleans", "booleans")])
def test_a_window_reads_lists_of_what_counts(kind, written):
    chosen = fitted((features.RowWindow(), ["sold"]))
    inputs = preprocessing_document(chosen, [Column("sold", kind, {})], "X", "float32")["inputs"]
    assert inputs == [{"name": "sold", "type": written}]
    told = '"sold": a list of strings can\'t go into row_window; give it a FeatureHasher of input_type="string" first'
    with pytest.raises(TrainerError, match=told):
        preprocessing_document(chosen, [Column("sold", "strings", {})], "X", "float32")


@pytest.mark.parametrize("step", [features.TextLength(), features.TextPattern(["digit"]), features.DateParts()])
def test_texts_are_features_of_type_string(step):
    typed = [Column("day", "number", {})]
    with pytest.raises(TrainerError, match='on column "day": it reads texts, but a feature here is no string'):
        preprocessing_document(step.fit(FRAME[["day"]]), typed, "X", "float32")


def test_the_schema_says_which_texts_are_dates_and_which_features_are_lists():
    chosen = fitted((features.DateParts(), ["day"]), (features.RowWindow(), ["sold"]), (features.TextLength(), ["city"]))
    assert property_of("day", chosen) == {"type": "string", "format": "date"}
    assert property_of("sold", chosen) == {"type": "array", "items": {"type": "number"}}
    assert property_of("city", chosen) == {"type": "string"}


def test_personal_data_is_not_crossed_since_the_bundle_would_hold_it():
    chosen = fitted((make_pipeline(features.Cross(), OneHotEncoder(sparse_output=False)), ["day", "city"]))
    recipe = SimpleNamespace(features=[Column("city", "string", {}, pii=True)], title="own", description=None)
    with pytest.raises(TrainerError, match='feature "city" is personal data, but an encoder has learnt its values'):
        schema_document(recipe, chosen)


def test_a_feature_is_a_date_or_a_time_not_both():
    chosen = fitted((features.DateParts(), ["day"]), ("passthrough", ["price"]))
    times = features.DateParts(format="date-time", time_zone="UTC").fit(pd.DataFrame({"day": ["2026-11-22T08:00:00Z"]}))
    chosen.transformers_.append(("again", times, ["day"]))
    with pytest.raises(TrainerError, match='feature "day": one step reads it as a date and another as a date-time'):
        property_of("day", chosen)
