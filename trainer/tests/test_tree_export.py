"""A tree ensemble answers in the serving runtime as it does in its library, to the last bit."""

import functools
import json

import numpy as np
import onnx
import pytest
import xgboost
from onnx_answers import onnx_answers
from xgboost import XGBClassifier, XGBRegressor

from plumb_trainer.errors import TrainerError
from plumb_trainer.models.tree_onnx import tree_model_bytes
from plumb_trainer.models.trees import Tree, TreeEnsemble, one_leaf_tree, thresholds_by_feature
from plumb_trainer.models.xgboost_trees import read_xgboost

ROWS = 10_000


def training_data(rows=400, width=5, missing=0.1, seed=3):
    """Return features with missing values and a target, from a frozen generator."""
    random = np.random.RandomState(seed)
    features = random.randn(rows, width) * 10.0 ** np.arange(-2, width - 2)
    target = np.sin(features).sum(axis=1) * 20 + features[:, -1] / 50 + 1000
    features[random.uniform(size=features.shape) < missing] = np.nan
    return features, target


def rows_round_thresholds(ensemble, seed=5):
    """Return 10,000 rows of values at split thresholds, one float32 beside them, missing, infinite, zero or random."""
    random = np.random.RandomState(seed)
    block = np.empty((ROWS, ensemble.feature_count), dtype=np.float32)
    for column, thresholds in enumerate(thresholds_by_feature(ensemble)):
        at = thresholds[random.randint(len(thresholds), size=ROWS)] if len(thresholds) else np.zeros(ROWS, np.float32)
        kinds = [at, np.nextafter(at, np.float32(-np.inf)), np.nextafter(at, np.float32(np.inf))]
        kinds += [(at + random.randn(ROWS)).astype(np.float32)]
        kinds += [np.full(ROWS, value, dtype=np.float32) for value in (np.nan, np.inf, -np.inf, 0.0, -0.0, 1e-45)]
        shares = [0.2, 0.2, 0.2, 0.2, 0.1, 0.02, 0.02, 0.02, 0.02, 0.02]
        block[:, column] = np.choose(random.choice(len(kinds), size=ROWS, p=shares), kinds)
    return block


def same_bits(one, other):
    """Tell whether two float arrays hold the same bits."""
    return one.dtype == other.dtype and one.tobytes() == other.tobytes()


@pytest.mark.parametrize(
    "params",
    [
        {"n_estimators": 400, "max_depth": 6, "learning_rate": 0.05, "subsample": 0.9, "colsample_bytree": 0.9},
        {"n_estimators": 60, "max_depth": 9, "base_score": 0.5},
        {"n_estimators": 40, "grow_policy": "lossguide", "max_leaves": 20, "max_depth": 0},
        {"n_estimators": 40, "gamma": 300.0, "tree_method": "exact"},
        {"n_estimators": 5, "num_parallel_tree": 8, "subsample": 0.5},
        {"n_estimators": 30, "objective": "reg:absoluteerror"},
    ],
    ids=["demand", "deep", "lossguide", "pruned", "forest", "absolute-error"],
)
def test_10000_rows_missing_values_and_thresholds_among_them_are_bit_equal(tmp_path, params):
    model = XGBRegressor(random_state=42, n_jobs=1, **params).fit(*training_data())
    ensemble = read_xgboost(model)
    block = rows_round_thresholds(ensemble)
    expected = model.get_booster().inplace_predict(block, predict_type="margin")
    assert len(np.unique(expected)) > 50
    for batch in (ROWS, 7):
        assert same_bits(onnx_answers(tmp_path, tree_model_bytes(ensemble), block, batch), expected)


@pytest.mark.parametrize(
    ("classes", "params"),
    [
        (2, {"n_estimators": 60, "max_depth": 4}),
        (2, {"n_estimators": 20, "base_score": 0.2, "scale_pos_weight": 3}),
        (4, {"n_estimators": 15, "max_depth": 4}),
        (3, {"n_estimators": 4, "num_parallel_tree": 3, "subsample": 0.5}),
    ],
    ids=["two", "base-score", "four", "forest"],
)
def test_margins_of_a_classifier_are_bit_equal_over_10000_rows(tmp_path, classes, params):
    features, target = training_data()
    model = XGBClassifier(random_state=7, n_jobs=1, **params).fit(features, np.floor(target).astype(int) % classes)
    ensemble = read_xgboost(model)
    assert ensemble.link == ("sigmoid" if classes == 2 else "softmax")
    block = rows_round_thresholds(ensemble)
    expected = model.predict(block, output_margin=True).reshape(ROWS, -1)
    assert expected.shape[1] == ensemble.target_count
    for batch in (ROWS, 7):
        answers = onnx_answers(tmp_path, tree_model_bytes(ensemble), block, batch).reshape(expected.shape)
        assert same_bits(answers, expected)


def test_missing_values_go_the_way_that_training_chose(tmp_path):
    # Missing counts as low in the first column and as high in the second, so that both directions are learnt.
    random = np.random.RandomState(0)
    features = random.uniform(size=(500, 2))
    features[::3, 0], features[::4, 1] = np.nan, np.nan
    target = np.nan_to_num(features[:, 0], nan=0.1) + np.nan_to_num(features[:, 1], nan=0.9)
    model = XGBRegressor(n_estimators=5, n_jobs=1).fit(features, target)
    ensemble = read_xgboost(model)
    inner = [tree.missing_left[tree.feature >= 0] for tree in ensemble.trees]
    assert 0 < np.concatenate(inner).mean() < 1
    block = np.array([[np.nan, 0.5], [0.5, np.nan], [np.nan, np.nan]], dtype=np.float32)
    assert same_bits(onnx_answers(tmp_path, tree_model_bytes(ensemble), block), model.predict(block))


