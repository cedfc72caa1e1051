"""baseline.json counts the training rows in fixed bins."""

import numpy as np
from conftest import classify

from plumb_trainer.evaluate.distribution import CATEGORIES_MAX, baseline_document, categorical_distribution, numeric_distribution


def test_quantile_edges_cut_numbers_into_equal_parts():
    distribution = numeric_distribution(np.arange(200.0))
    assert len(distribution["edges"]) == 19
    assert distribution["counts"] == [10] * 20
    assert (distribution["min"], distribution["max"], distribution["mean"]) == (0, 199, 99.5)


def test_a_value_at_an_edge_belongs_to_the_bin_above():
    distribution = numeric_distribution(np.array([0.0, 0.0, 0.0, 1.0]))
    counted = {edge: distribution["counts"][index + 1] for index, edge in enumerate(distribution["edges"])}
    assert counted[0.0] == 3
    assert sum(distribution["counts"]) == 4


def test_equal_quantiles_make_one_edge():
    assert numeric_distribution(np.full(50, 7.0))["edges"] == [7]
    assert numeric_distribution(np.full(50, 7.0))["counts"] == [0, 50]


def test_numbers_of_several_outputs_are_counted_apart():
    columns = np.column_stack([np.arange(40.0), np.full(40, 7.0)])
    document = baseline_document({}, (), {}, columns, ())
    assert document["rows"] == 40
    assert document["prediction"] == [numeric_distribution(columns[:, 0]), numeric_distribution(columns[:, 1])]


def test_rare_categories_are_counted_together():
    values = np.array([f"{index:03d}" for index in range(CATEGORIES_MAX + 5)] + ["104", "104"], dtype=object)
    distribution = categorical_distribution(values)
    assert len(distribution["categories"]) == CATEGORIES_MAX
    assert distribution["categories"] == sorted(distribution["categories"])
    assert distribution["counts"][distribution["categories"].index("104")] == 3
    assert distribution["other"] == 5


def test_what_an_encoder_reads_is_counted_by_category_and_personal_data_not_at_all(train_small):
    trained = train_small()
    predictions = trained.training_predictions()
    document = baseline_document(trained.training, trained.recipe.features, {"weekday": [0, 1]}, predictions, ())
    kinds = {name: distribution["kind"] for name, distribution in document["features"].items()}
    assert kinds["weekday"] == kinds["city"] == kinds["open"] == "categorical"
    assert kinds["price"] == kinds["guests"] == "numeric"
    assert document["features"]["age"] == {"kind": "hidden", "missing": 0}
    assert document["rows"] == sum(document["prediction"]["counts"]) == 140


def test_a_classifiers_predictions_are_counted_by_label(train_small):
    trained = train_small(lambda recipe: classify(recipe, "grade", ["low", "mid", "high"]))
    predictions = trained.training_predictions()
    prediction = baseline_document(trained.training, trained.recipe.features, {}, predictions, trained.recipe.target.labels)["prediction"]
    assert prediction["kind"] == "categorical"
    assert dict(zip(prediction["categories"], prediction["counts"], strict=True)) == {
        label: int(np.sum(predictions == label)) for label in ("high", "low", "mid")
    }
