"""What most models have in common: the answer behind one table of raw outputs."""

import numpy as np
import sklearn

from plumb_trainer.errors import TrainerError
from plumb_trainer.models.core import ExportedModel, label_forms, model_file, node
from plumb_trainer.models.names import RAW
from plumb_trainer.models.outputs import default_names, predicted

SCIKIT_LEARN = (f"scikit-learn {sklearn.__version__}",)


def measured_regressor(estimator, onnx, width, raw, link=(), outputs=1, output=None):
    """Return a regressor whose raw outputs are sums in another order than its library's.

    Parameters
    ----------
    estimator : object
    onnx : bytes
    width : int
    raw : callable
        From a block of features to [rows] or [rows, outputs].
    link : sequence of str, default=()
        The operators that make predictions of the raw outputs, one behind the other.
    outputs : int, default=1
    output : int, default=None
        Of several outputs, the one that is the prediction; None for all of them.
    """
    if outputs == 1:
        refuse_output(estimator, output)
    nodes, source = link_nodes(RAW, link)
    picking, prediction, names = predicted(source, default_names(outputs), output)
    return ExportedModel(
        task="regression",
        models=(model_file(onnx, "float64", width, outputs),),
        nodes=(*nodes, *picking),
        prediction=prediction,
        probabilities=None,
        labels=(),
        tiers={"raw": "C", "prediction": "C"},
        raw=lambda features: {RAW: np.asarray(raw(features)).reshape(-1, outputs)},
        libraries=SCIKIT_LEARN,
        accepts="finite",
        names=names,
    )


def measured_classifier(onnx, width, outputs, raw, classes, labels, link=None, threshold=0.0, tier="C", decided_by=RAW):
    """Return a classifier whose raw outputs are one score for two classes, or one per class.

    Parameters
    ----------
    onnx : bytes
    width, outputs : int
    raw : callable
        From a block of features to [rows] or [rows, outputs].
    classes : ndarray
        The estimator's own.
    labels : sequence or None
        What they are called, if not by themselves.
    link : sequence of str, default=None
        The operators that make probabilities of the raw outputs, one behind the other; none for a classifier without probabilities. An
        empty one where the raw outputs are probabilities.
    threshold : float, default=0.0
        Of one score: above it is the second class.
    tier : {"A", "C"}, default="C"
    decided_by : str, default=RAW
        What the label is chosen by.
    """
    labels = label_forms(classes if labels is None else labels)
    if len(labels) != len(classes):
        raise TrainerError(f"the model can't be exported: it knows {len(classes)} classes, and {len(labels)} labels were given")
    nodes, probabilities = link_nodes(RAW, link)
    one = {"threshold": threshold} if outputs == 1 else {}
    nodes.append(node("label", "label", decided_by, labels=list(labels), **one))
    return ExportedModel(
        task="classification",
        models=(model_file(onnx, "float64", width, outputs),),
        nodes=tuple(nodes),
        prediction="label",
        probabilities=probabilities,
        labels=labels,
        tiers={"raw": tier, "prediction": tier, **({} if probabilities is None else {"probabilities": tier})},
        raw=lambda features: {RAW: raw(features).reshape(len(features), -1)},
        libraries=SCIKIT_LEARN,
        accepts="finite",
    )


def link_nodes(source, link, prefix=""):
    """Return the nodes of links one behind the other, and the name of what they give; None for no link."""
    if link is None:
        return [], None
    nodes = []
    for operator in link:
        params = {"dtype": "float64"} if operator in ("sigmoid", "softmax", "exp") else {}
        nodes.append(node(f"{prefix}{operator}", operator, source, **params))
        source = nodes[-1]["id"]
    return nodes, source


def refuse(estimator, reason):
    """Return the `TrainerError` that says why an estimator isn't exported."""
    return TrainerError(f"the model can't be exported: {type(estimator).__name__}: {reason}")


def refuse_output(estimator, output):
    """Raise TrainerError where one of several outputs is asked of an estimator that has one."""
    if output is not None:
        raise refuse(estimator, "`output` picks one of several outputs, and this model has one; take it out")
