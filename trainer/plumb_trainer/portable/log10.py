"""The logarithm to base 10."""

import numpy as np

from .elementwise import elementwise
from .log2_parts import split_log2

_LOG10_OF_2_HIGH = 0.30102992057800293  # the upper 21 bits
_LOG10_OF_2_LOW = 7.508597826552624e-8


@elementwise
def log10(x):
    """Return log10 x, the same bits on every machine: log2 x times log10 2, in parts whose larger product is exact.

    Parameters
    ----------
    x : array_like of float64

    Returns
    -------
    ndarray or scalar of float64
        NaN for negative numbers and NaN, -Infinity for 0 and -0. Error below 1 ulp.
    """
    inside = (x > 0) & (x < np.inf)
    high, low = split_log2(np.where(inside, x, 1.0))
    result = high * _LOG10_OF_2_HIGH + (low * _LOG10_OF_2_HIGH + (high + low) * _LOG10_OF_2_LOW)
    return np.where(inside, result, np.where(x == 0, -np.inf, np.where(x > 0, x, np.nan)))
