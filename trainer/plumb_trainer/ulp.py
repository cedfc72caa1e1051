"""Distances between floats, counted in floats."""

import numpy as np

_INTEGERS = {np.dtype(np.float32): np.int32, np.dtype(np.float64): np.int64}


def ulp_distances(one, other):
    """Return how many floats lie between two arrays of the same shape and dtype, value by value.

    Parameters
    ----------
    one, other : ndarray of dtype float32 or float64

    Returns
    -------
    ndarray of float64
        0 only where both are the same bits, or both NaN. -0.0 and 0.0 are one apart, NaN and a number infinitely far.
    """
    one, other = np.asarray(one), np.asarray(other)
    first, second = _positions(one), _positions(other)
    # Of the same sign they are less than 2^63 apart; of opposite signs they may be further, where a float counts closely enough.
    across = np.abs(first.astype(np.float64)) + np.abs(second.astype(np.float64))
    distances = np.where((first < 0) == (second < 0), np.abs(first - second).astype(np.float64), across)
    nan, other_nan = np.isnan(one), np.isnan(other)
    return np.where(nan & other_nan, 0.0, np.where(nan | other_nan, np.inf, distances))


def _positions(values):
    integers = values.view(_INTEGERS[values.dtype]).astype(np.int64)
    magnitudes = integers & (1 << (8 * values.dtype.itemsize - 1)) - 1
    # Negative floats count downwards from -0.0, which is the one below 0.0.
    return np.where(np.signbit(values), -magnitudes - 1, magnitudes)
