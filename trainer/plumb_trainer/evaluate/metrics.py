"""How far predictions are from the truth."""

import numpy as np
from sklearn.metrics import log_loss, precision_recall_fscore_support, roc_auc_score


# Sums of squares of larger numbers are infinite.
_SQUARE_MAX = 1e140


def regression_metrics(truth, predictions):
    """Return the metrics of a regressor.

    Parameters
    ----------
    truth, predictions : array-like of shape (n_rows,)
        At least one row.

    Returns
    -------
    dict of str to float or None
        ``rmse`` and ``mae`` in the target's unit; ``r2``, None where the truth never changes; ``mape`` and ``smape`` in
        percent. ``mape`` leaves out the rows whose truth is 0, where it has no value; ``mape_rows`` is how many it counts.

    Notes
    -----
    SMAPE is ``mean(2 |p - y| / (|y| + |p|))``, from 0 to 200 %, and 0 for a row in which both are 0.
    """
    truth, predictions = np.asarray(truth, dtype=np.float64), np.asarray(predictions, dtype=np.float64)
    # Numbers whose squares are infinite are judged beside the largest; the figures in the target's unit are taken back.
    largest = max(np.abs(truth).max(), np.abs(predictions).max())
    unit = largest if largest > _SQUARE_MAX else 1.0
    truth, predictions = truth / unit, predictions / unit
    errors = np.abs(predictions - truth)
    around_mean = float(np.sum((truth - truth.mean()) ** 2))
    sizes = np.abs(truth) + np.abs(predictions)
    nonzero = truth != 0
    return {
        "rmse": float(np.sqrt(np.mean(errors**2)) * unit),
        "mae": float(np.mean(errors) * unit),
        "r2": 1 - float(np.sum(errors**2)) / around_mean if around_mean > 0 else None,
        "mape": float(np.mean(errors[nonzero] / np.abs(truth[nonzero]))) * 100 if nonzero.any() else None,
        "mape_rows": int(nonzero.sum()),
        "smape": float(np.mean(np.divide(2 * errors, sizes, out=np.zeros_like(errors), where=sizes > 0))) * 100,
    }


def quantile_metrics(truth, predictions, level):
    """Return the metrics of a quantile.

    Parameters
    ----------
    truth, predictions : array-like of shape (n_rows,)
        At least one row.
    level : float
        Between 0 and 1.

    Returns
    -------
    dict of str to float
        ``pinball``, the mean of ``level * (y - p)`` where the truth y is above the prediction p and of ``(1 - level) * (p - y)`` where it
        is below; ``coverage``, the share of rows whose truth is at most the prediction, which is near `level` for a good quantile.
    """
    truth, predictions = np.asarray(truth, dtype=np.float64), np.asarray(predictions, dtype=np.float64)
    errors = truth - predictions
    return {
        "pinball": float(np.mean(np.maximum(level * errors, (level - 1) * errors))),
        "coverage": float(np.mean(truth <= predictions)),
    }


def classification_metrics(truth, probabilities):
    """Return the metrics of a classifier.

    Parameters
    ----------
    truth : array-like of shape (n_rows,), dtype=int
        Indexes of labels. At least one row.
    probabilities : array-like of shape (n_rows, n_labels)
        The label of the largest is the prediction, the first of equals.

    Returns
    -------
    dict of str to float or None
        ``accuracy``; ``precision``, ``recall`` and ``f1``: of the second label where there are two, else the mean over the
        labels (macro); ``roc_auc``: of the second label, else the mean of each label against the rest, None where the truth
        lacks a label; ``log_loss``, natural logarithm.

    Notes
    -----
    Where a label is never predicted, its precision is 0, as scikit-learn has it.
    """
    truth, probabilities = np.asarray(truth), np.asarray(probabilities, dtype=np.float64)
    # Rounded in float32, they add up to 1 only nearly.
    probabilities = probabilities / probabilities.sum(axis=1, keepdims=True)
    labels = np.arange(probabilities.shape[1])
    predictions = probabilities.argmax(axis=1)
    is_binary = len(labels) == 2
    average = {"average": "binary" if is_binary else "macro", "zero_division": 0}
    precision, recall, f1, _ = precision_recall_fscore_support(truth, predictions, labels=None if is_binary else labels, **average)
    scores = probabilities[:, 1] if is_binary else probabilities
    has_all = len(np.unique(truth)) == len(labels)
    return {
        "accuracy": float(np.mean(predictions == truth)),
        "precision": float(precision),
        "recall": float(recall),
        "f1": float(f1),
        "roc_auc": float(roc_auc_score(truth, scores, multi_class="ovr", average="macro")) if has_all else None,
        "log_loss": float(log_loss(truth, probabilities, labels=labels)),
    }


def last_value(truth, _train, rows):
    """Estimate each row as the row before it turned out; the first row of all has none before."""
    return truth[rows - 1]


def mean_of_last_seven(truth, _train, rows):
    """Estimate each row as the mean of the seven rows before it."""
    return np.array([truth[max(0, row - 7) : row].mean() for row in rows])


def class_priors(truth, train, rows):
    """Estimate the probability of each label as its share of the training rows, so that the prediction is always the most frequent."""
    shares = np.bincount(truth[train]) / len(train)
    return np.tile(shares, (len(rows), 1))
