"""Our own transformers: scikit-learn's checks, their examples, and what each refuses."""

import copy
import datetime
import doctest
import importlib
import json
import pkgutil

import numpy as np
import pandas as pd
import pytest
import yaml
from sklearn.base import clone
from sklearn.compose import ColumnTransformer
from sklearn.preprocessing import PowerTransformer
from sklearn.utils.estimator_checks import parametrize_with_checks

from plumb_trainer import features
from plumb_trainer.errors import TrainerError
from plumb_trainer.features.base import is_missing
from plumb_trainer.features.dates import date_parts, epoch_days
from plumb_trainer.run.train import train


def _number(value):
    return None if is_missing(value) else float(value)


class DatesOfNumbers(features.DateParts):
    """Takes numbers as days since 1970, so that scikit-learn's checks, which know numbers only, reach it."""

    def _text(self, value, index):
        number = _number(value)
        return None if number is None else str(datetime.date(1970, 1, 1) + datetime.timedelta(days=int(number)))


class TimesOfNumbers(DatesOfNumbers):
    """Takes numbers as days since 1970, at noon."""

    def _text(self, value, index):
        date = super()._text(value, index)
        return None if date is None else f"{date}T12:00:00Z"


class LengthOfNumbers(features.TextLength):
    """Takes numbers as their digits."""

    def _text(self, value, index):
        number = _number(value)
        return None if number is None else str(number)


class PatternOfNumbers(features.TextPattern):
    """Takes numbers as their digits."""

    def _text(self, value, index):
        number = _number(value)
        return None if number is None else str(number)


class WindowOfNumbers(features.RowWindow):
    """Takes a number as a list of one."""

    def _window(self, cell, index):
        number = _number(cell)
        return super()._window(None if number is None else [number], index)


class CrossOfNumbers(features.Cross):
    """Takes every number as a whole one."""

    def _read(self, X, reset):
        X = super()._read(X, reset)
        return np.array([[None if is_missing(value) else np.floor(float(value)) for value in row] for row in X], dtype=object)


CHECKED = [
    features.Ratio(),
    features.Difference(),
    features.Product(),
    CrossOfNumbers(),
    features.Clip(lower=-1, upper=2),
    features.Buckets([-1.0, 0.0, 2.5]),
    features.Cyclic(period=7),
    features.PortableLog(),
    features.PortableYeoJohnson(),
    DatesOfNumbers(),
    TimesOfNumbers(["hour", "day"], format="date-time", time_zone="UTC"),
    LengthOfNumbers(),
    PatternOfNumbers(["digit", {"contains": "1"}]),
    WindowOfNumbers(["mean", "last"]),
]


TEXTS = "the check compares what comes out as numbers, and a cross is a text"
OBJECTS = "complex numbers are refused as any cell that is no text, no list and no whole number is, not by scikit-learn's own words"


def expected_failures(estimator):
    """Return the checks that don't apply, and why."""
    compare_numbers = [
        "check_pipeline_consistency",
        "check_transformer_data_not_an_array",
        "check_transformer_general",
        "check_transformer_preserve_dtypes",
        "check_methods_sample_order_invariance",
        "check_methods_subset_invariance",
        "check_fit_idempotent",
        "check_estimators_pickle",
    ]
    is_of_objects = estimator._dtype is object
    return ({"check_complex_data": OBJECTS} if is_of_objects else {}) | (
        dict.fromkeys(compare_numbers, TEXTS) if isinstance(estimator, features.Cross) else {}
    )


@parametrize_with_checks(CHECKED, expected_failed_checks=expected_failures, xfail_strict=True)
def test_is_an_estimator_as_scikit_learn_checks_it(estimator, check):
    check(estimator)


MODULES = [module.name for module in pkgutil.iter_modules(features.__path__)]


@pytest.mark.parametrize("name", MODULES)
def test_examples_run(name):
    module = importlib.import_module(f"plumb_trainer.features.{name}")
    assert doctest.testmod(module).failed == 0


def test_every_transformer_has_an_example():
    examples = {name: doctest.DocTestFinder().find(getattr(features, name), name) for name in features.__all__}
    assert [name for name, found in examples.items() if not any(test.examples for test in found)] == []


