"""XGBoost's models answer as XGBoost does over 10,000 rows: the sums, the links in float32, the labels, all bit for bit."""

import numpy as np
import pytest
import xgboost
from served_model import edge_block, prove, served, training_data
from xgboost import XGBClassifier, XGBRegressor, XGBRFRegressor

from plumb_trainer.errors import TrainerError
from plumb_trainer.models import export_model, xgboost_family
from plumb_trainer.models.xgboost_trees import puts_quantiles_in_order

SMALL = {"n_estimators": 40, "n_jobs": 1, "max_depth": 5}


@pytest.mark.parametrize("objective", ["count:poisson", "reg:gamma", "reg:tweedie", "reg:squaredlogerror"])
def test_links_of_regressors_have_the_librarys_bits(tmp_path, objective):
    features, target, *_ = training_data()
    model = XGBRegressor(**SMALL, objective=objective).fit(features, np.abs(target) + 0.01)
    exported = export_model(model, 5)
    block = edge_block(exported)
    prove(tmp_path, exported, block, model.predict(block))


def test_a_forest_and_a_share_as_target(tmp_path):
    features, target, two, _ = training_data()
    for model in (XGBRFRegressor(**SMALL).fit(features, target), XGBRegressor(**SMALL, objective="reg:logistic").fit(features, two * 0.8)):
        exported = export_model(model)
        block = edge_block(exported)
        prove(tmp_path, exported, block, model.predict(block))


@pytest.mark.parametrize("classes", [2, 4])
def test_probabilities_and_labels_of_classifiers_have_the_librarys_bits(tmp_path, classes):
    features, target, *_ = training_data()
    model = XGBClassifier(**SMALL).fit(features, np.digitize(target, [0] if classes == 2 else [-10, 0, 10]))
    exported = export_model(model)
    block = edge_block(exported)
    prove(tmp_path, exported, block, model.predict(block), model.predict_proba(block))


VERSION = tuple(map(int, xgboost.__version__.split(".")[:2]))
# XGBoost puts what it predicts in order where it takes no levels that aren't.
LEVELS = [0.1, 0.5, 0.9] if puts_quantiles_in_order() else [0.1, 0.9, 0.5]


@pytest.mark.parametrize(
    "params",
    [{}, {"multi_strategy": "multi_output_tree"}, {"objective": "reg:quantileerror", "quantile_alpha": LEVELS}],
    ids=["a-tree-per-output", "vector-leaves", "quantiles"],
)
def test_several_outputs_are_the_prediction_or_the_one_that_is_asked_for(tmp_path, params):
    features, target, *_ = training_data()
    several = target if "quantile_alpha" in params else np.column_stack([target, target * 2, np.abs(target)])
    model = XGBRegressor(**SMALL, **params).fit(features, several)
    exported = export_model(model)
    block = edge_block(exported)
    expected = model.predict(block)
    assert expected.shape == (len(block), 3)
    names = [f"q{level}" for level in LEVELS] if "quantile_alpha" in params else ["output_0", "output_1", "output_2"]
    assert list(exported.names) == names
    prove(tmp_path, exported, block, expected)
    prove(tmp_path, export_model(model, output=1), block, expected[:, 1])


def test_a_link_is_taken_back_in_each_of_several_outputs(tmp_path):
    features, target, *_ = training_data()
    model = XGBRegressor(**SMALL, objective="count:poisson").fit(features, np.abs(np.column_stack([target, target / 3])))
    exported = export_model(model)
    block = edge_block(exported)
    prove(tmp_path, exported, block, model.predict(block))


def test_quantiles_are_put_in_order_where_the_library_does(tmp_path, monkeypatch):
    features, target, *_ = training_data()
    model = XGBRegressor(**SMALL, objective="reg:quantileerror", quantile_alpha=LEVELS).fit(features, target)
    assert not any(map(puts_quantiles_in_order, ("2.1.4", "3.3.0")))
    assert all(map(puts_quantiles_in_order, ("3.4.1", "3.10.1", "4.0.0")))
    monkeypatch.setattr(xgboost_family, "puts_quantiles_in_order", lambda: True)
    exported = export_model(model)
    assert exported.names == ("q0.1", "q0.5", "q0.9")
    block = edge_block(exported)
    crossing = model.predict(block)
    prove(tmp_path, exported, block, np.sort(crossing, axis=1))
    prove(tmp_path, export_model(model, output=2), block, crossing.max(axis=1))


