"""Models made of models: several files feed one graph, and what it makes of them is the ensemble's own answer."""

import numpy as np
import pytest
from bundled_model import bundled, distance, quietly
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import TransformedTargetRegressor
from sklearn.ensemble import (
    HistGradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
    StackingClassifier,
    StackingRegressor,
    VotingClassifier,
    VotingRegressor,
)
from sklearn.frozen import FrozenEstimator
from sklearn.kernel_ridge import KernelRidge
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge
from sklearn.multiclass import OneVsRestClassifier
from sklearn.multioutput import MultiOutputRegressor
from sklearn.naive_bayes import GaussianNB
from sklearn.preprocessing import FunctionTransformer, RobustScaler, SplineTransformer, StandardScaler
from sklearn.svm import SVC, LinearSVC
from test_measured_models import ORDER, POSITIVE, ROWS, TARGET, THREE, TRAINING, TWO, WIDTH
from xgboost import XGBClassifier, XGBRegressor

from plumb_trainer.errors import TrainerError
from plumb_trainer.models import export_model
from plumb_trainer.models.ensembles_family import float32_interpolation


def trees(**options):
    """Return small boosted trees: of the classifier, answers in float32."""
    return XGBClassifier(n_estimators=10, max_depth=3, n_jobs=1, **options)


FOREST = RandomForestRegressor(10, max_depth=5, random_state=0)
REGRESSORS = [("trees", XGBRegressor(n_estimators=10, n_jobs=1)), ("line", Ridge())]
CLASSIFIERS = [("trees", trees()), ("bayes", GaussianNB()), ("line", LogisticRegression())]
NAMED = np.array(["no", "yes"])[TWO]

# By name: the estimator, its target, and how many rows are compared; 10,000 are also verified at each batch size.
ENSEMBLES = {
    "mean of two, weighted": (VotingRegressor(REGRESSORS, weights=[3, 1]), TARGET, 10_000),
    "mean of trees": (VotingRegressor([REGRESSORS[0], ("forest", FOREST)]), TARGET, 10_000),
    "votes, hard": (VotingClassifier(CLASSIFIERS, weights=[1, 1, 2]), THREE, 10_000),
    "votes, soft": (VotingClassifier(CLASSIFIERS, voting="soft"), THREE, 10_000),
    "votes, soft, two classes, weighted": (VotingClassifier(CLASSIFIERS, voting="soft", weights=[1, 2, 0.5]), NAMED, 2_000),
    "calibrated by curves": (CalibratedClassifierCV(trees(), method="isotonic", cv=3), TWO, 10_000),
    "calibrated by curves, three classes": (CalibratedClassifierCV(LinearSVC(), method="isotonic", cv=2), THREE, 2_000),
    "calibrated by sigmoids": (CalibratedClassifierCV(SVC(), cv=2), TWO, 2_000),
    "calibrated by sigmoids, trees": (CalibratedClassifierCV(trees(), cv=3), TWO, 10_000),
    "calibrated by sigmoids, three classes": (CalibratedClassifierCV(GaussianNB(), cv=2), THREE, 2_000),
    "stacked": (StackingRegressor(REGRESSORS, cv=2), TARGET, 10_000),
    "stacked, two classes": (StackingClassifier([*CLASSIFIERS, ("vectors", LinearSVC())], cv=2), NAMED, 2_000),
    "stacked, three classes": (StackingClassifier(CLASSIFIERS, cv=2), THREE, 10_000),
    "one against the rest": (OneVsRestClassifier(LogisticRegression()), THREE, 2_000),
    "logarithm of the target": (TransformedTargetRegressor(LinearRegression(), func=np.log1p, inverse_func=np.expm1), POSITIVE, 2_000),
}
# What is served of ensembles whose members are exact is exact too.
TIERS = {
    "mean of trees": {"raw": "A", "prediction": "A"},
    "calibrated by curves": {"raw": "A", "prediction": "A", "probabilities": "A"},
    "calibrated by sigmoids, trees": {"raw": "A", "prediction": "B", "probabilities": "B"},
    "stacked": {"raw": "C", "prediction": "C"},
}


@pytest.mark.parametrize("name", ENSEMBLES)
def test_an_ensemble_answers_as_its_library_does(name, tmp_path):
    estimator, target, count = ENSEMBLES[name]
    quietly(estimator.fit, TRAINING, target)
    features = ROWS[:count]
    exported = export_model(estimator, n_features=WIDTH)
    found = bundled(tmp_path, estimator, exported, features, verify=count == len(ROWS))
    for tensor, values in quietly(exported.raw, features).items():
        ulp, share = distance(values, found.raw[tensor])
        assert ulp == 0 if exported.tiers["raw"] == "A" else share < ORDER, tensor
    expected = quietly(estimator.predict, features)
    if exported.labels:
        assert expected.tolist() == found.predictions
    else:
        ulp, share = distance(expected, found.predictions)
        assert ulp == 0 if exported.tiers["prediction"] == "A" else share < ORDER
    if exported.probabilities is not None:
        assert distance(quietly(estimator.predict_proba, features), found.probabilities)[1] < ORDER
    assert exported.tiers == TIERS.get(name, exported.tiers)
    if exported.probabilities is not None and exported.tiers["probabilities"] == "A":
        assert distance(quietly(estimator.predict_proba, features), found.probabilities)[0] == 0


