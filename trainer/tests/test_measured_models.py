"""Models whose sums come in another order: what is served is the estimator's answer, within some units in the last place of its terms."""

import numpy as np
import onnx
import pytest
from bundled_model import bundled, distance, quietly
from onnx.reference import ReferenceEvaluator
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.linear_model import (
    GammaRegressor,
    HuberRegressor,
    LassoCV,
    LinearRegression,
    LogisticRegression,
    LogisticRegressionCV,
    MultiTaskLasso,
    Perceptron,
    PoissonRegressor,
    Ridge,
    RidgeClassifier,
    SGDClassifier,
    SGDRegressor,
    TweedieRegressor,
)
from sklearn.naive_bayes import BernoulliNB, ComplementNB, GaussianNB, MultinomialNB
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.svm import SVC, SVR, LinearSVC, LinearSVR, NuSVC

from plumb_trainer.errors import TrainerError
from plumb_trainer.models import export_model

WIDTH = 6
# Beside the largest number of all rows. A sum in another order stays far below; a wrong model doesn't.
ORDER = 1e-12


def rows(count, seed):
    """Return features of several sizes."""
    return np.random.default_rng(seed).normal(size=(count, WIDTH)) * [1, 10, 0.1, 1, 1, 3] + [0, 5, 0, 0, 0, 0]


TRAINING = rows(300, 1)
TARGET = TRAINING[:, 0] * 3 + np.sin(TRAINING[:, 1]) + np.random.default_rng(2).normal(size=300)
POSITIVE = np.exp(TARGET / 4)
TWO = (TARGET > 0).astype(int)
THREE = np.array(["low", "middle", "high"])[np.digitize(TARGET, np.quantile(TARGET, [0.3, 0.7]))]
ROWS = rows(10_000, 3)
COUNTED = np.abs(np.round(TRAINING))
COUNTED_ROWS = np.abs(np.round(ROWS[:2_000]))
# Rows that stand in the training data too: a neighbour at distance 0.
BESIDE = np.vstack([TRAINING, ROWS[:1700]])

