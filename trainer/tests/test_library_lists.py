"""Columns of lists become features of type array: what is inferred of them, what is proved, and what can't be a feature is told."""

import datetime
import json
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import RandomForestRegressor
from sklearn.feature_extraction import FeatureHasher
from sklearn.feature_extraction.text import HashingVectorizer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from xgboost import XGBRegressor

from plumb_trainer import export_bundle
from plumb_trainer.bundle.threshold_rows import threshold_rows
from plumb_trainer.errors import TrainerError
from plumb_trainer.features import RowWindow
from plumb_trainer.recipe.document import Column

ROWS = 60
RANDOM = np.random.RandomState(17)
SOLD = [RANDOM.randn(RANDOM.randint(3, 9)).round(3).tolist() for _ in range(ROWS)]
TAGS = [RANDOM.choice(["red", "blue", "fox", "sky"], RANDOM.randint(0, 5)).tolist() for _ in range(ROWS)]
TRUTH = np.array([sum(items) + len(tags) for items, tags in zip(SOLD, TAGS, strict=True)])
WINDOW = RowWindow(["mean", "std", "last", "lag_2", "count"])


def cells(values):
    """Return a column of objects."""
    return pd.Series(values, dtype=object)


DATA = pd.DataFrame({"sold": cells(SOLD), "tags": cells(TAGS), "price": RANDOM.rand(ROWS)})


def trees():
    return XGBRegressor(n_estimators=4, max_depth=3, n_jobs=1)


def windowed(model, step=WINDOW, data=DATA):
    """Return a pipeline whose model reads windows of "sold"."""
    return make_pipeline(ColumnTransformer([("sold", step, ["sold"])]), model).fit(data[["sold"]], TRUTH)


def hashed(model):
    """Return a pipeline whose model reads the hashes of "tags"."""
    columns = [("tags", FeatureHasher(8, input_type="string"), "tags"), ("price", StandardScaler(), ["price"])]
    return make_pipeline(ColumnTransformer(columns, sparse_threshold=0), model).fit(DATA[["tags", "price"]], TRUTH)


class Bundle:
    """What a bundle's files say."""

    def __init__(self, target):
        self.schema, self.baseline, self.manifest = (
            json.loads((target / f"{name}.json").read_text(encoding="utf-8")) for name in ("schema", "baseline", "manifest")
        )
        self.golden = [json.loads(line) for line in (target / "golden.jsonl").read_text(encoding="utf-8").splitlines()]
        self.card = (target / "card.md").read_text(encoding="utf-8")

    def kinds(self, feature):
        """Return the golden values of a feature by kind."""
        found = {}
        for row in self.golden:
            found.setdefault(row["kind"], []).append(row["row"][feature])
        return found


@pytest.fixture
def export(tmp_path):
    """Return a function that exports a pipeline and reads what it came to."""

    def exported(pipeline, data, **options):
        return Bundle(export_bundle(pipeline, data, tmp_path, name="lists", version=1, golden_rows=300, **options))

    return exported


def test_windows_before_trees_are_proved_bit_for_bit_over_lists_at_every_edge(export):
    gaps = cells([None if row % 7 == 0 else items for row, items in enumerate(SOLD)])
    data = pd.DataFrame({"sold": gaps})
    bundle = export(windowed(trees(), data=data), data)
    assert bundle.schema["properties"] == {"sold": {"type": ["array", "null"], "items": {"type": "number"}}}
    assert bundle.manifest["parity"]["tier"] == "A"
    assert set(bundle.manifest["parity"]["tolerance"].values()) == {0}
    kinds = bundle.kinds("sold")
    assert {"sample", "mean", "median", "bound", "zero", "missing", "empty", "extreme", "threshold"} <= set(kinds)
    assert kinds["missing"] == [None]
    assert kinds["empty"] == [[]]
    lengths = [len(items) for items in SOLD]
    assert {min(lengths), max(lengths), 2 * max(lengths)} <= {len(items) for items in [*kinds["sample"], *kinds["bound"]] if items}
    assert max(map(len, kinds["extreme"])) == 300
    assert "| `sold` | list of numbers | may be null |" in bundle.card


