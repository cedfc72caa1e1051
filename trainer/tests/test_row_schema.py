"""schema.json says what the pipeline takes: no more, and no less."""

import pytest

from plumb_trainer.errors import TrainerError


def steps(branch, to):
    """Return a function that gives a branch of the small recipe other steps."""

    def apply(recipe):
        next(entry for entry in recipe["preprocessing"] if entry["name"] == branch)["steps"] = to

    return apply


def test_the_demand_example(demand):
    properties = demand.schema["properties"]
    assert demand.schema["required"] == list(properties) == ["feature_search_interest", "feature_price", "feature_promo"]
    assert demand.schema["additionalProperties"] is False
    assert properties["feature_price"]["type"] == ["number", "null"]
    assert properties["feature_price"]["minimum"] == 0
    assert properties["feature_promo"]["type"] == "integer"
    assert properties["feature_promo"]["x-known-categories"] == [0, 1]


def test_a_feature_may_be_null_only_where_a_missing_value_has_a_meaning(train_small):
    trained = train_small()
    nullable = {name for name, schema in trained.schema["properties"].items() if isinstance(schema["type"], list)}
    assert nullable == trained.nullable == {"price", "wind", "guests"}


def test_an_encoder_that_raises_makes_an_enum_and_any_other_only_lists_what_it_knows(train_small):
    properties = train_small().schema["properties"]
    assert properties["weekday"]["enum"] == [0, 1, 2, 3, 4, 5, 6]
    assert "x-known-categories" not in properties["weekday"]
    assert properties["city"]["x-known-categories"] == ["Lima", "Oslo", "Pune", "Rome"]
    assert properties["grade"]["x-known-categories"] == ["high", "low", "mid"]
    assert "enum" not in properties["city"]


def test_an_enum_behind_an_imputer_has_null(train_small):
    trained = train_small(steps("weekday", [{"simple_imputer": {"strategy": "most_frequent"}}, "one_hot_encoder"]))
    assert trained.schema["properties"]["weekday"]["enum"] == [0, 1, 2, 3, 4, 5, 6, None]
    assert "weekday" in trained.nullable


def test_ranges_are_there_only_where_the_recipe_asks(train_small):
    properties = train_small().schema["properties"]
    assert (properties["price"]["minimum"], properties["price"]["maximum"]) == (0, 1000)
    assert properties["guests"]["exclusiveMinimum"] == -1
    assert not {"minimum", "maximum"} & set(properties["wind"])


def test_personal_data_is_marked(train_small):
    assert train_small().schema["properties"]["age"] == {"type": "number", "x-pii": True}


def test_an_encoder_on_personal_data_is_refused_since_the_bundle_would_hold_it(train_small):
    with pytest.raises(TrainerError, match='feature "city" is personal data, but an encoder has learnt its values'):
        train_small(lambda recipe: recipe["features"]["city"].update(pii=True))


def test_a_range_beside_an_enum_is_refused(train_small):
    with pytest.raises(TrainerError, match='feature "weekday": take its range out'):
        train_small(lambda recipe: recipe["features"]["weekday"].update(minimum=0))


def test_what_cannot_be_fitted_is_told(train_small):
    with pytest.raises(TrainerError, match="the pipeline could not be fitted: could not convert string to float: 'Oslo'"):
        train_small(steps("city", ["standard_scaler"]))
