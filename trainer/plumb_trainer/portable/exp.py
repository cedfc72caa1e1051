"""The exponential function."""

import numpy as np

from .elementwise import elementwise
from .log import LN2_HIGH, LN2_LOW
from .words import from_upper_word, power_of_2, times_power_of_2

OVERFLOW = 709.782712893384  # ln of the largest double
_UNDERFLOW = -745.1332191019411  # ln of half the smallest subnormal
_INVERSE_LN2 = 1.4426950408889634
# Coefficients of r (e^r + 1) / (e^r - 1) = 2 + P1 r^2 + P2 r^4 + ...
P1 = 0.16666666666666602
P2 = -0.0027777777777015593
P3 = 6.613756321437934e-5
P4 = -1.6533902205465252e-6
P5 = 4.1381367970572385e-8
# Below the first bound no reduction is needed; below the second, k is 1 or -1. fdlibm compares upper words.
REDUCE_FROM = from_upper_word(0x3FD62E43)  # about ln 2 / 2
_DIVIDE_FROM = from_upper_word(0x3FF0A2B2)  # about 3 ln 2 / 2


def multiples_of_ln2(x):
    """Return how often ln 2 is taken from x to leave at most about half of it, as whole float64 numbers."""
    sign = np.where(x < 0, -1.0, 1.0)
    size = np.abs(x)
    k = np.where(size < _DIVIDE_FROM, sign, np.trunc(_INVERSE_LN2 * x + 0.5 * sign))
    return np.where(size < REDUCE_FROM, 0.0, k)


@elementwise
def exp(x):
    """Return e^x, the same bits on every machine.

    Parameters
    ----------
    x : array_like of float64

    Returns
    -------
    ndarray or scalar of float64
        NaN for NaN, Infinity above 709.78, 0 below -745.13. Error below 1 ulp.

    Notes
    -----
    fdlibm's method: x = k ln 2 + r with abs(r) <= ln 2 / 2, e^r by a rational approximation in r^2, then a scaling by 2^k.

    References
    ----------
    fdlibm, e_exp.c, (C) 1993 Sun Microsystems, Inc.: "Permission to use, copy, modify, and distribute this software is freely granted,
    provided that this notice is preserved."
    """
    inside = (x >= _UNDERFLOW) & (x <= OVERFLOW)
    y = np.where(inside, x, 0.0)
    k = multiples_of_ln2(y)
    high = y - k * LN2_HIGH
    low = k * LN2_LOW
    r = high - low
    t = r * r
    c = r - t * (P1 + t * (P2 + t * (P3 + t * (P4 + t * P5))))
    result = times_power_of_2(1 - (low - (r * c) / (2 - c) - high), k.astype(np.int64))
    result = np.where(np.abs(y) < power_of_2(-28), 1 + y, result)
    result = np.where(y == 1, np.e, result)  # the one well-known value that the method misses, by its last bit
    return np.where(inside, result, np.where(x < 0, 0.0, x + np.inf))
