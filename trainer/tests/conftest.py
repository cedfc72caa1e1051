"""What several tests start from: the demand example, trained once, and small recipes of their own."""

import copy

import pytest
import yaml

from plumb_trainer.data.split import split_rows
from plumb_trainer.data.table import read_table
from plumb_trainer.proof.command import PROJECT
from plumb_trainer.recipe.document import read_recipe
from plumb_trainer.run.train import fit

DEMAND = PROJECT / "trainer" / "examples" / "demand.yaml"

# A recipe with a feature of every type and every step; its model is small, so that a run takes a moment.
EVERY_KIND = {
    "name": "every-kind",
    "version": 3,
    "seed": 7,
    "data": {"file": "data.csv", "time": "day", "target": {"column": "sold"}},
    "features": {
        "price": {"type": "number", "minimum": 0, "maximum": 1000},
        "wind": {"type": "number"},
        "guests": {"type": "integer", "exclusiveMinimum": -1},
        "age": {"type": "number", "pii": True},
        "open": {"type": "boolean"},
        "city": {"type": "string"},
        "grade": {"type": "string"},
        "weekday": {"type": "integer"},
    },
    "preprocessing": [
        {"name": "scaled", "columns": ["price", "wind"], "steps": [{"simple_imputer": {"add_indicator": True}}, "standard_scaler"]},
        {
            "name": "counted",
            "columns": ["guests"],
            "steps": [{"simple_imputer": {"strategy": "most_frequent"}}, {"min_max_scaler": {"clip": True}}],
        },
        {"name": "as is", "columns": ["age", "open"], "steps": ["passthrough"]},
        {
            "name": "city",
            "columns": ["city"],
            "steps": [{"one_hot_encoder": {"handle_unknown": "infrequent_if_exist", "max_categories": 3}}],
        },
        {
            "name": "grade",
            "columns": ["grade"],
            "steps": [{"ordinal_encoder": {"handle_unknown": "use_encoded_value", "unknown_value": -1}}],
        },
        {"name": "weekday", "columns": ["weekday"], "steps": [{"one_hot_encoder": {"drop": "first"}}]},
    ],
    "model": {"xgboost_regressor": {"n_estimators": 12, "max_depth": 4}},
}


def classify(recipe, column, labels):
    """Make `EVERY_KIND` a recipe of classes, whose target is one of its features so far."""
    recipe["task"] = "classification"
    recipe["data"] = {"file": "data.csv", "target": {"column": column, "labels": labels}}
    recipe["model"] = {"xgboost_classifier": {"n_estimators": 6, "max_depth": 3}}
    del recipe["features"][column]
    for branch in recipe["preprocessing"]:
        branch["columns"] = [name for name in branch["columns"] if name != column]
    recipe["preprocessing"] = [branch for branch in recipe["preprocessing"] if branch["columns"]]


def every_kind_rows(count=200):
    """Return lines of data.csv for `EVERY_KIND`, header first, without a random number in them."""
    lines = ["day,price,wind,guests,age,open,city,grade,weekday,sold"]
    for row in range(count):
        price, wind = 10 + row * 7 % 23 + row / 16, (row * 5 % 17) / 3 - 2
        city, grade = ("Oslo", "Rome", "Lima", "Pune", "Oslo")[row % 5], ("low", "mid", "high")[row * 2 % 3]
        cells = (price, wind, row * 3 % 11, 20 + row * 13 % 50, ("true", "false")[row % 2], city, grade, row % 7, price * 2 + row % 5)
        lines.append(f"2024-{1 + row // 28:02d}-{1 + row % 28:02d}," + ",".join(map(str, cells)))
    return lines


def pytest_collection_modifyitems(items):
    """Begin with what takes long, or one worker would end with it while the others have nothing left to do."""
    items.sort(key=lambda item: item.get_closest_marker("long") is None)


@pytest.fixture
def write_recipe(tmp_path):
    """Return a function that writes a recipe and its data, changed by the test, and returns the recipe's path."""

    def write(change=lambda recipe: None, lines=None):
        recipe = copy.deepcopy(EVERY_KIND)
        change(recipe)
        (tmp_path / "data.csv").write_text("\n".join(lines or every_kind_rows()) + "\n", encoding="utf-8")
        path = tmp_path / "recipe.yaml"
        path.write_text(yaml.safe_dump(recipe, sort_keys=False), encoding="utf-8")
        return path

    return write


@pytest.fixture
def train_small(write_recipe):
    """Return a function that fits a changed small recipe and returns what was trained."""

    def train(change=lambda recipe: None, lines=None):
        return _trained(write_recipe(change, lines))

    return train


@pytest.fixture(scope="session")
def demand():
    """Return the trained demand example."""
    return _trained(DEMAND)


def _trained(path):
    recipe = read_recipe(path)
    table = read_table(recipe)
    return fit(recipe, table, split_rows(recipe, table)[0])
