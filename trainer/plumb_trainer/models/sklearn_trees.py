"""Reads scikit-learn's trees into the neutral form."""

import numpy as np
from sklearn.ensemble._iforest import _average_path_length

from plumb_trainer.errors import TrainerError, quoted_columns
from plumb_trainer.models.trees import Tree, TreeEnsemble, one_leaf_tree


def read_tree(grown, values, target, features=None):
    """Return one of scikit-learn's trees.

    Parameters
    ----------
    grown : sklearn.tree._tree.Tree
    values : ndarray of shape (n_nodes,), dtype=float64
        What a leaf contributes.
    target : int
    features : ndarray of int, default=None
        The model's column of each of the tree's, where the tree was grown on some of them.
    """
    leaf = grown.children_left < 0
    columns = grown.feature if features is None else np.asarray(features)[np.maximum(grown.feature, 0)]
    return Tree(
        feature=np.where(leaf, -1, columns).astype(np.int64),
        threshold=np.where(leaf, 0.0, grown.threshold),
        left=grown.children_left.astype(np.int64),
        right=grown.children_right.astype(np.int64),
        missing_left=np.array(grown.missing_go_to_left, dtype=np.bool_) & ~leaf,
        value=np.where(leaf, values, 0.0),
        target=target,
    )


def forest(trees, feature_count, target_count, after=()):
    """Return trees of scikit-learn: thresholds and leaves in float64, values of a row rounded to float32."""
    return TreeEnsemble(trees, feature_count, target_count, "float64", "<=", input_dtype="float32", after=after)


def read_means(estimators, feature_count, outputs, divisor=None):
    """Return trees whose leaves hold the answer itself: a mean, or the share of each class.

    Parameters
    ----------
    estimators : sequence of DecisionTreeRegressor or DecisionTreeClassifier
    feature_count, outputs : int
    divisor : float, default=None
        What the sum over all trees is divided by.
    """
    trees = []
    for estimator in estimators:
        # [nodes, outputs, 1] of a regressor, [nodes, 1, classes] of a classifier.
        values = estimator.tree_.value.reshape(estimator.tree_.node_count, -1)
        trees += [read_tree(estimator.tree_, values[:, output], output) for output in range(outputs)]
    return forest(trees, feature_count, outputs, () if divisor is None else (("Div", divisor),))


def read_gradient_boosting(model):
    """Return the trees of a GradientBoostingRegressor or GradientBoostingClassifier."""
    base = _constant_start(model)
    trees = [one_leaf_tree(value, np.float64, target) for target, value in enumerate(base)]
    trees += [
        read_tree(tree.tree_, model.learning_rate * tree.tree_.value[:, 0, 0], target)
        for stage in model.estimators_
        for target, tree in enumerate(stage)
    ]
    return forest(trees, model.n_features_in_, len(base))


def _constant_start(model):
    """Return what the sums start from, by scikit-learn itself."""
    start = model.init_
    if not (isinstance(start, str) and start == "zero") and type(start).__name__ not in ("DummyRegressor", "DummyClassifier"):
        raise TrainerError(
            f"the model can't be exported: its sums start from a model of their own, init={type(start).__name__}; "
            'leave init out, or set it to "zero"'
        )
    return model._raw_predict_init(np.zeros((1, model.n_features_in_), dtype=np.float32))[0]


def read_hist_gradient_boosting(model, coded=False):
    """Return the trees of a HistGradientBoostingRegressor or HistGradientBoostingClassifier.

    Its trees are grown on columns that have changed places, categories first and encoded; here they are the caller's again. With `coded`
    the caller gives the codes.
    """
    columns, categories = _columns_and_categories(model, coded)
    base = np.asarray(model._baseline_prediction, dtype=np.float64).ravel()
    trees = [one_leaf_tree(value, np.float64, target) for target, value in enumerate(base)]
    trees += [
        _read_predictor(predictor, target, columns, categories) for stage in model._predictors for target, predictor in enumerate(stage)
    ]
    # A value that is no category counts as missing.
    return TreeEnsemble(trees, model.n_features_in_, len(base), "float64", "<=", whole="or missing" if categories else None)