def test_dates_are_those_of_pandas():
    # All days that pandas' nanoseconds reach, 584 years of them.
    days = np.arange(-106_750, 106_750)
    dates = pd.DatetimeIndex(days.astype("datetime64[D]").astype("datetime64[ns]"))
    found = date_parts(days)
    expected = {
        "year": dates.year,
        "quarter": dates.quarter,
        "month": dates.month,
        "day": dates.day,
        "weekday": dates.day_of_week,
        "day_of_year": dates.day_of_year,
        "week": dates.isocalendar().week.to_numpy(dtype=np.int64),
        "month_end": dates.is_month_end,
        "epoch_day": days,
    }
    for part, values in expected.items():
        assert np.array_equal(found[part], values), part


def test_dates_are_those_of_python_and_come_back():
    first, last = datetime.date(1, 1, 1).toordinal(), datetime.date.max.toordinal()
    ordinals = np.arange(first, last + 1)
    days = ordinals - datetime.date(1970, 1, 1).toordinal()
    found = date_parts(days)
    assert np.array_equal(epoch_days(found["year"], found["month"], found["day"]), days)
    # Every day of a year is far too many for Python's own; the last and first days are where weeks and months go wrong.
    for at in np.flatnonzero((found["day_of_year"] <= 4) | (found["day_of_year"] >= 362) | (found["month_end"]))[::7]:
        date = datetime.date.fromordinal(int(ordinals[at]))
        year, month, day = date.year, date.month, date.day
        assert (found["year"][at], found["month"][at], found["day"][at]) == (year, month, day)
        assert (found["weekday"][at], found["week"][at]) == (date.weekday(), date.isocalendar().week)
        assert found["day_of_year"][at] == date.timetuple().tm_yday


@pytest.mark.parametrize("zone", ["UTC", "+05:30", "-11:00", "+23:59"])
def test_times_are_those_of_the_zone(zone):
    sign, minutes = (0, 0) if zone == "UTC" else (-1 if zone[0] == "-" else 1, int(zone[1:3]) * 60 + int(zone[4:]))
    clock = datetime.timezone(datetime.timedelta(minutes=sign * minutes))
    texts = ["2026-11-22T23:59:59Z", "2024-02-28T23:10:00.123456-01:30", "1999-12-31T00:00:00+14:00", "1969-12-31T23:59:00Z"]
    parts = ["year", "month", "day", "weekday", "hour", "minute"]
    found = features.DateParts(parts, format="date-time", time_zone=zone).fit_transform([[text] for text in texts])
    for row, text in zip(found, texts, strict=True):
        time = datetime.datetime.fromisoformat(text).astimezone(clock)
        assert row.tolist() == [time.year, time.month, time.day, time.weekday(), time.hour, time.minute]


REFUSED = [
    (features.DateParts(), [["2026-02-29"]], "column 0 holds '2026-02-29', where a date is expected"),
    (features.DateParts(), [["2026-2-9"]], "where a date is expected"),
    (features.DateParts(), [["2026-02-09T10:00:00Z"]], "where a date is expected"),
    (features.DateParts(), [[""]], "where a date is expected"),
    (features.DateParts(), [[20260209]], "where a text is expected"),
    (features.DateParts(), pd.DataFrame({"day": pd.to_datetime(["2026-02-09"])}), "write them with dt.strftime('%Y-%m-%d')"),
    (features.DateParts(["hour"]), [["2026-02-09"]], "parts of a date"),
    (features.DateParts("month"), [["2026-02-09"]], "got 'month'"),
    (features.DateParts(time_zone="UTC"), [["2026-02-09"]], "a date has no time zone"),
    (features.DateParts(format="date-time"), [["2026-02-09T10:00:00Z"]], "expected time_zone"),
    (features.DateParts(format="date-time", time_zone="Europe/Oslo"), [["2026-02-09T10:00:00Z"]], "the rules of a named zone change"),
    (features.DateParts(format="date-time", time_zone="UTC"), [["2026-02-09T10:00:00"]], "where a date-time is expected"),
    (features.DateParts(format="date-time", time_zone="UTC"), [["2026-02-09T24:00:00Z"]], "where a date-time is expected"),
    (features.DateParts(format="date-time", time_zone="UTC"), [["2026-02-09T23:59:60Z"]], "where a date-time is expected"),
    (features.DateParts(format="date-time", time_zone="UTC"), [["2026-02-09T23:59:00+24:00"]], "where a date-time is expected"),
    (features.DateParts(format="time"), [["10:00"]], 'expected format "date" or "date-time"'),
    (features.Cyclic(period=0), [[1.0]], "a finite period above 0"),
    (features.Ratio(), [[1.0]], "two or more columns"),
    (features.Clip(lower=2, upper=1), [[1.0]], "no lower limit above the upper one"),
    (features.Clip(lower=[1, 2, 3]), [[1.0]], "a list of 1, one per column"),
    (features.Buckets([2, 1]), [[1.0]], "each above the one before"),
    (features.Buckets([[1], [2]]), [[1.0]], "1 lists of edges"),
    (features.Cross(), [["a", 1.5]], "column 1 holds 1.5"),
    (features.Cross(), [["a", 2**53]], "of at most 2^53 - 1"),
    (features.Cross(), [["a", "b"], [1, "b"]], "column 0 holds texts and other values"),
    (features.TextPattern(["[0-9]+"]), [["a"]], "a regular expression means other things"),
    (features.TextPattern([{"contains": ""}]), [["a"]], "expected one of digit"),
    (features.TextPattern("digit"), [["a"]], "a list of patterns"),
    (features.TextLength(), [[3]], "column 0 holds 3, where a text is expected"),
    (features.PortableLog("log2"), [[1.0]], 'expected function "log1p" or "log"'),
    (features.RowWindow(["median"]), [[1.0]], "expected a list of mean"),
    (features.RowWindow(["lag_0"]), [[1.0]], "lag_1, lag_2"),
    (features.RowWindow(window=0), [[1.0]], "window to be a whole number from 1 up"),
    (features.RowWindow(window=2, min_items=3), [[1.0]], "min_items of at most 2"),
]


