"""What a recipe's fallback becomes: a constant of the training rows, or a rule that the code that serves answers as scikit-learn does."""

import json
import subprocess
from pathlib import Path

import numpy as np
import pytest
from conftest import classify

from plumb_trainer.bundle.fallback import fallback_document, fit_rule
from plumb_trainer.data.frame import frame_of_rows, rows_of_columns
from plumb_trainer.errors import TrainerError
from plumb_trainer.numbers.json_form import line
from plumb_trainer.run.train import train

_SCRIPT = Path(__file__).parent / "graph_answers.mjs"
RULE = {"kind": "rule", "features": ["price", "guests", "open", "city"]}


def falls_back(fallback, change=lambda recipe: None):
    """Return a function that gives a recipe a fallback."""

    def apply(recipe):
        change(recipe)
        recipe["fallback"] = fallback

    return apply


def three_classes(recipe):
    """Make a recipe one of three classes."""
    classify(recipe, "grade", ["low", "mid", "high"])


def two_classes(recipe):
    """Make a recipe one of two classes."""
    classify(recipe, "open", [False, True])


def answered(folder, rule, rows):
    """Return what the code that serves answers."""
    (folder / "rule.json").write_text(line(rule))
    (folder / "rows.json").write_text(line(rows))
    done = subprocess.run(["node", _SCRIPT, folder / "rule.json", folder / "rows.json"], capture_output=True, check=True)
    return json.loads(done.stdout)


def test_without_a_word_there_is_none(train_small):
    assert fallback_document(train_small()) == {"kind": "none"}


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("mean", np.mean),
        ("median", np.median),
        ("most_frequent", lambda target: min(target, key=lambda value: (-np.sum(target == value), value))),
        (12.5, lambda _: 12.5),
        (0, lambda _: 0),
    ],
)
def test_a_constant_is_a_figure_of_the_training_rows_or_the_answer_itself(train_small, value, expected):
    trained = train_small(falls_back({"kind": "constant", "value": value}))
    assert fallback_document(trained) == {"kind": "constant", "prediction": expected(trained.target)}


@pytest.mark.parametrize("value", ["most_frequent", "high"])
def test_a_constant_of_classes_has_their_shares_as_probabilities(train_small, value):
    trained = train_small(falls_back({"kind": "constant", "value": value}, three_classes))
    document = fallback_document(trained)
    shares = {label: np.mean(trained.target == label) for label in ("low", "mid", "high")}
    assert document["probabilities"] == shares
    assert document["prediction"] == (value if value in shares else max(shares, key=shares.get))


def test_labels_that_are_no_texts_are_named_as_callers_see_them(train_small):
    document = fallback_document(train_small(falls_back({"kind": "constant", "value": True}, two_classes)))
    assert document["prediction"] is True
    assert list(document["probabilities"]) == ["false", "true"]


@pytest.mark.parametrize(
    ("change", "features"),
    [(lambda _: None, RULE["features"]), (three_classes, RULE["features"]), (two_classes, ["price", "guests", "city"])],
    ids=["number", "three classes", "two classes"],
)
def test_a_rule_answers_as_the_model_that_was_fitted(train_small, tmp_path, change, features):
    trained = train_small(falls_back({"kind": "rule", "features": features}, change))
    rule = fit_rule(trained)
    used = [feature for feature in trained.recipe.features if feature.name in features]
    training = [{name: row[name] for name in features} for row in rows_of_columns(trained.training, trained.recipe.features)]
    rows = [*training, {**training[0], "price": None, "guests": None}, {**training[1], "city": "nowhere"}, {**training[2], "city": None}]
    got = answered(tmp_path, fallback_document(trained), rows)
    frame = frame_of_rows(rows, used, set(features))
    assert got["refused"] == []
    labels = trained.recipe.target.labels
    if labels:
        assert got["predictions"] == [labels[index] for index in rule.predict(frame)]
        assert len(set(got["predictions"])) == len(labels)
        chances = rule.predict_proba(frame)
        assert np.reshape(got["probabilities"], chances.shape) == pytest.approx(chances, rel=1e-9, abs=1e-12)
    else:
        assert got["predictions"] == pytest.approx(rule.predict(frame).tolist(), rel=1e-9)
        assert np.corrcoef(got["predictions"][: len(training)], trained.target)[0, 1] > 0.9


@pytest.mark.parametrize("change", [lambda _: None, three_classes])
def test_a_bundle_with_a_rule_is_proved_by_the_code_that_serves(write_recipe, tmp_path, change):
    result = train(write_recipe(falls_back(RULE, change)), tmp_path / "models")
    manifest = json.loads((result.directory / "manifest.json").read_text())
    assert manifest["fallback"]["kind"] == "rule"
    assert "A linear rule on `price`, `guests`, `open`, `city` answers" in (result.directory / "card.md").read_text()


def test_a_rule_holds_no_personal_data(train_small):
    def hide(recipe):
        # Straight into the model, so that nothing but the rule would hold its values.
        recipe["features"]["open"]["pii"] = True

    with pytest.raises(TrainerError, match='fallback: feature "open" is personal data'):
        fallback_document(train_small(falls_back(RULE, hide)))
