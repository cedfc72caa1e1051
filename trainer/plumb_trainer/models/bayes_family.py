"""Naive Bayes: the joint log likelihood of each class in float64; the softmax of it in the graph behind."""

import numpy as np

from plumb_trainer.models.answers import measured_classifier, refuse, refuse_output
from plumb_trainer.models.float64_graph import Float64Graph
from plumb_trainer.models.names import INPUT


def export(estimator, labels=None, output=None):
    """Return a fitted naive Bayes classifier as it is served; see `export_model`."""
    refuse_output(estimator, output)
    if 0 in getattr(estimator, "class_prior_", ()):
        raise refuse(estimator, "a prior of 0 makes its likelihood infinite; fit it without that class, or with a small prior")
    width, classes = estimator.n_features_in_, estimator.classes_
    graph = Float64Graph("bayes", width)
    onnx = graph.bytes(_LIKELIHOODS[type(estimator).__name__](graph, estimator), len(classes))
    raw = estimator.predict_joint_log_proba
    # Also of two classes both likelihoods come out, and the larger decides.
    return measured_classifier(onnx, width, len(classes), raw, classes, labels, ("softmax",))


def _gaussian(graph, model):
    # [rows, 1, width] - [classes, width]
    rows = graph.add("Unsqueeze", INPUT, graph.constant([1], np.int64))
    gaps = graph.add("Sub", rows, graph.constant(model.theta_))
    terms = graph.add("Div", graph.add("Mul", gaps, gaps), graph.constant(model.var_))
    sums = graph.add("ReduceSum", terms, graph.constant([2], np.int64), keepdims=0)
    constants = np.log(model.class_prior_) - 0.5 * np.sum(np.log(2.0 * np.pi * model.var_), axis=1)
    return graph.add("Add", graph.add("Mul", sums, graph.constant([-0.5])), graph.constant(constants))


def _multinomial(graph, model):
    return _sums(graph, INPUT, model.feature_log_prob_, model.class_log_prior_)


def _complement(graph, model):
    priors = model.class_log_prior_ if len(model.classes_) == 1 else np.zeros(len(model.classes_))
    return _sums(graph, INPUT, model.feature_log_prob_, priors)


def _bernoulli(graph, model):
    counted = INPUT
    if model.binarize is not None:
        above = graph.add("Greater", INPUT, graph.constant([model.binarize]))
        counted = graph.add("Where", above, graph.constant([1.0]), graph.constant([0.0]))
    absent = np.log(1 - np.exp(model.feature_log_prob_))
    return _sums(graph, counted, model.feature_log_prob_ - absent, model.class_log_prior_ + absent.sum(axis=1))


def _sums(graph, source, weights, constants):
    return graph.add("Gemm", source, graph.constant(weights.T), graph.constant(constants))


_LIKELIHOODS = {"GaussianNB": _gaussian, "MultinomialNB": _multinomial, "ComplementNB": _complement, "BernoulliNB": _bernoulli}