def test_the_baseline_of_lists_is_their_lengths_and_their_items(export):
    data = DATA[["tags", "price"]]
    baseline = export(hashed(trees()), data).baseline["features"]["tags"]
    assert {key: baseline[key] for key in ("kind", "missing")} == {"kind": "list", "missing": 0}
    assert (baseline["lengths"]["kind"], sum(baseline["lengths"]["counts"])) == ("numeric", ROWS)
    assert baseline["lengths"]["mean"] == pytest.approx(np.mean([len(tags) for tags in TAGS]))
    words, counts = np.unique(np.concatenate(TAGS), return_counts=True)
    assert baseline["items"] == {"kind": "categorical", "categories": words.tolist(), "counts": counts.tolist(), "other": 0}


@pytest.mark.parametrize(
    ("make", "items"),
    [
        (lambda items: items, "number"),
        (tuple, "number"),
        (np.array, "number"),
        (lambda items: np.array(items, dtype=np.float32), "number"),
        (lambda items: [int(item) for item in items], "integer"),
        (lambda items: (np.array(items) * 3).astype(np.int32), "integer"),
        (lambda items: [1, *items], "number"),
        (lambda items: np.array(items) > 0, "boolean"),
    ],
    ids=["lists", "tuples", "arrays", "float32", "whole", "int32", "both", "flags"],
)
def test_cells_of_every_kind_are_lists_of_what_they_hold(export, make, items):
    data = pd.DataFrame({"sold": cells([make(values) for values in SOLD])})
    bundle = export(windowed(trees(), data=data), data)
    assert bundle.schema["properties"] == {"sold": {"type": "array", "items": {"type": items}}}
    assert bundle.baseline["features"]["sold"]["items"]["kind"] == ("categorical" if items == "boolean" else "numeric")


@pytest.mark.parametrize(
    "model", [trees(), RandomForestRegressor(4, max_depth=4, random_state=0), Ridge()], ids=lambda model: type(model).__name__
)
def test_hashes_of_tokens_go_before_any_model(export, model):
    bundle = export(hashed(model), DATA[["tags", "price"]])
    assert bundle.schema["properties"]["tags"] == {"type": "array", "items": {"type": "string"}}
    assert bundle.manifest["parity"]["tolerance"]["features_ulp"] == 0
    assert bundle.manifest["parity"]["tier"] == ("C" if isinstance(model, Ridge) else "A")
    kinds = bundle.kinds("tags")
    assert ["unknown item"] in kinds["unknown"]
    assert [] in kinds["empty"] and [""] in kinds["empty"]


def test_a_list_has_the_fewest_items_that_the_pipeline_takes(export, tmp_path):
    # A linear model raises on the NaN of an item that is too far back.
    data = DATA[["sold"]]
    bundle = export(windowed(Ridge()), data)
    assert bundle.schema["properties"]["sold"]["minItems"] == 3
    assert min(len(row["row"]["sold"]) for row in bundle.golden) == 3
    assert "| `sold` | list of numbers | at least 3 items |" in bundle.card
    short = pd.DataFrame({"sold": cells([*SOLD[:5], [1.0, 2.0], *SOLD[6:]])})
    told = 'column "sold", row 6: its list has 2 items, and the pipeline raises on fewer than 3; leave the row out'
    with pytest.raises(TrainerError, match=told):
        export_bundle(windowed(Ridge()), short, tmp_path, name="short", version=1)
    filled = windowed(Ridge(), make_pipeline(RowWindow(["mean", "lag_2"]), SimpleImputer()))
    bundle = Bundle(export_bundle(filled, data, tmp_path, name="filled", version=1, golden_rows=300))
    assert "minItems" not in bundle.schema["properties"]["sold"]


def test_sizes_that_are_asked_for_stand_in_the_schema_and_are_kept_to(export, tmp_path):
    data = pd.DataFrame({"sold": cells([items[:3] for items in SOLD])})
    asked = {"sold": {"minItems": 3, "maxItems": 3, "unit": "EUR", "type": "array"}}
    bundle = export(windowed(trees(), data=data), data, schema=asked)
    sold = {"type": "array", "items": {"type": "number"}, "minItems": 3, "maxItems": 3, "x-unit": "EUR"}
    assert bundle.schema["properties"] == {"sold": sold}
    assert {len(row["row"]["sold"]) for row in bundle.golden} == {3}
    ragged = next(row for row, items in enumerate(SOLD, start=1) if len(items) != 3)
    has = f"its list has {len(SOLD[ragged - 1])} items"
    told = f'column "sold", row {ragged}: {has}, where schema asks for at least 3 items and at most 3 items'
    with pytest.raises(TrainerError, match=told):
        export_bundle(windowed(trees()), DATA[["sold"]], tmp_path, name="ragged", version=1, schema=asked)


