"""Powers."""

import numpy as np

from .elementwise import elementwise
from .exp import P1, P2, P3, P4, P5
from .words import from_upper_word, power_of_2, times_power_of_2, upper_half, upper_word, with_upper_word

# Coefficients of 3/2 ln((1 + s) / (1 - s)) - 3 s - s^3 = s^5 (L1 + L2 s^2 + ...)
_L1 = 0.5999999999999946
_L2 = 0.4285714285785502
_L3 = 0.33333332981837743
_L4 = 0.272728123808534
_L5 = 0.23066074577556175
_L6 = 0.20697501780033842
# Constants as sums of a high part of few bits, so that products are exact, and a low one.
_LOG2_OF_1_HALF = 0.5849624872207642  # log2 1.5
_LOG2_OF_1_HALF_LOW = 1.350039202129749e-8
_LN2 = 0.6931471805599453
_LN2_HIGH = 0.6931471824645996
_LN2_LOW = -1.904654299957768e-9
_THIRDS = 0.9617966939259756  # 2 / (3 ln 2)
_THIRDS_HIGH = 0.9617967009544373
_THIRDS_LOW = -7.028461650952758e-9
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
    high, low = (np.where(huge & ordinary, *pair) for pair in zip(_log2_near_one(base), _log2(base), strict=True))
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


def _log2(size):
    """Return the logarithm to base 2 of numbers above 0 as an upper half and the rest.

    With s = (x - b) / (x + b), b being 1 or 1.5, and x scaled to be next to b.
    """
    subnormal = size < power_of_2(-1022)
    scaled = np.where(subnormal, size * power_of_2(53), size)
    upper = upper_word(scaled)
    fraction = upper & 0xFFFFF
    by_half = (fraction > 0x3988E) & (fraction < 0xBB67A)  # between sqrt(3/2) and sqrt(3)
    below = fraction >= 0xBB67A
    n = ((upper >> 20) - np.where(subnormal, 1076, 1023) + below).astype(np.float64)
    upper = (fraction | 0x3FF00000) - np.where(below, 0x100000, 0)
    x = with_upper_word(scaled, upper)
    b = np.where(by_half, 1.5, 1.0)
    u = x - b
    v = 1 / (x + b)
    s = u * v
    s_high = upper_half(s)
    sum_high = from_upper_word(((upper >> 1) | 0x20000000) + 0x80000 + np.where(by_half, 0x40000, 0))
    sum_low = x - (sum_high - b)
    s_low = v * (u - s_high * sum_high - s_high * sum_low)
    z = s * s
    r = z * z * (_L1 + z * (_L2 + z * (_L3 + z * (_L4 + z * (_L5 + z * _L6))))) + s_low * (s_high + s)
    square = s_high * s_high
    t_high = upper_half(3 + square + r)
    t_low = r - (t_high - 3 - square)
    product_high = s_high * t_high
    product_low = s_low * t_high + t_low * s
    p_high = upper_half(product_high + product_low)
    p_low = product_low - (p_high - product_high)
    z_high = _THIRDS_HIGH * p_high
    z_low = _THIRDS_LOW * p_high + p_low * _THIRDS + np.where(by_half, _LOG2_OF_1_HALF_LOW, 0.0)
    b_high = np.where(by_half, _LOG2_OF_1_HALF, 0.0)
    high = upper_half(z_high + z_low + b_high + n)
    return high, z_low - (high - n - b_high - z_high)


def _log2_near_one(size):
    """Return the same within 2^-20 of 1, where four terms of the series are enough.

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