@pytest.mark.parametrize(
    ("estimator", "tier"),
    [
        (MultiOutputRegressor(HistGradientBoostingRegressor(max_iter=10)), "A"),
        (MultiOutputRegressor(XGBRegressor(n_estimators=10, n_jobs=1)), "A"),
        (TransformedTargetRegressor(Ridge(), transformer=StandardScaler()), "C"),
        (TransformedTargetRegressor(RandomForestRegressor(5, random_state=0), func=np.log, inverse_func=np.exp), "B"),
    ],
    ids=["a model for each", "a model for each, in float32", "scaled targets", "logarithms of the targets"],
)
def test_an_ensemble_of_several_outputs_answers_with_each(estimator, tier, tmp_path):
    quietly(estimator.fit, TRAINING, np.column_stack([POSITIVE, POSITIVE**2 * 1000]))
    features = ROWS[:1_000]
    exported = export_model(estimator, n_features=WIDTH)
    assert exported.names == ("output_0", "output_1")
    assert exported.tiers["prediction"] == tier
    found = np.array(bundled(tmp_path, estimator, exported, features, verify=True).predictions)
    expected = quietly(estimator.predict, features)
    for column in range(2):
        ulp, share = distance(expected[:, column], found[:, column])
        assert ulp == 0 if tier == "A" else share < ORDER


@pytest.mark.parametrize("transformer", [StandardScaler(), RobustScaler(), RobustScaler(with_centering=False)])
def test_a_scaled_target_is_taken_back(transformer):
    model = TransformedTargetRegressor(Ridge(), transformer=transformer).fit(TRAINING, TARGET)
    exported = export_model(model)
    (line,) = exported.nodes
    ((coef,),), (intercept,) = line["params"]["coef"], line["params"]["intercept"]
    (raw,) = exported.raw(ROWS[:500]).values()
    assert np.array_equal(raw[:, 0] * coef + intercept, model.predict(ROWS[:500]))


def test_what_one_member_raises_on_the_whole_refuses():
    both = VotingRegressor(REGRESSORS).fit(TRAINING, TARGET)
    assert export_model(both).accepts == "finite"
    assert export_model(VotingRegressor(REGRESSORS[:1]).fit(TRAINING, TARGET)).accepts != "finite"


def test_a_classifier_that_was_fitted_before_can_be_calibrated():
    model = CalibratedClassifierCV(FrozenEstimator(GaussianNB().fit(TRAINING, TWO))).fit(TRAINING, TWO)
    assert [part["op"] for part in export_model(model).nodes][-2:] == ["weighted_mean", "label"]


@pytest.mark.parametrize(
    ("estimator", "target", "reason"),
    [
        (StackingClassifier(CLASSIFIERS, final_estimator=RandomForestClassifier(3), cv=2), TWO, "would need a model behind the models"),
        (StackingRegressor(REGRESSORS, passthrough=True, cv=2), TARGET, "passthrough=True gives the features"),
        (CalibratedClassifierCV(GaussianNB(), method="temperature", cv=2), TWO, 'method "temperature" has no operator'),
        (CalibratedClassifierCV(SVC(), cv=2), THREE, "the decision_function of SVC"),
        (VotingRegressor([("line", Ridge()), ("kernel", KernelRidge())]), TARGET, 'its member "kernel"'),
        (OneVsRestClassifier(LogisticRegression()), TWO, "for two, export the classifier itself"),
        (TransformedTargetRegressor(Ridge(), transformer=SplineTransformer(), check_inverse=False), POSITIVE, "has no inverse here"),
        (TransformedTargetRegressor(Ridge(), func=np.arcsinh, inverse_func=np.sinh), POSITIVE, "its inverse_func: the function sinh can't be served"),
        (TransformedTargetRegressor(Ridge(), transformer=FunctionTransformer()), POSITIVE, "inverse_func None has no operator"),
    ],
)
def test_what_would_answer_otherwise_is_refused(estimator, target, reason):
    quietly(estimator.fit, TRAINING, target)
    with pytest.raises(TrainerError, match=reason):
        export_model(estimator)


def test_curves_in_float32_are_followed_as_each_scipy_does():
    assert [float32_interpolation(version) for version in ("1.9.3", "1.17.1")] == ["slope"] * 2
    assert [float32_interpolation(version) for version in ("1.18.0", "1.20.1", "2.0.0")] == ["weights"] * 3
