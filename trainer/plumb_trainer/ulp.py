"""Distances between floats, counted in floats."""

import math

import numpy as np

_INTEGERS = {np.dtype(np.float32): np.int32, np.dtype(np.float64): np.int64}


def ulp_distance(one, other):
    """Return how many floats lie between two of the same dtype: 0 where they are equal.

    Parameters
    ----------
    one, other : numpy.float32 or numpy.float64

    Returns
    -------
    int or float
        -0.0 and 0.0 are one apart. Two NaN are 0 apart, NaN and a number infinitely far.
    """
    if np.isnan(one) or np.isnan(other):
        return 0 if np.isnan(one) and np.isnan(other) else math.inf
    return abs(_position(one) - _position(other))


def _position(value):
    bits = int(value.view(_INTEGERS[value.dtype]))
    # Negative floats count downwards from -0.0, which is the one below 0.0.
    return bits if bits >= 0 else -(bits & ((1 << (8 * value.dtype.itemsize - 1)) - 1)) - 1
