"""Nearest neighbours: all distances to the rows of the training data, in float64."""

import numpy as np
from scipy import sparse

from plumb_trainer.models.answers import measured_classifier, measured_regressor, refuse, refuse_output
from plumb_trainer.models.float64_graph import Float64Graph

# A batch of 1,000 rows then takes three tables of 16 MB.
POINTS_MAX = 2_000
_POWERS = {"euclidean": 2, "l2": 2, "manhattan": 1, "cityblock": 1, "l1": 1}


def export(estimator, labels=None, output=None):
    """Return a fitted KNeighborsClassifier or KNeighborsRegressor as it is served; see `export_model`."""
    points, power = _points(estimator), _power(estimator)
    width = points.shape[1]
    graph = Float64Graph("neighbors", width)
    count = graph.constant([estimator.n_neighbors], np.int64)
    nearest, indexes = graph.add("TopK", graph.distances(points, power), count, axis=1, largest=0, sorted=1, outputs=2)
    weights = _weights(graph, nearest, power) if estimator.weights == "distance" else None
    is_regressor = type(estimator).__name__ == "KNeighborsRegressor"
    table = estimator._y.reshape(len(points), -1) if is_regressor else np.eye(len(estimator.classes_))[estimator._y.ravel()]
    values = graph.add("Gather", graph.constant(table), indexes)
    onnx = graph.bytes(_mean(graph, values, weights, estimator.n_neighbors), table.shape[1])
    if is_regressor:
        return measured_regressor(estimator, onnx, width, estimator.predict, outputs=table.shape[1], output=output)
    refuse_output(estimator, output)
    return measured_classifier(onnx, width, table.shape[1], estimator.predict_proba, estimator.classes_, labels, ())


def _points(estimator):
    points = estimator._fit_X
    if sparse.issparse(points):
        raise refuse(estimator, "it was fitted on a sparse matrix; fit it on a dense one")
    if len(points) > POINTS_MAX:
        reason = f"it keeps {len(points)} rows, and at most {POINTS_MAX} are served, since each row is compared with all of them"
        raise refuse(estimator, reason)
    if hasattr(estimator, "classes_") and estimator._y.ndim > 1 and estimator._y.shape[1] > 1:
        raise refuse(estimator, "it was fitted on several targets, and a row has one label; fit one model for each")
    return np.asarray(points, dtype=np.float64)


def _power(estimator):
    power = _POWERS.get(estimator.effective_metric_)
    if power is None:
        raise refuse(estimator, f'metric "{estimator.effective_metric_}" has no form; expected euclidean or manhattan')
    if estimator.weights not in ("uniform", "distance"):
        raise refuse(estimator, 'its weights are a function of its own; expected "uniform" or "distance"')
    return power


def _weights(graph, nearest, power):
    """Return 1 / distance of each neighbour; where one is at the very place, 1 for those and 0 for the others."""
    distances = graph.add("Sqrt", nearest) if power == 2 else nearest
    zero = graph.constant([0.0])
    here = graph.add("Where", graph.add("Equal", distances, zero), graph.constant([1.0]), zero)
    any_here = graph.add("ReduceMax", here, graph.constant([1], np.int64), keepdims=1)
    # 1 / 0 isn't computed where it isn't used: an infinity there would do no harm, but hides faults elsewhere.
    safe = graph.add("Where", graph.add("Equal", distances, zero), graph.constant([1.0]), distances)
    return graph.add("Where", graph.add("Greater", any_here, zero), here, graph.add("Div", graph.constant([1.0]), safe))


def _mean(graph, values, weights, neighbors):
    """Return the mean over the neighbours of [rows, k, columns], as [rows, columns]."""
    axis = graph.constant([1], np.int64)
    if weights is None:
        return graph.add("Div", graph.add("ReduceSum", values, axis, keepdims=0), graph.constant([float(neighbors)]))
    weighted = graph.add("Mul", graph.add("Unsqueeze", weights, graph.constant([2], np.int64)), values)
    sums = graph.add("ReduceSum", weighted, axis, keepdims=0)
    return graph.add("Div", sums, graph.add("ReduceSum", weights, axis, keepdims=1))