def test_lists_of_whole_numbers_may_be_lists_of_numbers_where_that_is_asked(export):
    data = pd.DataFrame({"sold": cells([[int(item) for item in items] for items in SOLD])})
    bundle = export(windowed(trees(), data=data), data, schema={"sold": {"type": "number"}})
    assert bundle.schema["properties"]["sold"]["items"] == {"type": "number"}


def test_personal_lists_leave_no_item_in_the_bundle(export, tmp_path):
    bundle = export(hashed(trees()), DATA[["tags", "price"]], schema={"tags": {"pii": True}})
    assert bundle.schema["properties"]["tags"] == {"type": "array", "items": {"type": "string"}, "x-pii": True}
    assert bundle.baseline["features"]["tags"] == {"kind": "hidden", "missing": 0}
    shown = {item for row in bundle.golden for item in row["row"]["tags"]}
    assert shown.isdisjoint({"red", "blue", "fox", "sky"})
    assert any(item.startswith("made up ") for item in shown)
    data = pd.DataFrame({"sold": cells([[item + 1e-9 for item in items] for items in SOLD])})
    options = {"name": "numbers", "version": 1, "golden_rows": 300, "schema": {"sold": {"pii": True}}}
    numbers = Bundle(export_bundle(windowed(trees(), data=data), data, tmp_path, **options))
    known = {item for items in data["sold"] for item in items}
    assert known.isdisjoint(item for row in numbers.golden for item in row["row"]["sold"])
    assert "threshold" not in numbers.kinds("sold")


@pytest.mark.parametrize(("kind", "whole"), [("numbers", False), ("integers", True)])
def test_a_threshold_is_met_by_moving_one_item(kind, whole):
    lists = [[round(item * 5) if whole else item for item in items] for items in SOLD]
    rows = [{"sold": items} for items in lists]
    window = RowWindow(["mean", "std", "lag_2", "last"]).fit(pd.DataFrame({"sold": cells(lists)}))
    thresholds = [np.array([value], dtype=np.float32) for value in (0.25, 25 if whole else 4.5, 0.5, -0.5)]
    column = Column("sold", kind, {})
    trained = SimpleNamespace(
        exported=SimpleNamespace(thresholds=thresholds, dtype="float32"),
        schema={"properties": {"sold": {}}},
        training={"sold": lists},
        batches=lambda rows: [rows],
        features=lambda rows: window.transform(pd.DataFrame({"sold": cells([row["sold"] for row in rows])})),
    )
    made = threshold_rows(trained, [column], rows, 4)
    assert len(made) == 3 * len(thresholds)
    met = set()
    for below, above in zip(made[::3], made[1::3], strict=True):
        moved = [index for index, pair in enumerate(zip(below["sold"], above["sold"], strict=True)) if pair[0] != pair[1]]
        assert len(moved) == 1
        low, high = below["sold"][moved[0]], above["sold"][moved[0]]
        assert high == (low + 1 if whole else np.nextafter(low, np.inf))
        ends = trained.features([below, above]).astype(np.float32)
        met |= {index for index, (value,) in enumerate(thresholds) if ends[0, index] < value <= ends[1, index]}
    assert met == set(range(len(thresholds)))