@pytest.mark.skipif(VERSION >= (3, 3), reason="served since XGBoost 3.3")
def test_dropout_is_refused_where_weighted_trees_are_added_up_otherwise():
    features, target, *_ = training_data()
    with pytest.raises(TrainerError, match='weighted trees of booster "dart" in another way'):
        export_model(XGBRegressor(n_estimators=2, booster="dart").fit(features, target))


@pytest.mark.skipif(VERSION < (3, 3), reason="this XGBoost adds weighted trees up in a way of its own: refused")
@pytest.mark.parametrize(
    "params", [{}, {"normalize_type": "forest"}, *([{"multi_strategy": "multi_output_tree"}] if VERSION >= (3, 4) else [])], ids=str
)
def test_dropout_leaves_each_tree_its_weight(tmp_path, params):
    features, target, *_ = training_data()
    several = np.column_stack([target, target * 2]) if "multi_strategy" in params else target
    model = XGBRegressor(**SMALL, booster="dart", rate_drop=0.4, **params).fit(features, several)
    exported = export_model(model)
    block = edge_block(exported)
    prove(tmp_path, exported, block, model.predict(block))


@pytest.mark.parametrize("one_hot", [4, 50], ids=["sets", "one-category"])
def test_splits_by_categories_keep_fractions_unknown_and_missing_categories_on_their_side(tmp_path, one_hot):
    features, target, *_ = training_data(categories=True)
    types = ["c", "c", "q", "q", "q"]
    model = XGBRegressor(**SMALL, enable_categorical=True, feature_types=types, max_cat_to_onehot=one_hot).fit(features, target)
    exported = export_model(model)
    block = edge_block(exported)
    block[:500, 0], block[500:1000, 0] = np.linspace(-2, 45, 500), 1e9
    prove(tmp_path, exported, block, model.predict(block))


def test_a_model_that_stopped_early_has_the_trees_of_its_best_round(tmp_path):
    features, target, *_ = training_data()
    model = XGBClassifier(n_estimators=200, learning_rate=0.5, early_stopping_rounds=3, n_jobs=1)
    target = np.digitize(target, [-10, 10])
    model.fit(features[:400], target[:400], eval_set=[(features[400:], target[400:])], verbose=False)
    exported = export_model(model)
    assert model.best_iteration + 1 < model.get_booster().num_boosted_rounds()
    block = edge_block(exported)
    prove(tmp_path, exported, block, model.predict(block), model.predict_proba(block))


def test_bits_are_the_same_at_every_batch_size(tmp_path):
    features, target, *_ = training_data(categories=True)
    model = XGBRegressor(**SMALL, enable_categorical=True, feature_types=["c", "c", "q", "q", "q"]).fit(features, target)
    exported = export_model(model)
    block = edge_block(exported)[:300]
    whole = served(tmp_path, exported, block, 300)[0]
    for batch in (1, 7, 129):
        assert served(tmp_path, exported, block, batch)[0].tobytes() == whole.tobytes()


def test_refusals_say_why_and_what_to_do():
    features, target, two, _ = training_data()
    several = XGBRegressor(n_estimators=2).fit(features, np.column_stack([target, target]))
    with pytest.raises(TrainerError, match="there is no output 2: the model has 2, from 0 to 1"):
        export_model(several, output=2)
    with pytest.raises(TrainerError, match="2 labels at once"):
        export_model(XGBClassifier(n_estimators=2).fit(features, np.column_stack([two, 1 - two])))
    with pytest.raises(TrainerError, match="isn't fitted"):
        export_model(XGBRegressor())
    with pytest.raises(TrainerError, match="fitted on 5 columns, and the preprocessing gives 6"):
        export_model(XGBRegressor(n_estimators=2).fit(features, target), 6)