def grown_columns(model):
    """Return the caller's column of each that the trees of a HistGradientBoosting know: categories first."""
    is_categorical = np.asarray(model.is_categorical_, dtype=bool)
    return np.concatenate([np.flatnonzero(is_categorical), np.flatnonzero(~is_categorical)])


def _columns_and_categories(model, coded):
    """Return the caller's column of each that the trees know, and the categories of those that have some, in order of their codes."""
    count = model.n_features_in_
    if model._preprocessor is None:
        return np.arange(count), {}
    columns = grown_columns(model)
    learnt = model._preprocessor.named_transformers_["encoder"].categories_
    if coded:
        return columns, {column: np.arange(len(values), dtype=np.float64) for column, values in enumerate(learnt)}
    for column, values in enumerate(learnt):
        if not _are_whole(np.asarray(values)):
            raise TrainerError(
                f"the model can't be exported: {_named(model, int(columns[column]))} has categories that are no whole numbers of 32 bits; "
                "put an OrdinalEncoder before it"
            )
    # An encoded category that is missing is NaN, which is no category.
    return columns, {column: np.asarray(values, dtype=np.float64) for column, values in enumerate(learnt)}


def _named(model, index):
    """Return a column by its name, where the model was fitted on a DataFrame, and else by its index."""
    names = getattr(model, "feature_names_in_", None)
    return f"column {index}" if names is None else quoted_columns([names[index]])


def _are_whole(values):
    if not np.issubdtype(values.dtype, np.number):
        return False
    values = values[~np.isnan(values)]
    return bool(np.all((np.floor(values) == values) & (np.abs(values) < 2**31)))


def _read_predictor(predictor, target, columns, categories):
    nodes = predictor.nodes
    leaf = nodes["is_leaf"].astype(bool)
    by_category = nodes["is_categorical"].astype(bool) & ~leaf
    left, right = (np.where(leaf, -1, nodes[side].astype(np.int64)) for side in ("left", "right"))
    missing_left = nodes["missing_go_to_left"].astype(bool) & ~leaf
    # An unknown category goes where a missing one goes. So the members are those on the other side, which becomes the left one.
    swapped = by_category & missing_left
    members = {}
    for node in np.flatnonzero(by_category):
        words = predictor.raw_left_cat_bitsets[nodes["bitset_idx"][node]]
        known = categories[int(nodes["feature_idx"][node])]
        codes = np.flatnonzero(np.unpackbits(words.astype("<u4").view(np.uint8), bitorder="little"))
        others = np.isin(np.arange(len(known)), codes) != missing_left[node]
        members[int(node)] = known[others & ~np.isnan(known)]
    return Tree(
        feature=np.where(leaf, -1, columns[nodes["feature_idx"].astype(np.int64)]).astype(np.int64),
        threshold=np.where(leaf | by_category, 0.0, nodes["num_threshold"]),
        left=np.where(swapped, right, left),
        right=np.where(swapped, left, right),
        missing_left=missing_left & ~swapped,
        value=np.where(leaf, nodes["value"], 0.0),
        target=target,
        members=members,
    )


def read_isolation_forest(model):
    """Return the trees of an IsolationForest: a leaf holds how deep a row comes to lie there, and the answer is the mean depth in units of
    the one that a tree of as many random rows has."""
    unit = float(_average_path_length([model._max_samples])[0])
    if unit == 0:
        raise TrainerError("the model can't be exported: its trees were grown on one row each, so nothing is isolated; raise max_samples")
    above, below = model._decision_path_lengths, model._average_path_length_per_tree
    grown = zip(model.estimators_, model.estimators_features_, above, below, strict=True)
    trees = [read_tree(tree.tree_, depths + more - 1.0, 0, features) for tree, features, depths, more in grown]
    return forest(trees, model.n_features_in_, 1, (("Div", len(model.estimators_) * unit),))
