"""Reads an XGBoost booster into the neutral tree form, or says why it can't be."""

import json

import numpy as np

from plumb_trainer.stop import Stop
from plumb_trainer.trees import Tree, TreeEnsemble, one_leaf_tree

# Objectives whose prediction is the margin itself: no link function comes after the sum.
IDENTITY_OBJECTIVES = {"reg:squarederror", "reg:absoluteerror", "reg:pseudohubererror"}


def read_xgboost(model):
    """Return the trees of a fitted XGBRegressor.

    Parameters
    ----------
    model : XGBModel
        Fitted.

    Returns
    -------
    TreeEnsemble
        In float32, as XGBoost computes; the base score is the first tree, because XGBoost's sum starts from it.

    Raises
    ------
    Stop
        Where the booster is of a kind whose sum would come out otherwise.
    """
    learner = json.loads(model.get_booster().save_raw("json"))["learner"]
    _refuse_unsupported(learner)
    booster = learner["gradient_booster"]["model"]
    base_scores = learner["learner_model_param"]["base_score"].strip("[]").split(",")
    trees = [one_leaf_tree(np.float32(base_scores[0]), "float32")]
    trees.extend(_read_tree(tree) for tree in booster["trees"][: _tree_count(learner, booster)])
    return TreeEnsemble(
        trees=trees,
        feature_count=int(learner["learner_model_param"]["num_feature"]),
        target_count=1,
        dtype="float32",
        comparison="<",
    )


def _refuse_unsupported(learner):
    booster, params = learner["gradient_booster"], learner["learner_model_param"]
    objective = learner["objective"]["name"]
    if booster["name"] == "dart":
        raise Stop("the model can't be exported: booster \"dart\" weights each tree when it predicts, which a plain sum of trees doesn't")
    if booster["name"] != "gbtree":
        raise Stop(f'the model can\'t be exported: booster "{booster["name"]}" has no trees; use gbtree')
    trees = booster["model"]["trees"]
    if int(params["num_target"]) > 1 or any(int(tree["tree_param"]["size_leaf_vector"]) > 1 for tree in trees):
        raise Stop(f"the model can't be exported: it has {params['num_target']} outputs, and a bundle's prediction is one number")
    if int(params["num_class"]) > 1:
        raise Stop(f"the model can't be exported: it has {params['num_class']} classes, and only regressors are exported")
    if any(any(tree["split_type"]) for tree in trees):
        raise Stop(
            "the model can't be exported: it splits on categories by itself (enable_categorical); encode them in the preprocessing instead"
        )
    if objective not in IDENTITY_OBJECTIVES:
        raise Stop(
            f'the model can\'t be exported: objective "{objective}" passes the sum through a link function; '
            f"expected one of {', '.join(sorted(IDENTITY_OBJECTIVES))}"
        )


def _tree_count(learner, booster):
    """Return how many trees predict: a model that stopped early predicts with its best iteration."""
    best = learner["attributes"].get("best_iteration")
    return len(booster["trees"]) if best is None else booster["iteration_indptr"][int(best) + 1]


def _read_tree(tree):
    left = np.array(tree["left_children"], dtype=np.int64)
    leaf = left < 0
    # In this form a leaf's value stands where an inner node has its threshold.
    condition = np.array(tree["split_conditions"], dtype=np.float32)
    return Tree(
        feature=np.where(leaf, -1, np.array(tree["split_indices"], dtype=np.int64)),
        threshold=np.where(leaf, np.float32(0), condition),
        left=left,
        right=np.array(tree["right_children"], dtype=np.int64),
        missing_left=np.array(tree["default_left"], dtype=np.bool_) & ~leaf,
        value=np.where(leaf, condition, np.float32(0)),
    )
