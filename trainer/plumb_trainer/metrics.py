"""How far predictions are from the truth."""

import numpy as np


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
    errors = np.abs(predictions - truth)
    around_mean = float(np.sum((truth - truth.mean()) ** 2))
    sizes = np.abs(truth) + np.abs(predictions)
    nonzero = truth != 0
    return {
        "rmse": float(np.sqrt(np.mean(errors**2))),
        "mae": float(np.mean(errors)),
        "r2": 1 - float(np.sum(errors**2)) / around_mean if around_mean > 0 else None,
        "mape": float(np.mean(errors[nonzero] / np.abs(truth[nonzero]))) * 100 if nonzero.any() else None,
        "mape_rows": int(nonzero.sum()),
        "smape": float(np.mean(np.divide(2 * errors, sizes, out=np.zeros_like(errors), where=sizes > 0))) * 100,
    }


def last_value(target, part):
    """Predict each row of a part as the row before it turned out; the first row of all has none before."""
    return target[part.start - 1 : part.stop - 1]


def mean_of_last_seven(target, part):
    """Predict each row of a part as the mean of the seven rows before it."""
    return np.array([target[max(0, row - 7) : row].mean() for row in range(part.start, part.stop)])


# What a forecast has to beat to be worth its trouble.
NAIVE_BASELINES = {"last_value": last_value, "mean_7_days": mean_of_last_seven}
