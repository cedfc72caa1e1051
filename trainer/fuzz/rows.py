"""Rows that a second implementation is most easily wrong about, as callers would send them."""

import numpy as np
import pandas as pd

ROWS = 300
_NUMBERS = (0.0, -0.0, 5e-324, -5e-324, 1e-300, 1e300, -1e300, 3.5e38, 3.4028234663852886e38, 16777217.0, 0.1, 2.0**53 - 1)
_WHOLE = (0, -1, 1, 2**31, -(2**31), 2**24 + 1, 2**53 - 1, -(2**53) + 1)
_TEXTS = ("", " ", "NaN", "null", "nan", "None", "1", "1.0", "True", "red\u0301", "STRASSE", "x" * 300, "\U0001f600 fox", "fox\tfox", "a\u2028b", "İ")


def adversarial_rows(X, seed):
    """Return 300 rows: of the frame's own, put together anew, with one value or several at an edge, beside another, or missing."""
    random = np.random.default_rng([seed, 1])
    columns = {name: _values(X[name]) for name in X}
    edges = {name: _edges(values) for name, values in columns.items()}
    rows = []
    for index in range(ROWS):
        row = {name: values[random.integers(len(values))] for name, values in columns.items()}
        names = list(columns)
        count = 0 if index < 30 else 1 if index < 240 else random.integers(1, len(names) + 1)
        for name in random.permutation(names)[:count]:
            row[name] = edges[name][random.integers(len(edges[name]))]
        rows.append(row)
    return rows


def frame_of(row, X):
    """Return a row as the DataFrame of one row that somebody who has no Plumb would make, of the dtypes of training."""
    return pd.DataFrame({name: _series(row[name], X[name].dtype) for name in X})


def _series(value, dtype):
    if value is None:
        return pd.Series([np.nan], dtype=np.float64 if pd.api.types.is_numeric_dtype(dtype) and dtype != bool else object)
    return pd.Series([value], dtype=dtype)


def _values(column):
    return [value.item() if hasattr(value, "item") else value for value in column if not pd.isna(value)]


def _edges(values):
    if isinstance(values[0], bool):
        return [True, False, None]
    if isinstance(values[0], str):
        return [*_TEXTS, *dict.fromkeys(values), None, None, None]
    # Trees split half-way between two values of training.
    sorted_values = np.unique(np.array(values, dtype=np.float64))
    middles = (sorted_values[1:] + sorted_values[:-1]) / 2
    if isinstance(values[0], int):
        near = [int(value) + step for value in sorted_values for step in (-1, 0, 1)]
        return [*_WHOLE, *near, *near, None, None, None]
    places = np.concatenate([sorted_values, middles, middles.astype(np.float32).astype(np.float64)])
    near = np.concatenate([places, np.nextafter(places, np.inf), np.nextafter(places, -np.inf)])
    singles = places.astype(np.float32)
    near = np.concatenate([near, np.nextafter(singles, np.float32(np.inf)), np.nextafter(singles, np.float32(-np.inf))])
    return [*_NUMBERS, *near[np.isfinite(near)].tolist(), *[None] * 8]
