"""Golden rows cover the places where a second implementation goes wrong, with the answers of the trained pipeline."""

import json
import math
from collections import Counter

import numpy as np
import pytest

from plumb_trainer.bundle.golden import answered_rows, golden_lines, golden_rows, proof_rows
from plumb_trainer.bundle.threshold_rows import threshold_rows
from plumb_trainer.numbers.json_form import number_form, number_value


@pytest.fixture(scope="module")
def golden(demand):
    """Return the demand example's golden lines, parsed."""
    return [json.loads(text) for text in golden_lines(demand, golden_rows(demand)).splitlines()]


def test_there_are_enough_rows_of_every_kind_that_the_features_can_have(golden):
    kinds = Counter(row["kind"] for row in golden)
    assert sum(kinds.values()) >= 256
    assert set(kinds) == {"sample", "mean", "median", "bound", "threshold", "missing", "unknown", "zero", "extreme"}
    assert kinds["sample"] == 160
    assert kinds["threshold"] == 2 * 24 * 3


def test_no_row_comes_twice(golden):
    assert len({json.dumps(row["row"]) for row in golden}) == len(golden)


def test_answers_are_those_of_the_pipeline(demand, golden):
    rows = [line["row"] for line in golden]
    expected = demand.features(rows)
    got = np.array([[number_value(form) for form in line["features"]["X"]] for line in golden])
    assert got.tobytes() == expected.tobytes()
    predictions = np.array([number_value(line["prediction"]) for line in golden], dtype=np.float32)
    assert predictions.tobytes() == demand.pipeline.predict(demand.frame(rows)).tobytes()
    margins = np.array([number_value(line["raw"]["main.Y"][0]) for line in golden], dtype=np.float32)
    assert margins.tobytes() == demand.answers(rows).raw.astype(np.float32).tobytes()


def test_the_row_of_the_probe_is_answered_as_the_probe_was(demand):
    row = {"feature_search_interest": 61.2, "feature_price": 101.3, "feature_promo": 1}
    assert demand.answers([row]).predictions[0] == pytest.approx(56.654, abs=5e-4)


def test_edges_are_among_the_rows(demand, golden):
    by_kind = {kind: [line["row"] for line in golden if line["kind"] == kind] for kind in ("mean", "missing", "zero", "unknown", "extreme")}
    mean = demand.training["feature_price"].mean()
    assert any(row["feature_price"] == mean for row in by_kind["mean"])
    assert any(row["feature_price"] is None and row["feature_search_interest"] is None for row in by_kind["missing"])
    assert any(math.copysign(1, row["feature_price"]) < 0 for row in by_kind["zero"])
    assert {row["feature_promo"] for row in by_kind["unknown"]} == {-1, 2, 7}
    assert {2**53 - 1, -(2**53 - 1)} <= {row["feature_promo"] for row in by_kind["extreme"]}


def test_threshold_rows_stand_on_both_sides_of_a_split_one_float_apart(demand):
    base = {"feature_search_interest": 50.0, "feature_price": 100.0, "feature_promo": 0}
    for column, feature in enumerate(demand.recipe.features[:2]):
        rows = threshold_rows(demand, [feature], [base], 50)
        assert len(rows) == 150
        values = np.array([row[feature.name] for row in rows]).reshape(-1, 3)
        assert np.array_equal(np.nextafter(values[:, 0], np.inf), values[:, 1])
        assert np.array_equal(np.nextafter(values[:, 1], np.inf), values[:, 2])
        cast = demand.features(rows)[:, column].astype(np.float32).reshape(-1, 3)
        assert np.all(cast[:, 0] < cast[:, 1])


def test_threshold_rows_of_an_integer_are_neighbouring_integers(train_small):
    trained = train_small()
    feature = next(feature for feature in trained.recipe.features if feature.name == "guests")
    base = {"price": 20.0, "wind": 1.0, "guests": 3, "age": 30.0, "open": True, "city": "Oslo", "grade": "low", "weekday": 2}
    values = np.array([row["guests"] for row in threshold_rows(trained, [feature], [base], 50)]).reshape(-1, 3)
    assert len(values) > 0
    assert np.all(np.diff(values[:, :2]) == 1)


def test_10000_proof_rows_have_missing_values_and_every_split(demand):
    rows = proof_rows(demand, 10_000)
    assert len(rows) == 10_000
    assert sum(row["feature_price"] is None for row in rows) > 500
    assert all(row[name] is None or row[name] >= 0 for row in rows for name in ("feature_price", "feature_search_interest"))
    around = threshold_rows(demand, demand.recipe.features, [rows[-1] | {"feature_price": 1.0, "feature_search_interest": 1.0}], 10**6)
    wanted = {row["feature_price"] for row in around} | {row["feature_search_interest"] for row in around}
    assert wanted <= {value for row in rows for value in row.values()}


def test_a_value_outside_an_enum_becomes_a_row_that_must_be_refused(train_small):
    trained = train_small()
    lines = [json.loads(text) for text in golden_lines(trained, golden_rows(trained)).splitlines()]
    refused = [line for line in lines if "error" in line]
    assert {line["error"] for line in refused} == {"schema_mismatch"}
    assert all(line["row"]["weekday"] not in range(7) for line in refused)
    assert sum("prediction" in line for line in lines) >= 256
    assert {"kind": "empty"}.items() <= next(line for line in lines if line["row"]["city"] == "").items()


def test_a_small_table_still_gives_256_answers(train_small):
    trained = train_small(lines=None)
    few = {name: values[:12] for name, values in trained.training.items()}
    object.__setattr__(trained, "training", few)
    rows = golden_rows(trained)
    lines = [json.loads(text) for text in golden_lines(trained, rows).splitlines()]
    assert sum("prediction" in line for line in lines) >= 256


def test_personal_data_has_only_made_up_values(train_small):
    trained = train_small()
    real = set(trained.training["age"].tolist())
    ages = {row["age"] for _, row in golden_rows(trained)}
    assert len(ages) > 50
    # The ages in the table are whole; the made-up ones of three digits are not, but for chance and for the edges at 0.
    assert len(ages & real) < len(ages) / 10


@pytest.mark.parametrize(
    ("value", "form"),
    [
        (1.0, "1"),
        (0.1, "0.1"),
        (-0.0, '"-0.0"'),
        (math.nan, '"NaN"'),
        (-math.inf, '"-Infinity"'),
        (5e-324, "5e-324"),
        (2.0**53, "9007199254740992.0"),
    ],
)
def test_numbers_are_written_so_that_the_same_bits_are_read(value, form):
    text = json.dumps(number_form(value))
    assert text == form
    assert np.float64(number_value(json.loads(text))).tobytes() == np.float64(value).tobytes() or math.isnan(value)


def test_no_rows_have_no_refusals(demand):
    assert answered_rows(demand, []) == []
