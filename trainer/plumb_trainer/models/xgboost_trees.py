"""Reads an XGBoost booster into the neutral tree form, or says why it can't be."""

import json
from itertools import chain, islice, repeat

import numpy as np
import xgboost
from xgboost import Booster

from plumb_trainer.errors import TrainerError, quoted_columns
from plumb_trainer.models.trees import Tree, TreeEnsemble, one_leaf_tree

# What comes after the sum, by objective.
LINKS = {
    "reg:squarederror": "identity",
    "reg:squaredlogerror": "identity",
    "reg:absoluteerror": "identity",
    "reg:pseudohubererror": "identity",
    "reg:quantileerror": "identity",
    "reg:logistic": "sigmoid",
    "reg:gamma": "exp",
    "reg:tweedie": "exp",
    "count:poisson": "exp",
    "binary:logistic": "sigmoid",
    "multi:softprob": "softmax",
    "rank:ndcg": "identity",
    "rank:map": "identity",
    "rank:pairwise": "identity",
    "survival:cox": "exp",
}

# Where dropout has left weights.
_WEIGHTS = "weight_drop"

# The newest version that is known to answer with its quantiles as the sums have them; later ones put them in order.
_QUANTILES_AS_THEY_ARE = (3, 3)


def read_xgboost(model, coded=False):
    """Return the trees of a fitted XGBRegressor or XGBClassifier.

    Parameters
    ----------
    model : XGBModel
        Fitted.
    coded : bool, default=False
        Whether it is given the codes of the categories that it has learnt of a DataFrame.

    Returns
    -------
    TreeEnsemble
        In float32, as XGBoost computes. The base score of each target is its first tree, because XGBoost's sum starts from it.

    Raises
    ------
    TrainerError
        Where the booster is of a kind whose sum would come out otherwise.
    """
    _refuse_missing(model.missing)
    document = json.loads(model.get_booster().save_raw("json"))
    learner = document["learner"]
    _refuse_unsupported(learner, coded)
    booster = learner["gradient_booster"]["model"]
    if not booster["trees"]:
        raise TrainerError("the model can't be exported: it has no trees; fit it with n_estimators of 1 or more")
    grown = zip(booster["trees"], booster["tree_info"], strict=True)
    base = _base_margins(document)
    return TreeEnsemble(
        trees=[one_leaf_tree(value, "float32", target) for target, value in enumerate(base)]
        + [
            part
            for (tree, target), weight in zip(islice(grown, _tree_count(learner, booster)), _weights(learner), strict=False)
            for part in _read_tree(tree, target, weight)
        ],
        feature_count=int(learner["learner_model_param"]["num_feature"]),
        target_count=len(base),
        dtype="float32",
        comparison="<",
        # A fraction counts as the category before it, and what is below 0 as none.
        whole="floor" if any(tree["categories_nodes"] for tree in booster["trees"]) else None,
        link=LINKS[learner["objective"]["name"]],
    )


def quantile_levels(model):
    """Return the levels of a model that predicts several quantiles, in order of its outputs; none of any other."""
    objective = json.loads(model.get_booster().save_config())["learner"]["objective"]
    levels = json.loads(objective.get("quantile_loss_param", {}).get("quantile_alpha", "[]"))
    return tuple(levels) if len(levels) > 1 else ()


def puts_quantiles_in_order(version=xgboost.__version__):
    """Tell whether this version of XGBoost sorts what it predicts for several quantiles, which cross in the sums now and then."""
    return tuple(map(int, version.split(".")[:2])) > _QUANTILES_AS_THEY_ARE


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
        **_without_weights(booster),
        "trees": [_without_values(tree) for tree in booster["trees"][:first]],
        "tree_info": booster["tree_info"][:first],
        "iteration_indptr": [0, first],
        "gbtree_model_param": {**booster["gbtree_model_param"], "num_trees": str(first)},
    }
    learner = {**learner, "attributes": {}, "gradient_booster": {**_without_weights(gradient_booster), "model": emptied}}
    empty = Booster()
    empty.load_model(bytearray(json.dumps({**document, "learner": learner}).encode()))
    row = np.zeros((1, int(learner["learner_model_param"]["num_feature"])), dtype=np.float32)
    return empty.inplace_predict(row, predict_type="margin").ravel()


def _without_values(tree):
    conditions = zip(tree["split_conditions"], tree["left_children"], strict=True)
    emptied = {**tree, "split_conditions": [condition if left >= 0 else 0.0 for condition, left in conditions]}
    return {**emptied, "leaf_weights": [0.0] * len(tree["leaf_weights"])} if _outputs_of_leaf(tree) > 1 else emptied


