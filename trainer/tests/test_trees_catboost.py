"""CatBoost's models of numbers answer as CatBoost does over 10,000 rows: sums bit for bit, links but for its own exponential."""

import numpy as np
import pytest
from catboost import CatBoostClassifier, CatBoostRegressor
from served_model import edge_block, prove, training_data

from plumb_trainer.errors import TrainerError
from plumb_trainer.models import export_model

SMALL = {"n_estimators": 40, "depth": 4, "verbose": 0, "allow_writing_files": False, "thread_count": 1}


@pytest.mark.parametrize(
    "params",
    [{}, {"grow_policy": "Lossguide"}, {"grow_policy": "Depthwise", "nan_mode": "Max"}, {"nan_mode": "Max"}, {"loss_function": "MAE"}],
    ids=["symmetric", "lossguide", "depthwise-missing-high", "missing-high", "absolute-error"],
)
def test_regressors_have_the_librarys_bits(tmp_path, params):
    features, target, *_ = training_data()
    model = CatBoostRegressor(**SMALL, **params).fit(features, target)
    exported = export_model(model, 5)
    block = edge_block(exported)
    prove(tmp_path, exported, block, model.predict(block))


@pytest.mark.parametrize("loss", ["MultiRMSE", "MultiQuantile:alpha=0.1,0.9"])
def test_several_outputs_are_the_prediction_or_the_one_that_is_asked_for(tmp_path, loss):
    features, target, *_ = training_data()
    model = CatBoostRegressor(**SMALL, loss_function=loss)
    model.fit(features, np.column_stack([target, target * 2]) if loss == "MultiRMSE" else target)
    exported = export_model(model)
    assert exported.names == (("output_0", "output_1") if loss == "MultiRMSE" else ("q0.1", "q0.9"))
    block = edge_block(exported)
    expected = model.predict(block)
    prove(tmp_path, exported, block, expected)
    prove(tmp_path, export_model(model, output=1), block, expected[:, 1])


@pytest.mark.parametrize("loss", ["Poisson", "Tweedie:variance_power=1.5"])
def test_links_of_regressors_are_within_4_ulp(tmp_path, loss):
    features, target, *_ = training_data()
    model = CatBoostRegressor(**SMALL, loss_function=loss).fit(features, np.abs(target))
    exported = export_model(model)
    block = edge_block(exported)
    prove(tmp_path, exported, block, model.predict(block), ulp=4)


@pytest.mark.parametrize("loss", ["Logloss", "MultiClass", "MultiClassOneVsAll"])
def test_classifiers(tmp_path, loss):
    features, _, two, four = training_data()
    model = CatBoostClassifier(**SMALL, loss_function=loss).fit(features, two if loss == "Logloss" else four)
    exported = export_model(model)
    block = edge_block(exported)
    prove(tmp_path, exported, block, model.predict(block), model.predict_proba(block), ulp=8)


def test_a_model_that_stopped_early_has_the_trees_of_its_best_round(tmp_path):
    features, target, *_ = training_data()
    model = CatBoostRegressor(**{**SMALL, "n_estimators": 300, "learning_rate": 0.5})
    model.fit(features[:400], target[:400], eval_set=(features[400:], target[400:]), early_stopping_rounds=3)
    assert model.tree_count_ < 300
    exported = export_model(model)
    block = edge_block(exported)
    prove(tmp_path, exported, block, model.predict(block))


def test_refusals_say_why_and_what_to_do():
    features, target, *_ = training_data()
    coloured = [[str(int(row > 0)), row] for row in target]
    with pytest.raises(TrainerError, match="categorical features.*encode them in the preprocessing"):
        export_model(CatBoostRegressor(**SMALL).fit(coloured, target, cat_features=[0]))
    with pytest.raises(TrainerError, match='loss "RMSEWithUncertainty"'):
        export_model(CatBoostRegressor(**SMALL, loss_function="RMSEWithUncertainty").fit(features, target))
    with pytest.raises(TrainerError, match="isn't fitted"):
        export_model(CatBoostRegressor())