def test_a_model_that_stopped_early_answers_with_its_best_trees(tmp_path):
    features, target = training_data()
    model = XGBRegressor(n_estimators=200, learning_rate=0.5, early_stopping_rounds=3, n_jobs=1)
    model.fit(features[:300], target[:300], eval_set=[(features[300:], target[300:])], verbose=False)
    ensemble = read_xgboost(model)
    assert len(ensemble.trees) == model.best_iteration + 2 < model.get_booster().num_boosted_rounds() + 1
    block = rows_round_thresholds(ensemble)
    assert same_bits(onnx_answers(tmp_path, tree_model_bytes(ensemble), block), model.predict(block))


def test_a_constant_target_gives_trees_of_one_leaf(tmp_path):
    model = XGBRegressor(n_estimators=3, n_jobs=1).fit(training_data()[0], np.full(400, 12.5))
    ensemble = read_xgboost(model)
    assert [len(tree.feature) for tree in ensemble.trees] == [1, 1, 1, 1]
    block = np.zeros((3, 5), dtype=np.float32)
    assert same_bits(onnx_answers(tmp_path, tree_model_bytes(ensemble), block), model.predict(block))


def test_the_sum_runs_in_order_of_the_trees_from_the_base_score(tmp_path):
    # In float32, 1e8 + 3 + 3 is 1e8 and 3 + 3 + 1e8 is not.
    values = [1e8, 3.0, 3.0]
    for order in (values, values[::-1]):
        ensemble = TreeEnsemble([one_leaf_tree(value, "float32") for value in order], 1, 1, "float32", "<")
        expected = np.float32(0)
        for value in order:
            expected += np.float32(value)
        assert onnx_answers(tmp_path, tree_model_bytes(ensemble), np.zeros((1, 1), np.float32)).tolist() == [expected]


@pytest.mark.parametrize(("comparison", "expected"), [("<", [1.0, 2.0, 2.0, 1.0]), ("<=", [1.0, 1.0, 2.0, 1.0])])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_both_comparisons_and_both_dtypes_are_written(tmp_path, comparison, expected, dtype):
    tree = Tree(
        feature=np.array([0, -1, -1]),
        threshold=np.array([0.1, 0, 0], dtype),
        left=np.array([1, -1, -1]),
        right=np.array([2, -1, -1]),
        missing_left=np.array([True, False, False]),
        value=np.array([0, 1, 2], dtype),
    )
    at = np.array(0.1, dtype)
    block = np.array([[np.nextafter(at, at - 1)], [at], [np.nextafter(at, at + 1)], [np.nan]], dtype)
    assert onnx_answers(tmp_path, tree_model_bytes(TreeEnsemble([tree], 1, 1, dtype, comparison)), block).tolist() == expected


def test_the_file_names_versions_that_the_serving_runtime_takes():
    model = XGBRegressor(n_estimators=2, n_jobs=1).fit(*training_data())
    loaded = onnx.load_from_string(tree_model_bytes(read_xgboost(model)))
    assert loaded.ir_version == 10
    assert {(opset.domain, opset.version) for opset in loaded.opset_import} == {("", 21), ("ai.onnx.ml", 5)}
    assert (loaded.producer_name, loaded.producer_version) == ("plumb_trainer", "")


def test_the_same_model_gives_the_same_bytes():
    models = [XGBRegressor(n_estimators=20, random_state=1, n_jobs=1).fit(*training_data()) for _ in range(2)]
    assert tree_model_bytes(read_xgboost(models[0])) == tree_model_bytes(read_xgboost(models[1]))


@pytest.mark.parametrize("place", [("gradient_booster",), ("gradient_booster", "model")], ids=["3.3", "3.4"])
def test_a_weight_that_dropout_has_left_a_tree_stands_in_its_leaves(place):
    model = XGBRegressor(n_estimators=3, random_state=1, n_jobs=1).fit(*training_data())
    plain = read_xgboost(model).trees
    document = json.loads(model.get_booster().save_raw("json"))
    holder = functools.reduce(dict.__getitem__, place, document["learner"])
    holder["weight_drop"] = [0.3, 1.0]

    class Dropped:
        missing = float("nan")

        def get_booster(self):
            return self

        def save_raw(self, _):
            return json.dumps(document)

    base, *trees = read_xgboost(Dropped()).trees
    assert np.array_equal(base.value, plain[0].value)
    # A tree without a weight has all of it.
    for tree, was, weight in zip(trees, plain[1:], (0.3, 1.0, 1.0), strict=True):
        assert np.array_equal(tree.value, was.value * np.float32(weight))
        assert tree.value.dtype == np.float32


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        pytest.param(
            lambda: XGBRegressor(booster="dart", n_estimators=2).fit(*training_data()),
            'weighted trees of booster "dart" in another way',
            marks=pytest.mark.skipif(tuple(map(int, xgboost.__version__.split(".")[:2])) >= (3, 3), reason="served since XGBoost 3.3"),
        ),
        (lambda: XGBRegressor(booster="gblinear", n_estimators=2).fit(*training_data(missing=0)), 'booster "gblinear" has no trees'),
        (
            lambda: XGBClassifier(n_estimators=2, objective="binary:hinge").fit(training_data()[0], np.arange(400) % 2),
            'objective "binary:hinge"',
        ),
        (lambda: XGBRegressor(n_estimators=2, missing=-1).fit(*training_data(missing=0)), "put NaN in its place before fitting"),
    ],
    ids=["dart", "gblinear", "hinge", "missing"],
)
def test_what_would_come_out_otherwise_is_refused_with_the_reason(make, reason):
    with pytest.raises(TrainerError) as caught:
        read_xgboost(make())
    assert reason in caught.value.problems[0]