@pytest.mark.parametrize(("transformer", "rows", "sentence"), REFUSED)
def test_refuses_with_a_sentence(transformer, rows, sentence):
    with pytest.raises(ValueError) as refusal:
        transformer.fit(rows)
    assert sentence in str(refusal.value)


@pytest.mark.parametrize(
    ("cell", "sentence"),
    [
        ([1.0, np.nan], "a list with an item that is missing or infinite"),
        ([1.0, None], "a list with an item that is missing or infinite"),
        ([np.inf], "a list with an item that is missing or infinite"),
        ([[1.0]], "where a list of numbers is expected"),
        ("1,2", "where a list of numbers is expected"),
        (3.0, "where a list of numbers is expected"),
    ],
)
def test_a_window_refuses_what_is_no_list_of_numbers(cell, sentence):
    with pytest.raises(ValueError) as refusal:
        features.RowWindow().fit(pd.DataFrame({"sold": pd.Series([cell], dtype=object)}))
    assert sentence in str(refusal.value)


def test_a_window_takes_lists_tuples_and_arrays_and_ignores_other_rows():
    cells = [[1, 2, 4], (1.0, 2.0, 4.0), np.array([1, 2, 4]), [9.0, 9.0, 1, 2, 4], [], None, np.nan]
    statistics = ["mean", "std", "min", "max", "sum", "last", "lag_2", "lag_3", "count"]
    window = features.RowWindow(statistics, window=3, ddof=1)
    found = window.fit_transform(pd.DataFrame({"sold": pd.Series(cells, dtype=object)}))
    whole = [7 / 3, np.std([1, 2, 4], ddof=1), 1, 4, 7, 4, 1, np.nan, 3]
    assert np.array_equal(found[:4], [whole] * 4, equal_nan=True)
    assert np.array_equal(found[4:], [[np.nan] * 8 + [0], *[[np.nan] * 9] * 2], equal_nan=True)
    assert window.get_feature_names_out()[0] == "sold_mean"


def test_crosses_never_collide():
    texts = ["", "a", "|", "\\", "a|", "|a", "\\|", "|\\", "a\\"]
    pairs = [[left, right] for left in texts for right in texts]
    assert len(set(features.Cross().fit_transform(pairs).ravel())) == len(pairs)


def test_names_clones_and_frames_in_and_out():
    rows = pd.DataFrame({"price": [4.0, 9.0], "weight": [2.0, 0.0], "day": ["2026-11-22", None], "city": ["Oslo", "Rome"]})
    chosen = ColumnTransformer(
        [
            ("ratio", features.Ratio(), ["price", "weight"]),
            ("day", features.DateParts(["month"]), ["day"]),
            ("length", features.TextLength(), ["city"]),
        ],
        verbose_feature_names_out=False,
    ).set_output(transform="pandas")
    found = clone(chosen).fit_transform(rows)
    assert list(found.columns) == ["price_per_weight", "day_month", "city_length"]
    assert np.array_equal(found.to_numpy(), [[2.0, 11.0, 4.0], [np.nan, np.nan, 4.0]], equal_nan=True)


