"""Rows that the families of cases share: random numbers of many sizes, and the edges of what a float64 can be."""

import math

import numpy as np

INF = math.inf
NAN = math.nan
EDGES = [0.0, -0.0, None, 5e-324, -2.2250738585072014e-308, 1e-300, 1e300, -1.7976931348623157e308, 0.1, 1 / 3, 2.0**53 + 2, INF, -INF]


def one(kind):
    """Return the types of a single feature."""
    return {"x": kind}


def column(*values):
    """Return rows of a single feature."""
    return [[value] for value in values]


def random_numbers(seed, n_rows, n_columns, missing=0.15):
    """Return rows of numbers of very different sizes, some of them missing."""
    rng = np.random.default_rng(seed)
    values = rng.normal(size=(n_rows, n_columns)) * 10.0 ** rng.integers(-6, 7, size=(1, n_columns))
    return [[None if rng.random() < missing else float(value) for value in row] for row in values]
