"""Rows as callers send them, and the DataFrame that the pipeline reads: one rule for both training and proof.

Numbers are float64 always: scikit-learn's scalers compute in float32 where a column is float32, and the serving side
computes in float64. A text column is of dtype object and a missing text is NaN, never None, which encoders treat as another value.
"""

import numpy as np
import pandas as pd

_MISSING_ALLOWED = {"number": np.float64, "integer": np.float64, "boolean": object, "string": object, "numbers": object}
_ALWAYS_THERE = {"number": np.float64, "integer": np.int64, "boolean": np.bool_, "string": object, "numbers": object}


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
        columns[feature.name] = pd.Series(values, dtype=dtypes[feature.type])
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
