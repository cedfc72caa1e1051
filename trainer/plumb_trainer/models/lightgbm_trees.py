"""Reads a LightGBM booster into the neutral tree form, or says why it can't be."""

import re

import numpy as np

from plumb_trainer.errors import TrainerError
from plumb_trainer.models.trees import Tree, TreeEnsemble

# What the bits of a node's decision_type say.
_BY_CATEGORY = 1
_MISSING_LEFT = 2
# kZeroThreshold of LightGBM: a float32.
_TINY = float(np.float32(1e-35))
_MISSING_NONE, _MISSING_ZERO, _MISSING_NAN = 0, 1, 2


def read_lightgbm(booster):
    """Return the trees of a LightGBM booster, and its objective as its file has it.

    Parameters
    ----------
    booster : lightgbm.Booster

    Returns
    -------
    TreeEnsemble
        In float64, as LightGBM computes. A model that stopped early has the trees of its best round.
    str
        Such as "binary sigmoid:1".

    Raises
    ------
    TrainerError
        Where a sum of trees would come out otherwise.
    """
    # Its file holds every number in a form that reads back to the same bits.
    head, *parts = re.split(r"^Tree=\d+$", booster.model_to_string().partition("\nend of trees")[0], flags=re.MULTILINE)
    head = _fields(head)
    rounds = int(head["num_tree_per_iteration"])
    trees = [_read_tree(_fields(part), index % rounds) for index, part in enumerate(parts)]
    return TreeEnsemble(
        trees=trees,
        feature_count=int(head["max_feature_idx"]) + 1,
        target_count=rounds,
        dtype="float64",
        comparison="<=",
        # A category's fraction is cut off, so -0.5 is 0 too.
        whole="truncate" if any(tree.members for tree in trees) else None,
        # A random forest answers with the mean.
        after=(("Div", float(len(trees) // rounds)),) if "average_output" in head else (),
    ), head.get("objective", "")


def _fields(text):
    return {name: value for name, _, value in (line.partition("=") for line in text.strip().splitlines())}


def _numbers(fields, name, dtype):
    return np.array(fields.get(name, "").split(), dtype=dtype)


def _read_tree(fields, target):
    if fields.get("is_linear", "0") != "0":
        raise TrainerError(
            "the model can't be exported: its leaves hold linear models (linear_tree), which no sum of constants is; fit it without"
        )
    values = _numbers(fields, "leaf_value", np.float64)
    # A child that is negative is a leaf: -1 the first, -2 the second. Here leaves stand behind the inner nodes.
    left, right = (_numbers(fields, side, np.int64) for side in ("left_child", "right_child"))
    count, leaves = len(left), len(values)
    decisions = _numbers(fields, "decision_type", np.int64)
    by_category = (decisions & _BY_CATEGORY) != 0
    missing = np.where(by_category, _MISSING_NAN, decisions >> 2)
    if np.any(missing == _MISSING_ZERO):
        raise TrainerError(
            "the model can't be exported: it takes zeros for missing (zero_as_missing), which only NaN is when it is served; "
            "put NaN in place of such zeros before fitting"
        )
    threshold = _numbers(fields, "threshold", np.float64)
    # Without missing values in training NaN counts as 0, and no category is where NaN is.
    missing_left = np.where(missing == _MISSING_NONE, threshold >= 0, (decisions & _MISSING_LEFT) != 0) & ~by_category
    bounds, words = _numbers(fields, "cat_boundaries", np.int64), _numbers(fields, "cat_threshold", np.uint32)
    members = {
        int(node): _members(words[bounds[at] : bounds[at + 1]])
        for node, at in zip(np.flatnonzero(by_category), threshold[by_category].astype(np.int64), strict=True)
    }
    none = np.full(leaves, -1)
    return Tree(
        feature=np.concatenate([_numbers(fields, "split_feature", np.int64), none]),
        threshold=np.concatenate([_as_if_tiny_were_zero(threshold), np.zeros(leaves)]),
        left=np.concatenate([np.where(left < 0, count - left - 1, left), none]),
        right=np.concatenate([np.where(right < 0, count - right - 1, right), none]),
        missing_left=np.concatenate([missing_left, np.zeros(leaves, np.bool_)]),
        value=np.concatenate([np.zeros(count), values]),
        target=target,
        members=members,
    )


def _members(words):
    """Return the numbers of the bits that are set, the lowest of the first word being 0."""
    return np.flatnonzero(np.unpackbits(words.view(np.uint8), bitorder="little")).astype(np.float64)


def _as_if_tiny_were_zero(threshold):
    """Return thresholds that tell values apart as LightGBM does, to which a value is 0 when it is as small as this."""
    threshold = np.where((threshold >= 0) & (threshold < _TINY), _TINY, threshold)
    return np.where((threshold < 0) & (threshold >= -_TINY), np.nextafter(-_TINY, -np.inf), threshold)