def _outputs_of_leaf(tree):
    return int(tree["tree_param"]["size_leaf_vector"])


def _refuse_missing(missing):
    if not np.isnan(missing):
        raise TrainerError(
            f"the model can't be exported: it takes {missing:g} for missing (missing={missing:g}), which only NaN is when it is served; "
            "put NaN in its place before fitting"
        )


def _categorical(learner):
    """Return the names of the columns that are categories, as a message has them."""
    named = zip(learner["feature_names"], learner["feature_types"], strict=True)
    return quoted_columns([name for name, kind in named if kind == "c"])


def _refuse_unsupported(learner, coded):
    booster = learner["gradient_booster"]
    objective = learner["objective"]["name"]
    if booster["name"] == "dart":
        raise TrainerError(
            "the model can't be exported: this XGBoost adds up the weighted trees of booster \"dart\" in another way than a plain sum of "
            "trees; use gbtree, or XGBoost 3.3 or later, where gbtree has rate_drop"
        )
    if booster["name"] != "gbtree":
        raise TrainerError(
            f'the model can\'t be exported: booster "{booster["name"]}" has no trees; use gbtree, or a linear model of scikit-learn'
        )
    if not coded and booster["model"].get("cats", {}).get("enc"):
        raise TrainerError(
            f"the model can't be exported: {_categorical(learner)} it has learnt as a DataFrame's categories; give it numbers instead, by "
            'an OrdinalEncoder before it and feature_types with "c" for the encoded columns'
        )
    if objective not in LINKS:
        raise TrainerError(
            f'the model can\'t be exported: objective "{objective}" makes of the sum what no operator does; '
            f"expected one of {', '.join(LINKS)}"
        )


def _weights(learner):
    """Return the weight of each tree, without end: what dropout has left of it, and 1 where there is no dropout.

    The weights stand beside the trees from XGBoost 3.4 on, and beside these trees' model in 3.3.
    """
    booster = learner["gradient_booster"]
    weights = booster.get(_WEIGHTS) or booster["model"].get(_WEIGHTS, ())
    return chain(map(np.float32, weights), repeat(np.float32(1)))


def _without_weights(holder):
    return {key: value for key, value in holder.items() if key != _WEIGHTS}


def _tree_count(learner, booster):
    """Return how many trees predict: a model that stopped early predicts with its best iteration."""
    best = learner["attributes"].get("best_iteration")
    return len(booster["trees"]) if best is None else booster["iteration_indptr"][int(best) + 1]


def _read_tree(tree, target, weight):
    """Return a tree, or one for each output where leaves hold several values.

    Predicting, XGBoost multiplies a leaf by the tree's weight and adds the product, in float32 both: so the product can stand in the leaf.
    """
    left, right = (np.array(tree[side], dtype=np.int64) for side in ("left_children", "right_children"))
    leaf = left < 0
    # In this form a leaf's value stands where an inner node has its threshold.
    condition = np.array(tree["split_conditions"], dtype=np.float32)
    outputs = _outputs_of_leaf(tree)
    if outputs == 1:
        values = {target: np.where(leaf, condition * weight, np.float32(0))}
    else:
        # And a leaf that has several has its place among them where an inner node has its right child.
        weights = np.array(tree["leaf_weights"], dtype=np.float32).reshape(-1, outputs)
        values = {output: np.where(leaf, weights[np.where(leaf, right, 0), output] * weight, np.float32(0)) for output in range(outputs)}
    # A category of the set goes right in XGBoost, and left in the neutral form.
    members = _members(tree)
    swapped = np.isin(np.arange(len(left)), list(members))
    missing_left = np.array(tree["default_left"], dtype=np.bool_)
    return [
        Tree(
            feature=np.where(leaf, -1, np.array(tree["split_indices"], dtype=np.int64)),
            threshold=np.where(leaf, np.float32(0), condition),
            left=np.where(swapped, right, left),
            right=np.where(leaf, -1, np.where(swapped, left, right)),
            missing_left=(missing_left != swapped) & ~leaf,
            value=value,
            target=output,
            members=members,
        )
        for output, value in values.items()
    ]


def _members(tree):
    """Return the sets of nodes that split by categories: dict of node to ndarray."""
    categories = np.array(tree["categories"], dtype=np.float32)
    places = zip(tree["categories_nodes"], tree["categories_segments"], tree["categories_sizes"], strict=True)
    return {node: categories[start : start + size] for node, start, size in places}
