"""What stands behind a tree ensemble, whatever library grew it: link functions, labels, and which outputs are the prediction."""

from plumb_trainer.errors import TrainerError
from plumb_trainer.models.core import ExportedModel, label_forms, model_file, node
from plumb_trainer.models.names import RAW
from plumb_trainer.models.outputs import default_names, predicted, quantile_names
from plumb_trainer.models.tree_onnx import tree_model_bytes
from plumb_trainer.models.trees import thresholds_by_feature


def trees_file(ensemble):
    """Return the file of an ensemble."""
    return model_file(
        tree_model_bytes(ensemble),
        ensemble.input_dtype or ensemble.dtype,
        ensemble.feature_count,
        ensemble.target_count,
        thresholds_by_feature(ensemble),
        output_dtype=ensemble.dtype,
    )


def refuse_labels(labels):
    """Raise TrainerError where names for classes are given to a model without classes."""
    if labels is not None:
        raise TrainerError("labels are for a classifier, and this model is a regressor; take them out")


def refuse_output(output):
    """Raise TrainerError where one of several outputs is asked of a classifier."""
    if output is not None:
        raise TrainerError("`output` picks one of a regressor's several outputs, and this model is a classifier; take it out")


def regression(ensemble, raw, library, links=(), output=None, tier="A", accepts="any", quantiles=()):
    """Return a regressor as it is served.

    Parameters
    ----------
    ensemble : TreeEnsemble
    raw : callable
        From features to the library's margins.
    library : str
    links : sequence of (str, dict)
        Operators with their parameters, from the sum to the prediction.
    output : int, default=None
        Of several outputs, the one that is the prediction; None for all of them.
    tier : {"A", "B"}, default="A"
        Of the prediction.
    accepts : str, default="any"
        As of `ExportedModel`.
    quantiles : tuple of float, default=()
        Levels of the outputs, where these are quantiles.
    """
    if ensemble.target_count == 1 and output not in (None, 0):
        raise TrainerError(f"there is no output {output}: the model has one")
    nodes, source = _linked(links)
    picking, source, names = predicted(source, quantile_names(quantiles) or default_names(ensemble.target_count), output)
    return ExportedModel(
        "regression",
        models=(trees_file(ensemble),),
        nodes=(*nodes, *picking),
        prediction=source,
        probabilities=None,
        labels=(),
        tiers={"raw": "A", "prediction": tier},
        raw=_as_table(raw),
        libraries=(library,),
        accepts=accepts,
        checked_as=ensemble.input_dtype or ensemble.dtype,
        names=names,
        quantiles=quantiles if names else (),
    )


def classification(ensemble, raw, library, classes, links=(), threshold=None, decides_by="probabilities", tier="A", accepts="any"):
    """Return a classifier as it is served.

    Parameters
    ----------
    ensemble : TreeEnsemble
    raw, library
        As of `regression`.
    classes : sequence
        In order of the columns; with two of them and one column, the column is the second's.
    links : sequence of (str, dict)
        Operators with their parameters, from the sums to the probabilities.
    threshold : float, default=None
        For one column: the second class is what lies above.
    decides_by : {"probabilities", "raw"}, default="probabilities"
        Where the label is read off.
    tier : {"A", "B"}, default="A"
        Of the probabilities. A label that is read off the raw sums is in tier A anyway.
    accepts : str, default="any"
        As of `ExportedModel`.
    """
    labels = label_forms(classes)
    nodes, source = _linked(links)
    limit = {} if threshold is None else {"threshold": threshold}
    decided = RAW if decides_by == "raw" else source
    nodes.append(node("label", "label", decided, labels=list(labels), **limit))
    return ExportedModel(
        "classification",
        models=(trees_file(ensemble),),
        nodes=tuple(nodes),
        prediction="label",
        probabilities=source,
        labels=labels,
        tiers={"raw": "A", "prediction": "A" if decides_by == "raw" else tier, "probabilities": tier},
        raw=_as_table(raw),
        libraries=(library,),
        accepts=accepts,
        checked_as=ensemble.input_dtype or ensemble.dtype,
    )


def _as_table(raw):
    return lambda features: {RAW: raw(features).reshape(len(features), -1)}


def _linked(links):
    """Return the nodes of links behind the sums, and the name of what they give."""
    nodes, source = [], RAW
    for operator, params in links:
        identifier = f"p{len(nodes) + 1}"
        nodes.append(node(identifier, operator, source, **params))
        source = identifier
    return nodes, source
