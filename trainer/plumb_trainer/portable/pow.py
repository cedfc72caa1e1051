"""Powers."""

import numpy as np

from .elementwise import elementwise
from .exp import P1, P2, P3, P4, P5
from .log2_parts import split_log2
from .words import from_upper_word, times_power_of_2, upper_half, upper_word

# Constants as sums of a high part of few bits, so that products are exact, and a low one.
_LN2 = 0.6931471805599453
_LN2_HIGH = 0.6931471824645996
_LN2_LOW = -1.904654299957768e-9
_INVERSE_LN2 = 1.4426950408889634
_INVERSE_LN2_HIGH = 1.4426950216293335
_INVERSE_LN2_LOW = 1.9259629911266175e-8
_OVERFLOW_MARGIN = 8.008566259537294e-17  # 1024 - log2 of the largest double and half an ulp
# fdlibm compares upper words.
_HUGE_FROM = from_upper_word(0x41E00001)  # about 2^31
_CERTAIN_FROM = from_upper_word(0x43F00001)  # about 2^64
_NEAR_ONE_FROM = from_upper_word(0x3FEFFFFF)  # about 1 - 2^-21
_BEYOND_ONE_FROM = from_upper_word(0x3FF00001)  # about 1 + 2^-20
_ROUND_FROM = from_upper_word(0x3FE00001)  # about 1/2


@elementwise
def pow(x, y):
    """Return x to the power of y, the same bits on every machine.

    Parameters
    ----------
    x, y : array_like of float64

    Returns
    -------
    ndarray or scalar of float64
        The special cases are C's and NumPy's: x^0 and 1^y are 1 whatever the other is, NaN too, and so is (-1)^Infinity; other NaNs give
        NaN, and so do negative numbers to a power that isn't whole. 0 to a negative power is Infinity, negative for -0 and odd y;
        infinities follow the limits. Error below 1 ulp.

    Notes
    -----
    fdlibm's method: log2 abs(x) as a sum of two doubles of more than 70 bits, times y, then 2 to that power. Powers of whole numbers are
    exact wherever the result is a double.

    References
    ----------
    fdlibm, e_pow.c, (C) 2004 Sun Microsystems, Inc.: "Permission to use, copy, modify, and distribute this software is freely granted,
    provided that this notice is preserved."
    """
    size, power = np.abs(x), np.abs(y)
    negative = upper_word(x) < 0
    whole = np.trunc(y) == y
    sign = np.where(negative & whole & (np.trunc(y / 2) * 2 != y), -1.0, 1.0)
    limit = np.where((size > 1) == (y > 0), np.inf, 0.0)
    huge = power >= _HUGE_FROM
    near_one = (size >= _NEAR_ONE_FROM) & (size < _BEYOND_ONE_FROM)
    extreme = (size == 0) | (size == np.inf) | (huge & (~near_one | (power >= _CERTAIN_FROM)))
    ordinary = ~extreme & (size >= 0) & (power < np.inf)
    base = np.where(ordinary, size, 1.0)
    exponent = np.where(ordinary, y, 1.0)
    high, low = (np.where(huge & ordinary, *pair) for pair in zip(_split_log2_near_one(base), split_log2(base), strict=True))
    result = sign * np.where(extreme, limit, _exp2_of_product(exponent, high, low))
    result = np.where(size == 1, sign, result)
    result = np.where(negative & ~whole & (size > 0) & (size < np.inf), np.nan, result)
    result = np.where((y == 0.5) & (x >= 0), np.sqrt(size), result)  # of -0 it is 0, as of 0
    result = np.where(y == 2, x * x, result)
    result = np.where(y == -1, 1 / x, result)
    result = np.where(y == 1, x, result)
    result = np.where(power == np.inf, np.where(size == 1, 1.0, limit), result)
    result = np.where(np.isnan(x) | np.isnan(y), np.nan, result)
    return np.where((y == 0) | (x == 1), 1.0, result)


def _split_log2_near_one(size):
    """Return what `split_log2` does, within 2^-20 of 1, where four terms of the series are enough.

    fdlibm multiplies t by the high part as a whole. That isn't exact, and y of 2^31 and more makes hundreds of ulp of it; so here t is
    parted.
    """
    t = size - 1
    t_high = upper_half(t)
    w = t * t * (0.5 - t * (0.3333333333333333 - t * 0.25))
    u = _INVERSE_LN2_HIGH * t_high
    v = _INVERSE_LN2_HIGH * (t - t_high) + (t * _INVERSE_LN2_LOW - w * _INVERSE_LN2)
    high = upper_half(u + v)
    return high, v - (high - u)


def _exp2_of_product(y, log_high, log_low):
    """Return 2^(y (log_high + log_low))."""
    y_high = upper_half(y)
    low = (y - y_high) * log_high + y * log_low
    high = y_high * log_high
    z = low + high
    over = (z >= 1024) & ((z > 1024) | (low + _OVERFLOW_MARGIN > z - high))
    under = (z <= -1075) & ((z < -1075) | (low <= z - high))
    beyond = over | under
    low = np.where(beyond, 0.0, low)
    high = np.where(beyond, 0.0, high)
    total = low + high
    n = np.where(np.abs(total) < _ROUND_FROM, 0.0, np.trunc(total + np.where(total < 0, -0.5, 0.5)))
    rest = high - n
    t = upper_half(low + rest)
    u = t * _LN2_HIGH
    v = (low - (t - rest)) * _LN2 + t * _LN2_LOW
    z = u + v
    w = v - (z - u)
    square = z * z
    c = z - square * (P1 + square * (P2 + square * (P3 + square * (P4 + square * P5))))
    r = (z * c) / (c - 2) - (w + z * w)
    result = times_power_of_2(1 - (r - z), n.astype(np.int64))
    return np.where(over, np.inf, np.where(under, 0.0, result))