def spoilt(value, row=2):
    """Return the lists with another cell in one row, counted from 1."""
    return pd.DataFrame({"sold": cells([*SOLD[: row - 1], value, *SOLD[row:]])})


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (spoilt([1.0, None]), "row 2: item 2 of its list is missing, which no step takes; leave it out, or fill it in"),
        (spoilt(np.array([np.nan])), "row 2: item 1 of its list is missing"),
        (spoilt([pd.NA, 1.0]), "row 2: item 1 of its list is missing"),
        (spoilt([[1.0], [2.0]]), "row 2: item 1 of its list is a list itself; give each inner list a column of its own"),
        (spoilt(np.ones((2, 2))), "row 2: item 1 of its list is a list itself"),
        (spoilt([1.0, "x"]), "row 2: its list holds items of type string, where others hold type number; make them one"),
        (spoilt([True]), "row 2: its list holds items of type boolean, where others hold type number"),
        (spoilt(4.5), "row 2: it holds float, where other rows hold lists; make it a list of one item"),
        (spoilt("1,2"), "row 2: it holds str, where other rows hold lists"),
        (spoilt([float("inf")]), "row 2: it has infinities, which JSON has no form for"),
        (spoilt([datetime.date(2026, 11, 22)]), "row 2: it holds dates, which JSON has no type for"),
        (spoilt([b"x"]), "row 2: JSON has no form for b'x' (bytes)"),
        (spoilt(["\ud800"]), "row 2: '\\ud800' isn't Unicode text"),
        (pd.DataFrame({"sold": cells([[2**53, 1]] * ROWS)}), "row 1: it has integers over 2^53, which lose their last digits in JSON"),
        (pd.DataFrame({"sold": cells([[]] * ROWS)}), "every list is empty, so nothing says what its items are"),
        (pd.DataFrame({"sold": cells([{1, 2}] * ROWS)}), "it holds sets, which JSON has no form for; make lists of them with sorted()"),
        (pd.DataFrame({"sold": cells([{"a": 1}] * ROWS)}), "it holds dicts, which no feature can be; give each key a column of its own"),
        (pd.DataFrame({"sold": cells([["a"]] * ROWS)}), "a list of strings can't go into row_window; give it a FeatureHasher"),
        (pd.DataFrame({"sold": np.ones(ROWS)}), "row_window reads lists, and each row has one value there; give the lists"),
    ],
    ids=lambda value: value[:40] if isinstance(value, str) else "",
)
def test_a_list_that_is_no_feature_is_told_by_its_column_and_row(tmp_path, data, sentence):
    with pytest.raises(TrainerError) as stopped:
        export_bundle(windowed(trees()), data, tmp_path, name="no", version=1)
    where = ", " if sentence.startswith(("row 1:", "row 2:")) else ": "
    assert f'column "sold"{where}{sentence}' in str(stopped.value)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("asked", "sentence"),
    [
        ({"sold": {"minItems": -1}}, 'schema, "sold": expected minItems to be a whole number from 0 up, got -1'),
        ({"sold": {"maxItems": 2.5}}, 'schema, "sold": expected maxItems to be a whole number from 0 up, got 2.5'),
        ({"sold": {"minItems": 3, "maxItems": 2}}, 'schema, "sold": minItems is over maxItems, so that no list can be sent'),
        ({"sold": {"minimum": 0}}, 'schema, "sold": minimum is for numbers, and its values are lists; expected minItems or maxItems'),
        ({"price": {"maxItems": 3}}, 'schema, "price": maxItems is for lists, and its values are of type number'),
        ({"sold": {"type": "string"}}, 'schema, "sold": its values are lists of numbers, and type says string; leave it out'),
        ({"price": {"type": "array"}}, 'schema, "price": its values are of type number, and type says array; leave it out'),
    ],
)
def test_sizes_that_no_list_has_are_told(tmp_path, asked, sentence):
    columns = [("sold", WINDOW, ["sold"]), ("price", "passthrough", ["price"])]
    pipeline = make_pipeline(ColumnTransformer(columns), trees()).fit(DATA[["sold", "price"]], TRUTH)
    with pytest.raises(TrainerError) as stopped:
        export_bundle(pipeline, DATA[["sold", "price"]], tmp_path, name="no", version=1, schema=asked)
    assert sentence in str(stopped.value)


class Longest(TransformerMixin, BaseEstimator):
    """A transformer of somebody's own, which raises where a list is short."""

    def fit(self, X, y=None):
        self.fitted_ = True
        return self

    def transform(self, X):
        return np.array([[items[2]] for items in X.iloc[:, 0]])


@pytest.mark.parametrize(
    ("name", "step", "columns", "sentence"),
    [
        ("sold", Longest(), ["sold"], '(Longest) on column "sold": there is no operator for it'),
        (
            "tags",
            HashingVectorizer(n_features=8, analyzer=lambda tags: tags),
            "tags",
            "its analyzer is a Python function; use scikit-learn's own, or FeatureHasher where each row has a list of tokens",
        ),
    ],
    ids=["own", "vectorizer"],
)
def test_a_step_that_cannot_be_served_is_told_before_lists_are_tried(tmp_path, name, step, columns, sentence):
    pipeline = make_pipeline(ColumnTransformer([("lists", step, columns)], sparse_threshold=0), trees()).fit(DATA[[name]], TRUTH)
    with pytest.raises(TrainerError) as stopped:
        export_bundle(pipeline, DATA[[name]], tmp_path, name="no", version=1)
    assert sentence in str(stopped.value)
