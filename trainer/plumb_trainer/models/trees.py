"""Trees in a neutral form, between the libraries that grow them and the file that holds them.

A reader per library (`xgboost_trees`, `lightgbm_trees`, `catboost_trees`, `sklearn_trees`) makes a `TreeEnsemble`; one writer
(`tree_onnx`) makes the ONNX model of it.
"""

from dataclasses import dataclass, field

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
    members : dict of int to ndarray
        By node that splits by categories, those that go left: whole numbers that int32 holds. Its threshold doesn't count, and all
        other numbers go right.
    """

    feature: np.ndarray
    threshold: np.ndarray
    left: np.ndarray
    right: np.ndarray
    missing_left: np.ndarray
    value: np.ndarray
    target: int = 0
    members: dict = field(default_factory=dict)


@dataclass(frozen=True)
class TreeEnsemble:
    """Trees whose leaves are added up **in order of the trees**, in `dtype`: another order gives other bits.

    Parameters
    ----------
    trees : list of Tree
    feature_count, target_count : int
    dtype : {"float32", "float64"}
        Of thresholds, values and sums.
    comparison : {"<", "<="}
    link : str, default="identity"
        What turns the sums into the answer.
    input_dtype : {"float32", "float64"}, default=None
        What a row's values are rounded to before they are compared; None is `dtype`.
    whole : {None, "floor", "truncate", "or missing"}, default=None
        What is done to a value in a column of categories that isn't whole, before it is looked for among them: rounded down, its
        fraction cut off, or taken for missing. None where there are no categories.
    after : tuple of (str, float or ndarray of shape (target_count,)), default=()
        What is done to the sums, in this order: operators of ONNX ("Div", "Mul", "Add") with their second operand.
    """

    trees: list
    feature_count: int
    target_count: int
    dtype: str
    comparison: str
    link: str = "identity"
    input_dtype: str | None = None
    whole: str | None = None
    after: tuple = ()


def one_leaf_tree(value, dtype, target=0):
    """Return a tree that gives the same value to every row: how a base score becomes the first term of the sum."""
    no_child = np.array([-1], dtype=np.int64)
    return Tree(no_child, np.zeros(1, dtype), no_child, no_child, np.zeros(1, np.bool_), np.array([value], dtype), target)


def thresholds_by_feature(ensemble):
    """Return, by column, the distinct thresholds of all trees, ascending: a list of ndarrays."""
    found = [[] for _ in range(ensemble.feature_count)]
    for tree in ensemble.trees:
        by_number = tree.feature.copy()
        for node, members in tree.members.items():
            found[tree.feature[node]] += [members, members + 1]
            by_number[node] = -1
        for column in np.unique(by_number[by_number >= 0]):
            found[column].append(tree.threshold[by_number == column])
    return [np.unique(np.concatenate(parts)) if parts else np.zeros(0, ensemble.dtype) for parts in found]


def columns_of_categories(ensemble):
    """Return, by column, whether some tree splits it by categories: ndarray of bool."""
    found = np.zeros(ensemble.feature_count, dtype=np.bool_)
    for tree in ensemble.trees:
        found[[tree.feature[node] for node in tree.members]] = True
    return found
