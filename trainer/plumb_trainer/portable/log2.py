"""The logarithm to base 2."""

import numpy as np

from .elementwise import elementwise
from .log2_parts import split_log2


@elementwise
def log2(x):
    """Return log2 x, the same bits on every machine; of whole powers of 2 it is exact.

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
    result = high + low
    return np.where(inside, result, np.where(x == 0, -np.inf, np.where(x > 0, x, np.nan)))
