"""scikit-learn's trees answer as scikit-learn does over 10,000 rows: sums bit for bit, links within what the portable math differs by."""

import numpy as np
import pytest
from served_model import edge_block, prove, training_data
from sklearn.ensemble import (
    ExtraTreesClassifier,
    ExtraTreesRegressor,
    GradientBoostingClassifier,
    GradientBoostingRegressor,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    IsolationForest,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.linear_model import LinearRegression
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor, ExtraTreeClassifier, ExtraTreeRegressor
from threadpoolctl import threadpool_limits

from plumb_trainer.errors import TrainerError
from plumb_trainer.models import export_model

FIXED = {"random_state": 0}


@pytest.fixture(autouse=True)
def one_thread():
    """Histogram boosting's threads wait for each other by spinning, which takes long where the processors have other work."""
    with threadpool_limits(1):
        yield


@pytest.mark.parametrize(
    "model",
    [
        DecisionTreeRegressor(max_depth=7, **FIXED),
        ExtraTreeRegressor(max_depth=7, **FIXED),
        RandomForestRegressor(20, **FIXED),
        ExtraTreesRegressor(20, max_depth=8, **FIXED),
        HistGradientBoostingRegressor(max_iter=40, **FIXED),
        HistGradientBoostingRegressor(max_iter=6, loss="quantile", quantile=0.9, **FIXED),
    ],
    ids=lambda model: type(model).__name__,
)
def test_regressors_that_take_missing_values_have_the_librarys_bits(tmp_path, model):
    features, target, *_ = training_data()
    model.fit(features, target)
    exported = export_model(model, 5)
    block = edge_block(exported, infinite=exported.accepts == "any")
    prove(tmp_path, exported, block, model.predict(block))


@pytest.mark.parametrize(
    "model",
    [
        DecisionTreeClassifier(max_depth=7, **FIXED),
        ExtraTreeClassifier(max_depth=7, **FIXED),
        RandomForestClassifier(15, **FIXED),
        ExtraTreesClassifier(15, max_depth=8, **FIXED),
    ],
    ids=lambda model: type(model).__name__,
)
@pytest.mark.parametrize("classes", [2, 4])
def test_shares_of_classes_have_the_librarys_bits(tmp_path, model, classes):
    features, _, two, four = training_data()
    model.fit(features, two if classes == 2 else four)
    exported = export_model(model)
    assert exported.accepts == "missing"
    block = edge_block(exported, infinite=False)
    prove(tmp_path, exported, block, model.predict(block), model.predict_proba(block))


@pytest.mark.parametrize(
    "params", [{}, {"init": "zero", "loss": "huber"}, {"loss": "absolute_error"}], ids=["squared", "from-zero", "absolute"]
)
def test_gradient_boosting_has_the_librarys_bits(tmp_path, params):
    features, target, *_ = training_data(missing=0)
    model = GradientBoostingRegressor(n_estimators=40, **params, **FIXED).fit(features, target)
    exported = export_model(model)
    assert exported.accepts == "finite"
    block = edge_block(exported, missing=False, infinite=False)
    prove(tmp_path, exported, block, model.predict(block))


@pytest.mark.parametrize("params", [{}, {"loss": "exponential"}, {"init": "zero"}], ids=["log-loss", "exponential", "from-zero"])
def test_gradient_boosting_tells_two_classes_apart(tmp_path, params):
    features, _, two, _ = training_data(missing=0)
    model = GradientBoostingClassifier(n_estimators=30, **params, **FIXED).fit(features, two)
    exported = export_model(model)
    block = edge_block(exported, missing=False, infinite=False)
    prove(tmp_path, exported, block, model.predict(block), model.predict_proba(block), ulp=2)


def test_gradient_boosting_takes_the_second_class_at_zero(tmp_path):
    # Two rows of each kind and nothing to learn: the sums are 0, -0 or close to it.
    model = GradientBoostingClassifier(n_estimators=1, init="zero", **FIXED).fit(np.zeros((4, 1)), [0, 1, 0, 1])
    exported = export_model(model)
    (label,) = [node for node in exported.nodes if node["op"] == "label"]
    assert model._raw_predict(np.zeros((1, 1), np.float32))[0, 0] == 0
    assert model.predict(np.zeros((1, 1)))[0] == 1
    assert 0.0 > label["params"]["threshold"] and -0.0 > label["params"]["threshold"]


def test_boosting_of_four_classes(tmp_path):
    features, _, _, four = training_data(missing=0)
    for model in (GradientBoostingClassifier(n_estimators=12, **FIXED), HistGradientBoostingClassifier(max_iter=12, **FIXED)):
        model.fit(features, four)
        exported = export_model(model)
        block = edge_block(exported, missing=False, infinite=False)
        prove(tmp_path, exported, block, model.predict(block), model.predict_proba(block), ulp=4)


def test_histogram_boosting_with_links(tmp_path):
    features, target, two, _ = training_data()
    poisson = HistGradientBoostingRegressor(max_iter=30, loss="poisson", **FIXED).fit(features, np.abs(target))
    exported = export_model(poisson)
    block = edge_block(exported)
    prove(tmp_path, exported, block, poisson.predict(block), ulp=2)
    binary = HistGradientBoostingClassifier(max_iter=30, **FIXED).fit(features, two)
    exported = export_model(binary)
    block = edge_block(exported)
    prove(tmp_path, exported, block, binary.predict(block), binary.predict_proba(block), ulp=2)


@pytest.mark.parametrize("codes", [lambda code: code, lambda code: code * 300 - 2000], ids=["small", "apart-and-negative"])
def test_histogram_boosting_by_categories_takes_unknown_ones_for_missing(tmp_path, codes):
    features, target, *_ = training_data(categories=True)
    features = features[:, [2, 0, 3, 1, 4]]
    features[:, 1] = codes(features[:, 1])
    features[::9, 1] = np.nan
    model = HistGradientBoostingRegressor(max_iter=25, categorical_features=[1, 3], **FIXED).fit(features, target)
    exported = export_model(model)
    assert exported.accepts == "missing"
    block = edge_block(exported, infinite=False)
    block[:500, 3], block[500:600, 1] = np.linspace(-2, 4, 500), 123456.0
    prove(tmp_path, exported, block, model.predict(block))


@pytest.mark.parametrize(
    "model",
    [RandomForestRegressor(10, **FIXED), ExtraTreesRegressor(10, max_depth=8, **FIXED), DecisionTreeRegressor(max_depth=7, **FIXED)],
    ids=lambda model: type(model).__name__,
)
def test_several_outputs_are_the_prediction_or_the_one_that_is_asked_for(tmp_path, model):
    features, target, *_ = training_data()
    model.fit(features, np.column_stack([target, target * 2, np.abs(target)]))
    exported = export_model(model)
    block = edge_block(exported, infinite=False)
    expected = model.predict(block)
    prove(tmp_path, exported, block, expected)
    prove(tmp_path, export_model(model, output=1), block, expected[:, 1])


@pytest.mark.parametrize("params", [{}, {"contamination": 0.1, "max_features": 3}], ids=["all-columns", "some-columns"])
@pytest.mark.parametrize("output", ["predict", "score_samples", "decision_function"])
def test_isolation_forests(tmp_path, params, output):
    features, *_ = training_data()
    model = IsolationForest(n_estimators=20, **params, **FIXED).fit(features)
    exported = export_model(model, output=output)
    assert exported.accepts == "any"
    block = np.concatenate([features, edge_block(exported)[:-600]])
    expected = getattr(model, output)(block)
    assert len(np.unique(expected)) > 1
    prove(tmp_path, exported, block, expected, ulp=4)


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (lambda x, y: GradientBoostingRegressor(init=LinearRegression()).fit(x, y), "init=LinearRegression; leave init out"),
        (lambda x, y: RandomForestClassifier(2).fit(x, np.column_stack([y > 0, y > 9])), "2 labels at once"),
        (lambda x, y: HistGradientBoostingRegressor(categorical_features=[1]).fit(np.round(x[:, :2], 0) + 0.5, y), "no whole numbers"),
        (lambda x, y: IsolationForest(max_samples=1, n_estimators=2).fit(x), "raise max_samples"),
        (lambda x, y: DecisionTreeClassifier().fit(x, np.zeros(len(x))), "one class only"),
        (lambda x, y: RandomForestRegressor(), "isn't fitted"),
    ],
)
def test_refusals_say_why_and_what_to_do(make, reason):
    features, target, *_ = training_data(missing=0)
    with pytest.raises(TrainerError, match=reason):
        export_model(make(features, target))
