"""A recipe with a wrong or unknown setting is refused before any data is read."""

import pytest

from plumb_trainer.pipeline import build_pipeline
from plumb_trainer.recipe import read_recipe
from plumb_trainer.stop import Stop


def change(*path, to):
    """Return a function that sets a member deep in a recipe."""

    def apply(recipe):
        for name in path[:-1]:
            recipe = recipe[name]
        recipe[path[-1]] = to

    return apply


def drop(name):
    """Return a function that removes a member of a recipe."""
    return lambda recipe: recipe.pop(name)


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        (change("colour", to="red"), 'there is no setting "colour"'),
        (change("name", to="Not A Name"), "name: expected 1 to 64 lower-case letters"),
        (change("version", to=0), "version: expected a positive integer"),
        (change("version", to=True), 'version: expected an integer, got "True"'),
        (change("seed", to=-1), "seed: expected an integer from 0"),
        (drop("data"), 'expected "data", names with values, got nothing'),
        (change("data", "target", to={"column": "price"}), '"price" is the target'),
        (change("data", "key", to="day"), 'key: expected a list, got "day"'),
        (change("split", to={"train": 0.9, "validation": 0.2, "holdout": 0.1}), "three shares over 0 that add up to 1"),
        (change("features", "price", "type", to="money"), 'type: expected one of number, integer, boolean, string, got "money"'),
        (change("features", "price", "maximim", to=3), 'there is no setting "maximim"'),
        (change("features", "city", "minimum", to=3), "only a number or an integer has a range"),
        (change("features", "price", "maximum", to=float("inf")), "a range's limit is a finite number"),
        (change("preprocessing", 0, "columns", to=["cost"]), 'columns: expected a feature, got "cost"'),
        (change("preprocessing", 0, "steps", to=[]), "expected at least one column and one step"),
        (change("preprocessing", 0, "steps", to=[{"a": {}, "b": {}}]), "expected one name with its parameters"),
        (change("preprocessing", 1, "name", to="scaled"), 'name: expected each name once, got "scaled"'),
        (change("features", "extra", to={"type": "number"}), 'no step reads feature "extra"'),
        (change("model", to={}), "model: expected one model with its parameters, got 0"),
        (change("slo", to={"p95_ms": 0}), "expected number over 0"),
    ],
)
def test_a_wrong_setting_is_named(write_recipe, changed, sentence):
    with pytest.raises(Stop) as caught:
        read_recipe(write_recipe(changed))
    assert any(sentence in problem for problem in caught.value.problems), caught.value.problems


def test_all_wrong_settings_are_told_at_once(write_recipe):
    def spoil(recipe):
        recipe["version"] = 0
        recipe["features"]["price"]["type"] = "money"

    with pytest.raises(Stop) as caught:
        read_recipe(write_recipe(spoil))
    assert len(caught.value.problems) == 2


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        (change("preprocessing", 0, "steps", to=["polish"]), 'preprocessing "scaled", step "polish": there is no such step'),
        (change("preprocessing", 0, "steps", to=[{"standard_scaler": {"mean": 1}}]), 'StandardScaler has no parameter "mean"'),
        (change("preprocessing", 3, "steps", to=[{"one_hot_encoder": {"sparse_output": True}}]), 'the trainer sets "sparse_output" itself'),
        (change("model", to={"xgboost_regressor": {"n_jobs": 8}}), 'the trainer sets "n_jobs" itself, to 1'),
        (change("model", to={"oracle": {}}), 'the recipe\'s model "oracle" is unknown'),
    ],
)
def test_a_step_or_model_that_does_not_exist_is_named(write_recipe, changed, sentence):
    with pytest.raises(Stop) as caught:
        build_pipeline(read_recipe(write_recipe(changed)))
    assert sentence in caught.value.problems[0]


@pytest.mark.parametrize(("text", "sentence"), [("a: [", "isn't valid YAML"), ("just words", "expected names with values")])
def test_a_file_that_is_no_recipe_is_refused(tmp_path, text, sentence):
    path = tmp_path / "recipe.yaml"
    path.write_text(text)
    with pytest.raises(Stop) as caught:
        read_recipe(path)
    assert sentence in caught.value.problems[0]


def test_a_recipe_that_is_not_there_is_told(tmp_path):
    with pytest.raises(Stop, match="the recipe can't be read"):
        read_recipe(tmp_path / "none.yaml")
