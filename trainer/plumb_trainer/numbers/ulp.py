"""Distances between floats, counted in floats."""

from typing import NamedTuple

import numpy as np

# Of the largest number: what is smaller is left over where larger terms cancelled, and its last place says nothing of theirs.
_NEAR_ZERO = 2.0**-10
_INTEGERS = {np.dtype(np.float32): np.int32, np.dtype(np.float64): np.int64}


class Worst(NamedTuple):
    """The worst difference between numbers that were added up in different orders.

    Parameters
    ----------
    ulp : int
        In units in the last place, of those that aren't near zero.
    absolute : float
        Of those that are.
    last_place : float
        A unit in the last place of the largest number; 0 where nothing is near zero because all has to be the same bits.
    """

    ulp: int = 0
    absolute: float = 0.0
    last_place: float = 0.0

    @classmethod
    def of(cls, parts):
        """Return the worst of several; none at all differ by nothing."""
        return cls(*map(max, zip(cls(), *parts, strict=True)))


NO_DIFFERENCE = Worst()


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


def worst_difference(expected, got, largest):
    """Return how far numbers are apart.

    Parameters
    ----------
    expected, got : ndarray of dtype float32 or float64
        Of one shape and dtype.
    largest : ndarray or float
        The largest of the numbers that a number is one of, of a shape that `expected` broadcasts with. Under a thousandth of it is near
        zero; where it is 0, nothing is.

    Returns
    -------
    Worst
    """
    near_zero = np.abs(expected) < _NEAR_ZERO * largest
    distances = ulp_distances(expected, got)
    with np.errstate(invalid="ignore"):
        differences = np.abs(expected.astype(np.float64) - got)
    return Worst(
        int(distances[~near_zero].max(initial=0)),
        float(differences[near_zero & (distances > 0)].max(initial=0)),
        float(np.finfo(expected.dtype).eps * np.max(largest, initial=0)),
    )


def _positions(values):
    integers = values.view(_INTEGERS[values.dtype]).astype(np.int64)
    magnitudes = integers & (1 << (8 * values.dtype.itemsize - 1)) - 1
    # Negative floats count downwards from -0.0, which is the one below 0.0.
    return np.where(np.signbit(values), -magnitudes - 1, magnitudes)
