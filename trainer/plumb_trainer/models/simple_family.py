"""Models that say the same of every row, and those that name the nearest of some centers."""

import numpy as np

from plumb_trainer.models.answers import SCIKIT_LEARN, measured_classifier, refuse, refuse_output
from plumb_trainer.models.float64_graph import Float64Graph
from plumb_trainer.models.names import INPUT
from plumb_trainer.models.tree_answers import classification, regression
from plumb_trainer.models.trees import TreeEnsemble, one_leaf_tree


def export(estimator, labels=None, output=None):
    """Return a fitted DummyRegressor, DummyClassifier, KMeans or MiniBatchKMeans as it is served; see `export_model`."""
    name = type(estimator).__name__
    if name == "DummyRegressor":
        values = np.asarray(estimator.constant_, dtype=np.float64).ravel()
        ensemble = _constants(estimator, values)
        return regression(ensemble, lambda features: np.tile(values, (len(features), 1)), SCIKIT_LEARN[0], output=output)
    refuse_output(estimator, output)
    if name == "DummyClassifier":
        return _dummy_classifier(estimator, labels)
    return _centers(estimator, labels)


def _constants(estimator, values):
    """Return trees of one leaf each: they look at no feature, whatever it is."""
    trees = [one_leaf_tree(value, np.float64, target) for target, value in enumerate(values)]
    return TreeEnsemble(trees, estimator.n_features_in_, len(values), "float64", "<=")


def _dummy_classifier(estimator, labels):
    if estimator.strategy not in ("prior", "most_frequent", "constant"):
        raise refuse(estimator, f'strategy "{estimator.strategy}" draws its answers; fit it with strategy="prior" or "most_frequent"')
    if isinstance(estimator.n_classes_, list):
        raise refuse(estimator, "it was fitted on several targets, and a row has one label; fit one model for each")
    values = estimator.predict_proba(np.zeros((1, estimator.n_features_in_)))[0].astype(np.float64)
    # The class is the first of the most frequent ones.
    classes = estimator.classes_ if labels is None else labels
    return classification(_constants(estimator, values), lambda features: np.tile(values, (len(features), 1)), SCIKIT_LEARN[0], classes)


def _centers(estimator, labels):
    """Return the cluster of the nearest center: the largest of twice the product with it, less its square."""
    centers = np.asarray(estimator.cluster_centers_, dtype=np.float64)
    if len(centers) < 2:
        raise refuse(estimator, "it has one cluster, so there is nothing to tell apart; fit it with n_clusters of 2 or more")
    squares = (centers**2).sum(axis=1)
    graph = Float64Graph("centers", centers.shape[1])
    onnx = graph.bytes(graph.add("Gemm", INPUT, graph.constant(2 * centers.T), graph.constant(-squares)), len(centers))
    clusters = np.arange(len(centers))
    shape = (centers.shape[1], len(centers))
    if len(centers) == 2:
        graph = Float64Graph("centers", centers.shape[1])
        weights, constant = 2 * (centers[1:] - centers[:1]), squares[0] - squares[1]
        onnx = graph.bytes(graph.add("Gemm", INPUT, graph.constant(weights.T), graph.constant([constant])), 1)
        return measured_classifier(onnx, shape[0], 1, lambda block: block @ weights[0] + constant, clusters, labels)
    return measured_classifier(onnx, *shape, lambda block: block @ (2 * centers.T) - squares, clusters, labels)
