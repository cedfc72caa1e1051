"""Support vector machines: the kernel of each row with each support vector, and sums of those, all in float64."""

import numpy as np
from scipy import sparse

from plumb_trainer.models.answers import measured_classifier, measured_regressor, refuse, refuse_output
from plumb_trainer.models.float64_graph import Float64Graph
from plumb_trainer.models.names import INPUT

# A batch of 1,000 rows then takes three tables of 40 MB.
VECTORS_MAX = 5_000


def export(estimator, labels=None, output=None):
    """Return a fitted SVC, NuSVC, SVR, NuSVR or OneClassSVM as it is served; see `export_model`."""
    refuse_output(estimator, output)
    vectors, coef = estimator.support_vectors_, estimator.dual_coef_
    _refuse_unlike(estimator, vectors)
    width = vectors.shape[1]
    graph = Float64Graph("vectors", width)
    kernel = _KERNELS[estimator.kernel](graph, estimator, vectors)
    if type(estimator).__name__ == "OneClassSVM":
        onnx = graph.bytes(_sums(graph, kernel, coef.T, estimator.intercept_), 1)
        return measured_classifier(onnx, width, 1, estimator.decision_function, np.array([-1, 1]), labels)
    if not hasattr(estimator, "classes_"):
        onnx = graph.bytes(_sums(graph, kernel, coef.T, estimator.intercept_), 1)
        return measured_regressor(estimator, onnx, width, estimator.predict)
    classes = estimator.classes_
    if len(classes) == 2:
        # scikit-learn turns the sign round, so that the second class is above 0.
        onnx = graph.bytes(_sums(graph, kernel, coef.T, estimator.intercept_), 1)
        return measured_classifier(onnx, width, 1, estimator.decision_function, classes, labels)
    onnx = graph.bytes(_votes(graph, _sums(graph, kernel, _pair_weights(estimator), estimator.intercept_), len(classes)), len(classes))
    return measured_classifier(onnx, width, len(classes), lambda features: _counted(estimator, features), classes, labels)


def _refuse_unlike(estimator, vectors):
    if sparse.issparse(vectors):
        raise refuse(estimator, "it was fitted on a sparse matrix; fit it on a dense one")
    if estimator.kernel not in _KERNELS:
        raise refuse(estimator, f"kernel {estimator.kernel!r} has no form; expected one of {', '.join(_KERNELS)}")
    if len(vectors) > VECTORS_MAX:
        reason = f"it has {len(vectors)} support vectors, and at most {VECTORS_MAX} are served, since each row is compared with all of them"
        raise refuse(estimator, reason)
    if getattr(estimator, "probability", False) is True:
        way = "fit with probability=False, and put CalibratedClassifierCV round it"
        raise refuse(estimator, f"its probabilities come from an iteration of libsvm's own; {way}")
    if getattr(estimator, "break_ties", False) and len(estimator.classes_) > 2:
        raise refuse(estimator, "break_ties=True has no form; fit with break_ties=False")


def _linear(graph, model, vectors):
    return graph.add("MatMul", INPUT, graph.constant(vectors.T))


def _poly(graph, model, vectors):
    return graph.add("Pow", _scaled(graph, model, vectors), graph.constant([float(model.degree)]))


def _sigmoid(graph, model, vectors):
    return graph.add("Tanh", _scaled(graph, model, vectors))


def _rbf(graph, model, vectors):
    return graph.add("Exp", graph.add("Mul", graph.distances(vectors, 2), graph.constant([-model._gamma])))


def _scaled(graph, model, vectors):
    products = graph.add("Mul", _linear(graph, model, vectors), graph.constant([model._gamma]))
    return graph.add("Add", products, graph.constant([model.coef0]))


def _sums(graph, kernel, weights, constants):
    return graph.add("Gemm", kernel, graph.constant(weights), graph.constant(constants))


def _pair_weights(model):
    """Return the weight of each support vector in the decision between each pair of classes, [vectors, pairs]."""
    ends = np.cumsum(model.n_support_)
    parts = [slice(end - count, end) for end, count in zip(ends, model.n_support_, strict=True)]
    columns = []
    for first, second in _pairs(len(parts)):
        column = np.zeros(len(model.support_vectors_))
        column[parts[first]] = model.dual_coef_[second - 1, parts[first]]
        column[parts[second]] = model.dual_coef_[first, parts[second]]
        columns.append(column)
    return np.column_stack(columns)


def _pairs(count):
    return [(first, second) for first in range(count) for second in range(first + 1, count)]


def _winners(count):
    """Return which class wins a pair, two tables [pairs, classes]: where the decision is above 0, and where it isn't."""
    return tuple(np.array([[float(index == pair[side]) for index in range(count)] for pair in _pairs(count)]) for side in (0, 1))


def _votes(graph, decisions, count):
    above, others = _winners(count)
    won = graph.add("Where", graph.add("Greater", decisions, graph.constant([0.0])), graph.constant([1.0]), graph.constant([0.0]))
    return graph.add("Gemm", won, graph.constant(above - others), graph.constant(others.sum(axis=0)))


def _counted(estimator, features):
    """Return the votes for each class: what libsvm's own code gives before it names the winner."""
    shape, estimator.decision_function_shape = estimator.decision_function_shape, "ovo"
    try:
        won = (estimator.decision_function(features) > 0).astype(np.float64)
    finally:
        estimator.decision_function_shape = shape
    above, others = _winners(len(estimator.classes_))
    return won @ (above - others) + others.sum(axis=0)


_KERNELS = {"linear": _linear, "poly": _poly, "rbf": _rbf, "sigmoid": _sigmoid}
