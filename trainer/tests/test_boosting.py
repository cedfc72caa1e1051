"""AdaBoost: the labels of its members, weighed, and of regressors their weighed median; with the library's own bits for trees."""

import numpy as np
import pytest
from bundled_model import bundled, distance, quietly
from sklearn.ensemble import AdaBoostClassifier, AdaBoostRegressor, BaggingRegressor
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.naive_bayes import GaussianNB
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor, ExtraTreeRegressor
from test_measured_models import ORDER, ROWS, TARGET, THREE, TRAINING, TWO, WIDTH

from plumb_trainer.errors import TrainerError
from plumb_trainer.models import export_model

NAMED = np.array(["no", "yes"])[TWO]
# Whole numbers: members' answers are often equal.
COUNTS = np.round(TARGET).clip(-3, 3)
# By name: the model, its target, and whether its answers are the library's own bits.
BOOSTED = {
    "stumps": (AdaBoostClassifier(n_estimators=20, random_state=0), NAMED, True),
    "trees, three classes": (AdaBoostClassifier(DecisionTreeClassifier(max_depth=3), n_estimators=9, random_state=0), THREE, True),
    "lines": (AdaBoostClassifier(LogisticRegression(), n_estimators=4), NAMED, False),
    "bayes, three classes": (AdaBoostClassifier(GaussianNB(), n_estimators=4), THREE, False),
    "median of trees": (AdaBoostRegressor(n_estimators=15, random_state=0), TARGET, True),
    "median of equal answers": (AdaBoostRegressor(ExtraTreeRegressor(max_depth=3), n_estimators=7, random_state=0), COUNTS, True),
}


def at_thresholds(exported, count):
    """Return rows at the splits of trees, just below and just above them."""
    rows = ROWS[:count].copy()
    for column, values in enumerate(exported.thresholds):
        near = np.concatenate([values, np.nextafter(values, -np.inf), np.nextafter(values, np.inf)]).astype(np.float64)
        rows[: min(len(near), count // 2), column] = near[: count // 2]
    return rows


@pytest.mark.parametrize("name", BOOSTED)
def test_boosting_answers_as_its_library_does(name, tmp_path):
    estimator, target, exact = BOOSTED[name]
    quietly(estimator.fit, TRAINING, target)
    exported = export_model(estimator, n_features=WIDTH)
    features = at_thresholds(exported, 1_000)
    found = bundled(tmp_path, estimator, exported, features, verify=True)
    assert exported.tiers["prediction"] == ("A" if exact else "C")
    for tensor, values in quietly(exported.raw, features).items():
        ulp, share = distance(values, found.raw[tensor])
        assert ulp == 0 if exact else share < ORDER
    expected = quietly(estimator.predict, features)
    assert expected.tolist() == found.predictions
    if exported.labels:
        assert distance(quietly(estimator.predict_proba, features), found.probabilities)[1] < ORDER


def test_a_median_of_other_models_is_refused_with_ways_out_that_work():
    # A line leaves errors that differ, which boosting needs.
    model = AdaBoostRegressor(Ridge(), n_estimators=3, random_state=0).fit(TRAINING, TARGET)
    with pytest.raises(TrainerError, match="fit it over DecisionTreeRegressor, or a BaggingRegressor of Ridge"):
        export_model(model)
    for way_out in (AdaBoostRegressor(DecisionTreeRegressor(max_depth=2), n_estimators=3), BaggingRegressor(Ridge(), n_estimators=3)):
        assert export_model(way_out.fit(TRAINING, TARGET)).task == "regression"
