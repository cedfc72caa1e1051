"""Reads an XGBoost booster into the neutral tree form, or says why it can't be."""

import json
from itertools import islice

import numpy as np
from xgboost import Booster

from plumb_trainer.stop import Stop
from plumb_trainer.trees import Tree, TreeEnsemble, one_leaf_tree

# What comes after the sum, by objective.
LINKS = {
    "reg:squarederror": "identity",
    "reg:absoluteerror": "identity",
    "reg:pseudohubererror": "identity",
    "binary:logistic": "sigmoid",
    "multi:softprob": "softmax",
}


def read_xgboost(model):
    """Return the trees of a fitted XGBRegressor or XGBClassifier.

    Parameters
    ----------
    model : XGBModel
        Fitted.

    Returns
    -------
    TreeEnsemble
        In float32, as XGBoost computes. The base score of each target is its first tree, because XGBoost's sum starts from it.

    Raises
    ------
    Stop
        Where the booster is of a kind whose sum would come out otherwise.
    """
    document = json.loads(model.get_booster().save_raw("json"))
    learner = document["learner"]
    _refuse_unsupported(learner)
    booster = learner["gradient_booster"]["model"]
    grown = zip(booster["trees"], booster["tree_info"], strict=True)
    base = _base_margins(document)
    return TreeEnsemble(
        trees=[one_leaf_tree(value, "float32", target) for target, value in enumerate(base)]
        + [_read_tree(tree, target) for tree, target in islice(grown, _tree_count(learner, booster))],
        feature_count=int(learner["learner_model_param"]["num_feature"]),
        target_count=len(base),
        dtype="float32",
        comparison="<",
        link=LINKS[learner["objective"]["name"]],
    )


def _base_margins(document):
    """Return what XGBoost's sums start from, ndarray of shape (n_targets,).

    XGBoost itself computes it, since a base score that is a probability goes through the C library's logarithm: the booster
    answers with its first round alone, whose leaves are made 0.
    """
    learner = document["learner"]
    gradient_booster = learner["gradient_booster"]
    booster = gradient_booster["model"]
    first = booster["iteration_indptr"][1]
    emptied = {
        **booster,
        "trees": [_without_values(tree) for tree in booster["trees"][:first]],
        "tree_info": booster["tree_info"][:first],
        "iteration_indptr": [0, first],
        "gbtree_model_param": {**booster["gbtree_model_param"], "num_trees": str(first)},
    }
    learner = {**learner, "attributes": {}, "gradient_booster": {**gradient_booster, "model": emptied}}
    empty = Booster()
    empty.load_model(bytearray(json.dumps({**document, "learner": learner}).encode()))
    row = np.zeros((1, int(learner["learner_model_param"]["num_feature"])), dtype=np.float32)
    return empty.inplace_predict(row, predict_type="margin").ravel()


def _without_values(tree):
    conditions = zip(tree["split_conditions"], tree["left_children"], strict=True)
    return {**tree, "split_conditions": [condition if left >= 0 else 0.0 for condition, left in conditions]}


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
    if any(any(tree["split_type"]) for tree in trees):
        raise Stop(
            "the model can't be exported: it splits on categories by itself (enable_categorical); encode them in the preprocessing instead"
        )
    if objective not in LINKS:
        raise Stop(
            f'the model can\'t be exported: objective "{objective}" makes of the sum what no operator does; '
            f"expected one of {', '.join(LINKS)}"
        )


def _tree_count(learner, booster):
    """Return how many trees predict: a model that stopped early predicts with its best iteration."""
    best = learner["attributes"].get("best_iteration")
    return len(booster["trees"]) if best is None else booster["iteration_indptr"][int(best) + 1]


def _read_tree(tree, target):
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
        target=target,
    )
