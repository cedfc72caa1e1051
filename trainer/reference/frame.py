"""Turn fitted transformers and rows into parity cases: the exporter's own document, and what scikit-learn makes of the rows."""

import math
from typing import NamedTuple

import numpy as np
import pandas as pd
from sklearn.pipeline import make_pipeline

from plumb_trainer.graph.export import preprocessing_document
from plumb_trainer.graph.served import served_twin
from plumb_trainer.numbers.json_form import number_form, number_forms

DTYPES = {"number": float, "integer": np.int64, "boolean": bool}


def frame(types, rows):
    """Return rows as the data frame that a pipeline was fitted on.

    Parameters
    ----------
    types : dict of str to str
        Type of each feature, in order.
    rows : list of list
        Values in the order of the features; None is a missing value.

    Returns
    -------
    DataFrame of shape (n_rows, n_features)
        Columns of float64, int64, bool, or object for strings and lists, with NaN for missing. A ``boolean`` or
        ``integer`` column with a missing value becomes object or float64, as pandas makes it.
    """
    columns = {}
    for position, (name, kind) in enumerate(types.items()):
        values = [row[position] for row in rows]
        has_missing = any(value is None for value in values)
        if kind in ("string", "numbers", "booleans", "strings") or (kind == "boolean" and has_missing):
            columns[name] = pd.Series([math.nan if value is None else value for value in values], dtype=object)
        else:
            columns[name] = pd.Series(values, dtype=float if has_missing else DTYPES[kind])
    return pd.DataFrame(columns)


def served_row(types, row):
    """Return a row as a caller sends it; what JSON has no form for is a string that the test decodes."""
    return {name: _served(value) for name, value in zip(types, row, strict=True)}


def _served(value):
    if isinstance(value, list):
        return [_served(item) for item in value]
    return value if value is None or isinstance(value, str | bool) else number_form(value)


def answer(transform, data):
    """Return the transformed rows, and which of them the transformer raises on.

    Each row goes by itself, so that one that is refused does not take the others with it; the rest then go together, which must make no
    difference.
    """
    features, refused, good = [], [], []
    for index in range(len(data)):
        try:
            features.append(_dense(transform(data.iloc[[index]]))[0])
            good.append(index)
        except ValueError:
            features.append(None)
            refused.append(index)
    together = _dense(transform(data.iloc[good]))
    alone = np.array([features[index] for index in good])
    assert np.array_equal(together.view(np.int64), alone.view(np.int64)), "a batch differs from its rows"
    return [None if row is None else number_forms(row) for row in features], refused


def _dense(values):
    return np.asarray(values.toarray() if hasattr(values, "toarray") else values, dtype=np.float64)


class Feature(NamedTuple):
    """A feature as the exporter asks for it."""

    name: str
    type: str


def graph_case(types, fitted, rows, transform=None):
    """Return a case: the graph of a fitted transformer, the rows, and the features that it makes of them.

    Parameters
    ----------
    types : dict of str to str
        Type of each feature, in order.
    fitted : transformer
        What is exported.
    rows : list of list
        Values in the order of the features; None is a missing value.
    transform : callable, default=None
        Takes a DataFrame. None is the transformer's own, or that of the twin that computes what is served.
    """
    graph = preprocessing_document(fitted, [Feature(name, kind) for name, kind in types.items()], "X", "float32", sparse_as_dense=True)
    return answered_case(types, graph, transform or served_twin(fitted).transform, rows)


def answered_case(types, graph, transform, rows):
    """Return a case of a given graph."""
    features, refused = answer(transform, frame(types, rows))
    return {"graph": graph, "rows": [served_row(types, row) for row in rows], "features": features, "refused": refused}


def case(types, training, served, *steps):
    """Fit the steps one after the other and return the case of their chain.

    Parameters
    ----------
    types : dict of str to str
        Type of each feature, in order.
    training, served : list of list
        Rows to fit on, and rows to transform beside them.
    *steps : estimators
        Not fitted yet; each takes all columns of the one before.
    """
    return graph_case(types, make_pipeline(*steps).fit(frame(types, training)), training + served)