# By name: the estimator, its target, and how many rows are compared; 10,000 are also verified at each batch size.
MODELS = {
    "linear": (LinearRegression(), TARGET, 10_000),
    "poisson": (PoissonRegressor(), POSITIVE, 2_000),
    "logistic, two classes": (LogisticRegression(), TWO, 2_000),
    "logistic, three classes": (LogisticRegression(), THREE, 10_000),
    "gradient descent, three classes": (SGDClassifier(loss="log_loss"), THREE, 2_000),
    "support vectors, rbf": (SVR(), TARGET, 10_000),
    "support vectors, two classes": (SVC(), TWO, 2_000),
    "support vectors, poly, three classes": (SVC(kernel="poly", coef0=1.0), THREE, 2_000),
    "network": (MLPRegressor(hidden_layer_sizes=(16, 8), activation="tanh", max_iter=30), TARGET, 10_000),
    "network, log link": (MLPRegressor(hidden_layer_sizes=(8,), loss="poisson", max_iter=30), POSITIVE, 2_000),
    "network, logistic": (MLPClassifier((16,), activation="logistic", max_iter=30), THREE, 2_000),
    "bayes, gaussian": (GaussianNB(), THREE, 10_000),
    "bayes, bernoulli": (BernoulliNB(binarize=0.2), TWO, 2_000),
}
SPECIAL = {
    "bayes, multinomial": (MultinomialNB(), THREE, COUNTED, COUNTED_ROWS),
    "bayes, complement": (ComplementNB(), THREE, COUNTED, COUNTED_ROWS),
    "neighbours by distance": (KNeighborsRegressor(7, weights="distance"), TARGET, TRAINING, BESIDE),
    "neighbours, three classes, by distance": (KNeighborsClassifier(7, weights="distance", p=1), THREE, TRAINING, BESIDE),
    "neighbours by brute force": (KNeighborsClassifier(algorithm="brute"), TWO, TRAINING, ROWS[:2_000]),
}
# Of several sizes, so that one doesn't hide what is wrong with another.
SEVERAL = np.column_stack([TARGET, np.abs(TARGET) / 1000, TARGET**2 * 1000])
SEVERAL_OUTPUTS = {
    "linear": (LinearRegression(), ROWS),
    "ridge": (Ridge(), ROWS[:1_000]),
    "tasks": (MultiTaskLasso(alpha=1e-3), ROWS[:1_000]),
    "network": (MLPRegressor(hidden_layer_sizes=(8,), max_iter=30), ROWS[:1_000]),
    "neighbours": (KNeighborsRegressor(5), ROWS[:1_000]),
    "neighbours by distance": (KNeighborsRegressor(7, weights="distance"), BESIDE[:1_000]),
}
# Their code is that of models above, so a start of the serving side each would show nothing more.
ALIKE = {
    "lasso": (LassoCV(cv=3), TARGET),
    "huber": (HuberRegressor(max_iter=500), TARGET),
    "gradient descent": (SGDRegressor(max_iter=20, eta0=1e-6), TARGET),
    "gamma": (GammaRegressor(), POSITIVE),
    "tweedie without a link": (TweedieRegressor(power=0), TARGET),
    "support vectors, linear": (LinearSVR(max_iter=100), TARGET),
    "logistic by cross-validation": (LogisticRegressionCV(Cs=2, cv=2), TWO),
    "hinge": (SGDClassifier(), TWO),
    "ridge, three classes": (RidgeClassifier(), THREE),
    "perceptron": (Perceptron(), THREE),
    "support vectors, linear, two classes": (LinearSVC(max_iter=100), TWO),
    "discriminants": (LinearDiscriminantAnalysis(), THREE),
    "support vectors, sigmoid": (SVC(kernel="sigmoid"), THREE),
    "support vectors, nu": (NuSVC(nu=0.1, kernel="linear", max_iter=1000), THREE),
    "network, two classes": (MLPClassifier((16,), max_iter=30), TWO),
}


def fitted(estimator, features, target):
    """Fit with a seed."""
    if "random_state" in estimator.get_params():
        estimator.set_params(random_state=0)
    return quietly(estimator.fit, features, target)


def compare(folder, estimator, features, verify=False):
    """Hold what is served to what the estimator answers."""
    exported = export_model(estimator, n_features=WIDTH)
    found = bundled(folder, estimator, exported, features, verify)
    for name, values in exported.raw(features).items():
        assert distance(values, found.raw[name])[1] < ORDER, name
    if exported.labels:
        assert quietly(estimator.predict, features).tolist() == found.predictions
    else:
        assert distance(quietly(estimator.predict, features), found.predictions)[1] < ORDER
    assert (exported.probabilities is not None) == hasattr(estimator, "predict_proba")
    if exported.probabilities is not None:
        assert distance(quietly(estimator.predict_proba, features), found.probabilities)[1] < ORDER


@pytest.mark.parametrize("name", MODELS)
def test_a_model_answers_as_its_library_does(name, tmp_path):
    estimator, target, count = MODELS[name]
    compare(tmp_path, fitted(estimator, TRAINING, target), ROWS[:count], verify=count == len(ROWS))


@pytest.mark.parametrize("name", SEVERAL_OUTPUTS)
def test_several_outputs_are_the_prediction_or_the_one_that_is_asked_for(name, tmp_path):
    estimator, features = SEVERAL_OUTPUTS[name]
    quietly(fitted, estimator, TRAINING, SEVERAL)
    expected = estimator.predict(features)
    exported = export_model(estimator, n_features=WIDTH)
    assert exported.names == ("output_0", "output_1", "output_2")
    found = bundled(tmp_path / "all", estimator, exported, features, verify=True)
    for column in range(3):
        # Each beside its own largest: a small output is as true as a large one.
        assert distance(expected[:, column], np.array(found.predictions)[:, column])[1] < ORDER
    one = export_model(estimator, output=2)
    assert one.names == ()
    alone = bundled(tmp_path / "one", _Column(estimator, 2), one, features)
    assert distance(expected[:, 2], alone.predictions)[1] < ORDER


