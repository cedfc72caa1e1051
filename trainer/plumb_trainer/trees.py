"""Trees in a neutral form, between the libraries that grow them and the file that holds them.

A reader per library (`xgboost_trees`) makes a `TreeEnsemble`; one writer (`tree_onnx`) makes the ONNX model of it.
"""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Tree:
    """One binary tree; all arrays have one entry per node, the root first.

    Parameters
    ----------
    feature : ndarray of int64
        The column that an inner node compares; -1 at a leaf.
    threshold : ndarray of the ensemble's dtype
        What an inner node compares with. A row goes left where ``x OP threshold``, OP as the ensemble says.
    left, right : ndarray of int64
        Indexes of the children; -1 at a leaf.
    missing_left : ndarray of bool
        Whether NaN goes left.
    value : ndarray of the ensemble's dtype
        A leaf's contribution; 0 at an inner node.
    target : int
        The output that the tree adds to.
    """

    feature: np.ndarray
    threshold: np.ndarray
    left: np.ndarray
    right: np.ndarray
    missing_left: np.ndarray
    value: np.ndarray
    target: int = 0


@dataclass(frozen=True)
class TreeEnsemble:
    """Trees whose leaves are added up **in order of the trees**, in `dtype`: another order gives other bits.

    Parameters
    ----------
    trees : list of Tree
    feature_count, target_count : int
    dtype : {"float32", "float64"}
        Of inputs, thresholds, values and sums.
    comparison : {"<", "<="}
    link : {"identity", "sigmoid", "softmax"}, default="identity"
        What turns the sums into the answer.
    """

    trees: list
    feature_count: int
    target_count: int
    dtype: str
    comparison: str
    link: str = "identity"


def one_leaf_tree(value, dtype, target=0):
    """Return a tree that gives the same value to every row: how a base score becomes the first term of the sum."""
    no_child = np.array([-1], dtype=np.int64)
    return Tree(no_child, np.zeros(1, dtype), no_child, no_child, np.zeros(1, np.bool_), np.array([value], dtype), target)


def thresholds_by_feature(ensemble):
    """Return, by column, the distinct thresholds of all trees, ascending: a list of ndarrays."""
    found = [[] for _ in range(ensemble.feature_count)]
    for tree in ensemble.trees:
        for column in np.unique(tree.feature[tree.feature >= 0]):
            found[column].append(tree.threshold[tree.feature == column])
    return [np.unique(np.concatenate(parts)) if parts else np.zeros(0, ensemble.dtype) for parts in found]
