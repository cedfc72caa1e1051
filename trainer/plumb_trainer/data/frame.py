"""Rows as callers send them, and the DataFrame that the pipeline reads: one rule for both training and proof.

Numbers are float64 always: scikit-learn's scalers compute in float32 where a column is float32, and the serving side
computes in float64. Columns of texts and of lists are of dtype object, and what is missing is NaN, never None, which encoders treat as
another value.
"""

import numpy as np
import pandas as pd

# By type; texts and lists are objects.
_MISSING_ALLOWED = {"number": np.float64, "integer": np.float64}
_ALWAYS_THERE = {"number": np.float64, "integer": np.int64, "boolean": np.bool_}


def frame_of_rows(rows, features, nullable):
    """Return rows as the DataFrame that the pipeline takes.

    Parameters
    ----------
    rows : list of dict
        By feature; None or absent is missing.
    features : sequence of Column
    nullable : set of str
        Features that may be missing.

    Returns
    -------
    DataFrame of shape (len(rows), len(features))
    """
    columns = {}
    for feature in features:
        dtypes = _MISSING_ALLOWED if feature.name in nullable else _ALWAYS_THERE
        values = [np.nan if row.get(feature.name) is None else row[feature.name] for row in rows]
        columns[feature.name] = pd.Series(values, dtype=dtypes.get(feature.type, object))
    return pd.DataFrame(columns)


def frame_of_columns(columns, features, rows=slice(None)):
    """Return a part of a table's columns as the DataFrame that the pipeline is fitted on."""
    parts = {feature.name: columns[feature.name][rows] for feature in features}
    return pd.DataFrame({name: pd.Series(values, dtype=values.dtype) for name, values in parts.items()})


def rows_of_columns(columns, features):
    """Return a table's columns as rows: a list of dicts of plain Python values."""
    names = [feature.name for feature in features]
    lists = [columns[name].tolist() for name in names]
    return [dict(zip(names, values, strict=True)) for values in zip(*lists, strict=True)]
