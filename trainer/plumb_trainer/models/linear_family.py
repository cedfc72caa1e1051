"""Linear models: one Gemm in float64, and the link in the graph behind it."""

import numpy as np

from plumb_trainer.models.answers import link_nodes, measured_classifier, measured_regressor, refuse, refuse_output
from plumb_trainer.models.float64_graph import Float64Graph
from plumb_trainer.models.names import INPUT

# Their link is asked of the fitted model.
GENERALIZED = ("PoissonRegressor", "GammaRegressor", "TweedieRegressor")
CLASSIFIERS = (
    *("LogisticRegression", "LogisticRegressionCV", "SGDClassifier", "RidgeClassifier", "RidgeClassifierCV", "Perceptron"),
    *("PassiveAggressiveClassifier", "LinearSVC", "LinearDiscriminantAnalysis"),
)
_WITH_PROBABILITIES = ("LogisticRegression", "LogisticRegressionCV", "LinearDiscriminantAnalysis")


def export(estimator, labels=None, output=None):
    """Return a fitted linear model as it is served; see `export_model`."""
    coef, intercept = coefficients(estimator)
    graph = Float64Graph("linear", coef.shape[1])
    onnx = graph.bytes(graph.add("Gemm", INPUT, graph.constant(coef.T), graph.constant(intercept)), len(coef))
    if type(estimator).__name__ in CLASSIFIERS:
        refuse_output(estimator, output)
        raw = estimator.decision_function
        return measured_classifier(onnx, coef.shape[1], len(coef), raw, estimator.classes_, labels, link_of(estimator, len(coef)))
    raw = estimator._linear_predictor if type(estimator).__name__ in GENERALIZED else estimator.predict
    return measured_regressor(estimator, onnx, coef.shape[1], raw, link_of(estimator, 1), len(coef), output)


def coefficients(estimator):
    """Return the weights, [outputs, width], and what is added to their sums, [outputs]."""
    coef = np.atleast_2d(np.asarray(estimator.coef_, dtype=np.float64))
    if type(estimator).__name__ in CLASSIFIERS and len(coef) != _outputs(estimator):
        raise refuse(estimator, "it was fitted on several targets, and a row has one label; fit one model for each")
    return coef, np.broadcast_to(np.asarray(estimator.intercept_, dtype=np.float64), len(coef))


def _outputs(estimator):
    classes = getattr(estimator, "classes_", None)
    return 0 if not isinstance(classes, np.ndarray) else 1 if len(classes) == 2 else len(classes)


def link_of(estimator, outputs):
    """Return the operators behind the sums, or None for a classifier without probabilities."""
    name = type(estimator).__name__
    if name in GENERALIZED:
        link = type(estimator._base_loss.link).__name__
        return {"IdentityLink": (), "LogLink": ("exp",)}[link]
    if name in _WITH_PROBABILITIES:
        return ("sigmoid",) if outputs == 1 else ("softmax",)
    if name == "SGDClassifier" and estimator.loss == "log_loss":
        return ("sigmoid",) if outputs == 1 else ("sigmoid", "proportions")
    if name == "SGDClassifier" and estimator.loss == "modified_huber":
        way = 'fit with "log_loss", or put CalibratedClassifierCV round it'
        raise refuse(estimator, f'the probabilities of loss "modified_huber" have no operator; {way}')
    return None if name in CLASSIFIERS else ()


def nodes_of(estimator, sources, prefix):
    """Return the nodes of a linear model over tables of the graph, side by side, and the names of its scores and probabilities."""
    coef, intercept = coefficients(estimator)
    sums = {"id": f"{prefix}sum", "op": "linear", "inputs": sources, "params": {"coef": coef.tolist(), "intercept": intercept.tolist()}}
    nodes, result = link_nodes(sums["id"], link_of(estimator, len(coef)), prefix)
    return [sums, *nodes], sums["id"], result
