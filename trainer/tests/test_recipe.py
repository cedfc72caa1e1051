"""A recipe with a wrong or unknown setting is refused before any data is read."""

import pytest
from conftest import classify

from plumb_trainer.errors import TrainerError
from plumb_trainer.fit.pipeline import build_pipeline
from plumb_trainer.recipe.document import read_recipe


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
    with pytest.raises(TrainerError) as caught:
        read_recipe(write_recipe(changed))
    assert any(sentence in problem for problem in caught.value.problems), caught.value.problems


def test_all_wrong_settings_are_told_at_once(write_recipe):
    def spoil(recipe):
        recipe["version"] = 0
        recipe["features"]["price"]["type"] = "money"

    with pytest.raises(TrainerError) as caught:
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
    with pytest.raises(TrainerError) as caught:
        build_pipeline(read_recipe(write_recipe(changed)))
    assert sentence in caught.value.problems[0]


def classes(*path, to):
    """Return a function that makes a recipe one of classes, then sets a member deep in it."""

    def apply(recipe):
        classify(recipe, "grade", ["low", "mid", "high"])
        change(*path, to=to)(recipe)

    return apply


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        (change("task", to="guessing"), 'task: expected one of regression, classification, got "guessing"'),
        (change("task", to="classification"), 'target: expected "labels", a list, got nothing'),
        (change("data", to={"time": "day", "target": {"column": "sold"}}), 'expected one of "file" and "dataset", got none'),
        (change("data", "dataset", to="digits"), 'expected one of "file" and "dataset", got both'),
        (change("data", to={"dataset": "iris", "target": {"column": "sold"}}), "dataset: expected one of breast_cancer, digits"),
        (change("data", to={"file": "data.csv", "target": {"column": "sold"}}), 'expected "time", a text, got nothing; a regressor'),
        (change("data", "target", "labels", to=[1, 2]), 'there is no setting "labels"'),
        (classes("data", "target", "labels", to=["low"]), "labels: expected two or more labels"),
        (classes("data", "target", "labels", to=["low", "low"]), "labels: expected two or more labels"),
        (classes("data", "target", "labels", to=["low", 1]), "labels: expected two or more labels"),
        (classes("data", "target", "labels", to=[0.5, 1.5]), "labels: expected two or more labels"),
        (classes("data", "target", "labels", to=[1, 2**53]), "labels: expected two or more labels"),
        (classes("data", "target", "minimum", to=3), "only a number or an integer has a range"),
        (change("preprocessing", 0, "columns", to="some"), 'columns: expected a feature, got "some"'),
        (change("fallback", to={"kind": "magic"}), 'kind: expected one of none, constant, rule, got "magic"'),
        (change("fallback", to={"kind": "none", "value": 1}), 'there is no setting "value"'),
        (change("fallback", to={"kind": "constant"}), 'expected "value", a text, a number, true or false, got nothing'),
        (
            change("fallback", to={"kind": "constant", "value": "mode"}),
            'expected mean, median, most_frequent, or a number that the target may be, got "mode"',
        ),
        (change("fallback", to={"kind": "constant", "value": float("nan")}), "a number that the target may be"),
        (change("fallback", to={"kind": "constant", "value": True}), "a number that the target may be"),
        (classes("fallback", to={"kind": "constant", "value": "mean"}), "expected most_frequent, or one of low, mid, high"),
        (change("fallback", to={"kind": "rule", "features": []}), "features: expected at least one feature, each once"),
        (change("fallback", to={"kind": "rule", "features": ["price", "price"]}), "features: expected at least one feature, each once"),
        (change("fallback", to={"kind": "rule", "features": ["cost"]}), 'features: expected a feature, got "cost"'),
    ],
)
def test_a_wrong_setting_of_tasks_data_and_fallbacks_is_named(write_recipe, changed, sentence):
    with pytest.raises(TrainerError) as caught:
        read_recipe(write_recipe(changed))
    assert any(sentence in problem for problem in caught.value.problems), caught.value.problems


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        (classes("model", to={"xgboost_regressor": {}}), 'task is classification, but its model "xgboost_regressor" is for regression'),
        (change("model", to={"mlp_classifier": {}}), 'task is regression, but its model "mlp_classifier" is for classification'),
    ],
)
def test_a_model_of_another_task_is_refused(write_recipe, changed, sentence):
    with pytest.raises(TrainerError, match=sentence):
        build_pipeline(read_recipe(write_recipe(changed)))


@pytest.mark.parametrize(("labels", "kind"), [(["a", "b"], "string"), ([3, 1, 2], "integer"), ([False, True], "boolean")])
def test_the_type_of_a_class_is_that_of_its_labels(write_recipe, labels, kind):
    target = read_recipe(write_recipe(classes("data", "target", "labels", to=labels))).target
    assert (target.labels, target.type) == (tuple(labels), kind)


def test_all_columns_are_every_feature_in_order(write_recipe):
    recipe = read_recipe(write_recipe(change("preprocessing", to=[{"name": "all", "columns": "all", "steps": ["passthrough"]}])))
    assert recipe.branches[0].columns == tuple(feature.name for feature in recipe.features)


@pytest.mark.parametrize(("text", "sentence"), [("a: [", "isn't valid YAML"), ("just words", "expected names with values")])
def test_a_file_that_is_no_recipe_is_refused(tmp_path, text, sentence):
    path = tmp_path / "recipe.yaml"
    path.write_text(text)
    with pytest.raises(TrainerError) as caught:
        read_recipe(path)
    assert sentence in caught.value.problems[0]


def test_a_recipe_that_is_not_there_is_told(tmp_path):
    with pytest.raises(TrainerError, match="the recipe can't be read"):
        read_recipe(tmp_path / "none.yaml")