RECIPE = {
    "name": "own",
    "version": 1,
    "seed": 3,
    "data": {"file": "data.csv", "time": "at", "target": {"column": "sold"}},
    "features": {
        **{name: {"type": "string"} for name in ("at", "day", "city", "note")},
        **{name: {"type": "number"} for name in ("price", "weight")},
        "hour": {"type": "integer"},
    },
    "preprocessing": [
        {"name": "day", "columns": ["day"], "steps": [{"date_parts": {"parts": ["weekday", "month", "week", "month_end"]}}]},
        {"name": "at", "columns": ["at"], "steps": [{"date_parts": {"parts": ["hour"], "format": "date-time", "time_zone": "+05:30"}}]},
        {"name": "hour", "columns": ["hour"], "steps": [{"cyclic": {"period": 24}}]},
        {"name": "ratio", "columns": ["price", "weight"], "steps": ["ratio"]},
        {"name": "less", "columns": ["price", "weight"], "steps": ["difference"]},
        {"name": "times", "columns": ["price", "weight"], "steps": ["product"]},
        {"name": "place", "columns": ["city", "hour"], "steps": ["cross", {"one_hot_encoder": {"handle_unknown": "ignore"}}]},
        {"name": "cut", "columns": ["price"], "steps": [{"clip": {"lower": 2, "upper": 30}}, {"buckets": {"edges": [5, 10, 20]}}]},
        {"name": "note", "columns": ["note"], "steps": ["text_length"]},
        {"name": "noted", "columns": ["note"], "steps": [{"text_pattern": {"patterns": ["digit", {"contains": "sale"}]}}]},
        {"name": "log", "columns": ["weight"], "steps": ["portable_log"]},
        {"name": "power", "columns": ["price", "weight"], "steps": ["portable_yeo_johnson"]},
    ],
    "model": {"xgboost_regressor": {"n_estimators": 15, "max_depth": 4}},
}


@pytest.fixture
def own_recipe(tmp_path):
    """Return a function that writes a recipe of our own steps, changed by the test, with its data, and returns its path."""

    def write(change=lambda recipe: None):
        lines = ["at,day,city,note,price,weight,hour,sold"]
        for row in range(240):
            day = str(np.datetime64("2024-01-01") + row)
            price, weight = 1 + row * 7 % 23 + row / 16, (row * 5 % 17) / 4
            note = ("on sale", "order 66", "", "caf\u00e9 \U0001f600")[row % 4] or "none"
            cells = (f"{day}T{row % 24:02d}:30:00+01:00", day, ("Oslo", "Rome", "a|b")[row % 3], note, price, weight, row * 5 % 24)
            lines.append(",".join(map(str, cells)) + f",{price * (row % 7) + weight}")
        (tmp_path / "data.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
        recipe = copy.deepcopy(RECIPE)
        change(recipe)
        (tmp_path / "recipe.yaml").write_text(yaml.safe_dump(recipe, sort_keys=False), encoding="utf-8")
        return tmp_path / "recipe.yaml"

    return write


def test_a_bundle_of_our_own_steps_answers_bit_for_bit(own_recipe, tmp_path):
    result = train(own_recipe(), tmp_path / "models")
    assert (result.parity.tier, result.parity.rows > 10_000) == ("A", True)
    schema = json.loads((result.directory / "schema.json").read_text(encoding="utf-8"))["properties"]
    assert (schema["day"]["format"], schema["at"]["format"]) == ("date", "date-time")
    graph = json.loads((result.directory / "preprocessing.json").read_text(encoding="utf-8"))
    steps = {step if isinstance(step, str) else next(iter(step)) for branch in RECIPE["preprocessing"] for step in branch["steps"]}
    assert {node["op"] for node in graph["nodes"]} == steps
    lines = [json.loads(line) for line in (result.directory / "golden.jsonl").read_text(encoding="utf-8").splitlines()]
    assert any(line.get("error") == "schema_mismatch" and line["row"]["day"] == "" for line in lines)


def test_a_recipe_without_what_a_step_needs_is_refused(own_recipe, tmp_path):
    with pytest.raises(TrainerError, match='step "cyclic": Cyclic needs the parameter "period"'):
        train(own_recipe(lambda recipe: recipe["preprocessing"][2]["steps"].__setitem__(0, "cyclic")), tmp_path / "models")


def test_a_power_is_that_of_scikit_learn_to_the_last_places():
    values = np.random.default_rng(4).lognormal(size=(500, 2)) - 0.5
    mine = features.PortableYeoJohnson().fit(values)
    theirs = PowerTransformer().fit(values)
    assert np.array_equal(mine.lambdas_, theirs.lambdas_)
    assert np.allclose(mine.transform(values), theirs.transform(values), rtol=0, atol=1e-12)
