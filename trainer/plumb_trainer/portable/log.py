"""The natural logarithm."""

import numpy as np

from .elementwise import elementwise
from .words import power_of_2, upper_word, with_upper_word

LN2_HIGH = 0.6931471803691238  # the upper 32 bits of ln 2, so that k * LN2_HIGH is exact
LN2_LOW = 1.9082149292705877e-10  # the rest of ln 2
# Coefficients of (ln(1 + s) - ln(1 - s)) / s - 2 = L1 s^2 + L2 s^4 + ...
L1 = 0.6666666666666735
L2 = 0.3999999999940942
L3 = 0.2857142874366239
L4 = 0.22222198432149784
L5 = 0.1818357216161805
L6 = 0.15313837699209373
L7 = 0.14798198605116586


@elementwise
def log(x):
    """Return ln x, the same bits on every machine.

    Parameters
    ----------
    x : array_like of float64

    Returns
    -------
    ndarray or scalar of float64
        NaN for negative numbers and NaN, -Infinity for 0 and -0. Error below 1 ulp.

    Notes
    -----
    fdlibm's method: x = 2^k (1 + f) with sqrt(1/2) < 1 + f < sqrt(2), then ln(1 + f) by a polynomial in s = f / (2 + f).

    References
    ----------
    fdlibm, e_log.c, (C) 1993 Sun Microsystems, Inc.: "Permission to use, copy, modify, and distribute this software is freely granted,
    provided that this notice is preserved."
    """
    inside = (x > 0) & (x < np.inf)
    y = np.where(inside, x, 1.0)
    subnormal = y < power_of_2(-1022)
    y = np.where(subnormal, y * power_of_2(54), y)
    upper = upper_word(y)
    fraction = upper & 0xFFFFF
    half = (fraction + 0x95F64) & 0x100000  # set from sqrt(2) on: y / 2 then
    k = np.where(subnormal, -1077, -1023) + (upper >> 20) + (half >> 20)
    f = with_upper_word(y, fraction | (half ^ 0x3FF00000)) - 1
    high = k * LN2_HIGH
    low = k * LN2_LOW
    near_one = high - (f * f * (0.5 - 0.3333333333333333 * f) - low - f)
    s = f / (2 + f)
    z = s * s
    w = z * z
    remainder = z * (L1 + w * (L3 + w * (L5 + w * L7))) + w * (L2 + w * (L4 + w * L6))
    square = 0.5 * f * f
    exact = high - (square - (s * (square + remainder) + low) - f)
    short = high - (s * (f - remainder) - low - f)
    result = np.where(((fraction - 0x6147A) | (0x6B851 - fraction)) > 0, exact, short)
    result = np.where((fraction + 2) & 0xFFFFF < 3, np.where(f == 0, high + low, near_one), result)
    return np.where(inside, result, np.where(x == 0, -np.inf, np.where(x > 0, x, np.nan)))
