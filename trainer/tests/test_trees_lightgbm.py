"""LightGBM's models answer as LightGBM does over 10,000 rows: sums bit for bit, links within what the portable math differs by."""

import numpy as np
import pytest
from lightgbm import LGBMClassifier, LGBMRegressor, early_stopping
from served_model import edge_block, prove, training_data

from plumb_trainer.errors import TrainerError
from plumb_trainer.models import export_model

SMALL = {"n_estimators": 40, "num_leaves": 15, "verbose": -1, "n_jobs": 1, "min_data_per_group": 1, "cat_smooth": 1}


@pytest.mark.parametrize(
    ("params", "missing"),
    [
        ({}, 0.1),
        ({}, 0),
        ({"use_missing": False}, 0.1),
        ({"boosting_type": "rf", "bagging_freq": 1, "bagging_fraction": 0.5}, 0.1),
        ({"boosting_type": "dart"}, 0.1),
        ({"boosting_type": "goss", "extra_trees": True}, 0.1),
        ({"objective": "quantile", "alpha": 0.8}, 0.1),
    ],
    ids=["missing", "none-missing", "missing-is-zero", "forest", "dart", "goss", "quantile"],
)
def test_regressors_have_the_librarys_bits(tmp_path, params, missing):
    features, target, *_ = training_data(missing)
    model = LGBMRegressor(**SMALL, **params).fit(features, target)
    exported = export_model(model, 5)
    block = edge_block(exported)
    prove(tmp_path, exported, block, model.predict(block))


def test_thresholds_that_float32_cannot_hold_are_kept(tmp_path):
    features, target, *_ = training_data()
    seconds = np.random.RandomState(0).randint(10**7, size=len(features))
    features[:, 0] = 1.6e9 + seconds + 0.5
    model = LGBMRegressor(**SMALL).fit(features, target + seconds % 77)
    exported = export_model(model)
    assert any(np.float32(threshold) != threshold for threshold in exported.models[0].thresholds[0])
    block = edge_block(exported)
    prove(tmp_path, exported, block, model.predict(block))


def test_values_that_lightgbm_takes_for_zero_are_zero(tmp_path):
    features, target, *_ = training_data()
    features[::2, 3] = 0
    steps = np.where(features[:, 3] == 0, 100, 0) + np.sign(np.nan_to_num(features[:, 3])) * 10
    model = LGBMRegressor(**SMALL).fit(features, steps + target)
    exported = export_model(model)
    block = edge_block(exported)
    tiny = float(np.float32(1e-35))
    block[:2000, 3] = np.resize([tiny, -tiny, np.nextafter(tiny, 1), np.nextafter(-tiny, -1), tiny / 2, -5e-324, 5e-324], 2000)
    assert any(np.abs(exported.models[0].thresholds[3]) < 1e-30)
    prove(tmp_path, exported, block, model.predict(block))


def test_splits_by_categories_keep_fractions_unknown_and_missing_categories_on_their_side(tmp_path):
    features, target, *_ = training_data(categories=True)
    model = LGBMRegressor(**SMALL).fit(features, target, categorical_feature=[0, 1])
    exported = export_model(model)
    block = edge_block(exported)
    block[:500, 0], block[500:1000, 0] = np.linspace(-2, 45, 500), 1e9
    prove(tmp_path, exported, block, model.predict(block))


@pytest.mark.parametrize("objective", ["poisson", "gamma", "tweedie", "cross_entropy"])
def test_links_of_regressors_are_within_2_ulp(tmp_path, objective):
    features, target, two, _ = training_data()
    model = LGBMRegressor(**SMALL, objective=objective).fit(features, two if objective == "cross_entropy" else np.abs(target) + 0.01)
    exported = export_model(model)
    block = edge_block(exported)
    prove(tmp_path, exported, block, model.predict(block), ulp=2)


@pytest.mark.parametrize(
    ("params", "classes"),
    [({}, 2), ({"sigmoid": 1.7}, 2), ({}, 4), ({"objective": "multiclassova", "sigmoid": 0.7}, 4)],
    ids=["two", "scaled", "four", "one-against-all"],
)
def test_classifiers(tmp_path, params, classes):
    features, _, two, four = training_data()
    model = LGBMClassifier(**SMALL, **params).fit(features, two if classes == 2 else four)
    exported = export_model(model)
    block = edge_block(exported)
    prove(tmp_path, exported, block, model.predict(block), model.predict_proba(block), ulp=4)


def test_a_model_that_stopped_early_has_the_trees_of_its_best_round(tmp_path):
    features, target, *_ = training_data()
    model = LGBMRegressor(**{**SMALL, "n_estimators": 300, "learning_rate": 0.5})
    model.fit(
        features[:400],
        target[:400],
        eval_X=(features[400:],),
        eval_y=(target[400:],),
        callbacks=[early_stopping(3, verbose=False)],
    )
    assert model.best_iteration_ < 300
    exported = export_model(model)
    block = edge_block(exported)
    prove(tmp_path, exported, block, model.predict(block))


@pytest.mark.parametrize(
    ("params", "reason"),
    [
        ({"linear_tree": True}, "linear_tree"),
        ({"zero_as_missing": True}, "zero_as_missing.*put NaN in place of such zeros"),
        ({"reg_sqrt": True}, "reg_sqrt"),
        ({"objective": "cross_entropy_lambda"}, 'objective "cross_entropy_lambda"'),
    ],
)
def test_refusals_say_why_and_what_to_do(params, reason):
    features, target, two, _ = training_data()
    features[::3, 2] = 0
    model = LGBMRegressor(**SMALL, **params).fit(features, two if "objective" in params else target)
    with pytest.raises(TrainerError, match=reason):
        export_model(model)


def test_an_objective_of_ones_own_is_refused():
    features, target, *_ = training_data()
    model = LGBMRegressor(**SMALL, objective=lambda truth, found: (found - truth, np.ones_like(truth))).fit(features, target)
    with pytest.raises(TrainerError, match='objective "of your own"'):
        export_model(model)