class _Column:
    """One output of an estimator."""

    def __init__(self, estimator, column):
        self._estimator, self._column = estimator, column

    def predict(self, features):
        return self._estimator.predict(features)[:, self._column]


@pytest.mark.parametrize("name", SPECIAL)
def test_a_model_of_counts_or_neighbours_answers_as_its_library_does(name, tmp_path):
    estimator, target, training, features = SPECIAL[name]
    compare(tmp_path, fitted(estimator, training, target), features)


@pytest.mark.parametrize("name", ALIKE)
def test_a_model_of_the_same_kind_has_the_same_form(name):
    estimator, target = ALIKE[name]
    exported = export_model(fitted(estimator, TRAINING, target), n_features=WIDTH)
    found = ReferenceEvaluator(onnx.load_from_string(exported.models[0].onnx)).run(None, {"X": ROWS[:500]})[0]
    assert distance(exported.raw(ROWS[:500])["main.Y"], found)[1] < ORDER
    assert (exported.probabilities is not None) == hasattr(estimator, "predict_proba")
    if exported.labels:
        decided = (found[:, 0] > 0).astype(int) if found.shape[1] == 1 else found.argmax(axis=1)
        assert quietly(estimator.predict, ROWS[:500]).tolist() == estimator.classes_[decided].tolist()


def test_classes_can_have_other_names():
    model = fitted(LogisticRegression(), TRAINING, TWO)
    assert export_model(model, labels=["no", "yes"]).labels == ("no", "yes")
    with pytest.raises(TrainerError, match="it knows 2 classes, and 3 labels were given"):
        export_model(model, labels=["a", "b", "c"])


@pytest.mark.parametrize(
    ("estimator", "target", "reason"),
    [
        (KNeighborsClassifier(), np.column_stack([TWO, TWO]), "several targets, and a row has one label"),
        (MLPClassifier(max_iter=2), np.column_stack([TWO, 1 - TWO]), "several targets, and a row has one label"),
        (RidgeClassifier(), np.column_stack([TWO, 1 - TWO]), "several targets, and a row has one label"),
        (SGDClassifier(loss="modified_huber"), TWO, 'loss "modified_huber" have no operator'),
        (SVC(kernel=lambda a, b: a @ b.T), TWO, "has no form; expected one of linear, poly, rbf, sigmoid"),
        (SVC(break_ties=True), THREE, "break_ties=True has no form"),
        (KNeighborsRegressor(metric="chebyshev"), TARGET, 'metric "chebyshev" has no form'),
        (KNeighborsRegressor(weights=lambda d: d), TARGET, "its weights are a function"),
        (GaussianProcessRegressor(), TARGET, "a GaussianProcessRegressor has no form here; fit an SVR in its place"),
    ],
)
def test_what_would_answer_otherwise_is_refused(estimator, target, reason):
    with pytest.raises(TrainerError, match=reason):
        export_model(fitted(estimator, TRAINING, target))


def test_an_output_of_several_is_not_asked_of_one():
    with pytest.raises(TrainerError, match="this model has one; take it out"):
        export_model(fitted(LinearRegression(), TRAINING, TARGET), output=1)
    with pytest.raises(TrainerError, match="there is no output 2: the model has 2, from 0 to 1"):
        export_model(fitted(LinearRegression(), TRAINING, SEVERAL[:, :2]), output=2)


def test_missing_values_and_infinities_are_not_taken():
    assert export_model(fitted(KNeighborsRegressor(), TRAINING, TARGET)).accepts == "finite"


def test_too_many_points_are_refused():
    many = rows(2_001, 5)
    with pytest.raises(TrainerError, match="it keeps 2001 rows, and at most 2000 are served"):
        export_model(KNeighborsRegressor().fit(many, many[:, 0]))
