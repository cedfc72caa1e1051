"""Writes evaluation.json of a bundle whose pipeline was fitted elsewhere: how near its answers are to the truth that came along."""

import numpy as np
import pandas as pd

from plumb_trainer.errors import TrainerError
from plumb_trainer.evaluate.evaluation import FORMAT
from plumb_trainer.evaluate.metrics import classification_metrics, quantile_metrics, regression_metrics
from plumb_trainer.models.core import label_forms

# Of several outputs these are told as means over them. Counts and shares of rows are told of each alone.
_AVERAGED = ("rmse", "mae", "r2", "mape", "smape", "pinball")


def given_evaluation(trained, y):
    """Return evaluation.json; without a truth it says how many rows there are, and no more.

    Parameters
    ----------
    trained : FittedPipeline
    y : array-like of shape (n_rows,) or (n_rows, n_outputs), or None

    Returns
    -------
    dict
        Of several outputs the metrics are means over them, and ``outputs`` has each one's own.
    """
    document = {"format": FORMAT, "splits": [{"name": "given", "rows": len(trained.rows)}], "metrics": {}, "baselines": {}}
    if y is None:
        return document
    truth = np.asarray(y)
    if pd.isna(truth).any():
        raise TrainerError("y: it has missing values; leave these rows out of X and y")
    predictions, probabilities = trained.own
    if trained.recipe.target.labels:
        return {**document, **_of_labels(trained.recipe.target.labels, np.ravel(truth), predictions, probabilities)}
    if not np.issubdtype(truth.dtype, np.number):
        raise TrainerError(
            f"y: the model predicts numbers, and y holds {truth.dtype}; give the numbers that it was fitted on, or leave y out"
        )
    return {**document, **_of_numbers(trained.exported, truth.astype(np.float64), predictions)}


def _of_numbers(model, truth, predictions):
    truth = truth.reshape(len(truth), -1)
    # Several quantiles are of one target.
    expected = 1 if model.quantiles else len(model.names) or 1
    if truth.shape[1] != expected:
        columns = "one column" if expected == 1 else f"{expected} columns, one for each output"
        raise TrainerError(f"y: expected {columns}, got {truth.shape[1]}; give the numbers that the pipeline was fitted on")
    if not model.names:
        return {"metrics": {"given": regression_metrics(truth[:, 0], predictions)}}
    if model.quantiles:
        levels = zip(model.quantiles, predictions.T, strict=True)
        found = [quantile_metrics(truth[:, 0], column, level) for level, column in levels]
    else:
        found = [regression_metrics(*columns) for columns in zip(truth.T, predictions.T, strict=True)]
    return {
        "average": "outputs",
        "metrics": {"given": {metric: _mean([figures[metric] for figures in found]) for metric in _AVERAGED if metric in found[0]}},
        "outputs": {name: {"given": figures} for name, figures in zip(model.names, found, strict=True)},
    }


def _mean(values):
    return None if None in values else float(np.mean(values))


def _of_labels(labels, truth, predictions, probabilities):
    places = {label: index for index, label in enumerate(labels)}
    truth = label_forms(truth.tolist())
    unknown = [label for label in truth if label not in places]
    if unknown:
        raise TrainerError(f"y: {unknown[0]!r} is no class of the model; expected {', '.join(map(repr, labels))}")
    about = {"positive": labels[1]} if len(labels) == 2 else {"average": "macro"}
    if probabilities is None:
        right = float(np.mean(np.array(truth, dtype=object) == predictions))
        return {**about, "metrics": {"given": {"accuracy": right}}}
    indexes = np.array([places[label] for label in truth])
    return {**about, "metrics": {"given": classification_metrics(indexes, probabilities)}}
