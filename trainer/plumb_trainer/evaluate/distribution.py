"""Writes baseline.json: how features and predictions were distributed in training, to see later whether live traffic has moved."""

import numpy as np

from plumb_trainer.data.list_rows import items_of

FORMAT = "plumb-baseline/1"
BINS = 20
# More categories than this are counted together.
CATEGORIES_MAX = 100


def baseline_document(training, features, categories, predictions, labels, missing=None):
    """Return baseline.json.

    Parameters
    ----------
    training : dict of str to ndarray
        The rows that the pipeline was fitted on, by feature; no value is missing.
    features : sequence of Column
    categories : dict of str to list
        Features that encoders read as categories, with what they have learnt.
    predictions : ndarray of shape (n_rows,) or (n_rows, n_outputs)
        Of the same rows.
    labels : tuple
        Of a classifier.
    missing : dict of str to int, default=None
        Rows without a value, by feature.

    Returns
    -------
    dict
    """
    documents = {}
    missing = missing or {}
    for feature in features:
        values = training[feature.name]
        if feature.pii:
            documents[feature.name] = {"kind": "hidden", "missing": 0}
        elif feature.item_type:
            documents[feature.name] = list_distribution(values)
        elif feature.type in ("boolean", "string") or categories.get(feature.name):
            documents[feature.name] = categorical_distribution(values)
        else:
            documents[feature.name] = numeric_distribution(values)
        documents[feature.name]["missing"] = missing.get(feature.name, 0)
    prediction = categorical_distribution(predictions) if labels else numbers_distribution(predictions)
    return {"format": FORMAT, "rows": len(predictions), "features": documents, "prediction": prediction}


def numbers_distribution(predictions):
    """Return the distribution of predicted numbers; of several outputs a list, one for each."""
    if np.ndim(predictions) == 1:
        return numeric_distribution(predictions)
    return [numeric_distribution(column) for column in np.transpose(predictions)]


def numeric_distribution(values):
    """Return the counts of numbers between fixed edges: the quantiles that cut them into equal parts, each edge once.

    Parameters
    ----------
    values : ndarray of shape (n_rows,)
        At least one; none is NaN.

    Returns
    -------
    dict
        Bin i counts ``edges[i-1] <= value < edges[i]``.
    """
    values = np.asarray(values, dtype=np.float64)
    edges = np.unique(np.quantile(values, np.arange(1, BINS) / BINS))
    counts = np.bincount(np.searchsorted(edges, values, side="right"), minlength=len(edges) + 1)
    return {
        "kind": "numeric",
        "missing": 0,
        "edges": edges.tolist(),
        "counts": counts.tolist(),
        "min": float(values.min()),
        "max": float(values.max()),
        "mean": float(_spread(values, np.mean)),
        "std": float(_spread(values, np.std)),
    }


def _spread(values, statistic):
    """Return the mean or the standard deviation, of values so large that their squares are none too."""
    with np.errstate(over="ignore", invalid="ignore"):
        found = statistic(values)
    largest = np.abs(values).max()
    return found if np.isfinite(found) else statistic(values / largest) * largest


def list_distribution(lists):
    """Return the counts of the lengths of lists, and of their items as if each stood alone.

    Parameters
    ----------
    lists : sequence of list
        At least one item in all of them; none is missing.
    """
    items = items_of(lists)
    of_items = numeric_distribution if np.issubdtype(items.dtype, np.number) else categorical_distribution
    parts = {"lengths": numeric_distribution([len(items) for items in lists]), "items": of_items(items)}
    for part in parts.values():
        del part["missing"]
    return {"kind": "list", "missing": 0, **parts}


def categorical_distribution(values):
    """Return the counts of the most frequent values, in order of the values, and how many rows have another."""
    found, counts = np.unique(values, return_counts=True)
    kept = np.sort(np.argsort(-counts, kind="stable")[:CATEGORIES_MAX])
    return {
        "kind": "categorical",
        "missing": 0,
        "categories": found[kept].tolist(),
        "counts": counts[kept].tolist(),
        "other": int(counts.sum() - counts[kept].sum()),
    }
