"""The exponential function minus 1."""

import numpy as np

from .elementwise import elementwise
from .exp import OVERFLOW, multiples_of_ln2
from .log import LN2_HIGH, LN2_LOW
from .words import from_upper_word, power_of_2, times_power_of_2

_MINUS_ONE_TO = -from_upper_word(0x4043687A)  # about -56 ln 2
# Coefficients of 6 / r ((e^r + 1) / (e^r - 1) - 2 / r) = 1 + Q1 h + Q2 h^2 + ... with h = r^2 / 2
_Q1 = -0.03333333333333313
_Q2 = 0.0015873015872548146
_Q3 = -7.93650757867488e-5
_Q4 = 4.008217827329362e-6
_Q5 = -2.0109921818362437e-7


@elementwise
def expm1(x):
    """Return e^x - 1, the same bits on every machine, exact to the last place or so for small x too.

    Parameters
    ----------
    x : array_like of float64

    Returns
    -------
    ndarray or scalar of float64
        NaN for NaN, Infinity above 709.78, -1 for -Infinity; 0 and -0 give themselves. Error below 1 ulp.

    Notes
    -----
    fdlibm's method: x = k ln 2 + r as in ``exp``, e^r - 1 by a rational approximation in r^2 that keeps what the reduction rounded away
    (c), then a scaling by 2^k in the form that loses least.

    References
    ----------
    fdlibm, s_expm1.c, (C) 1993 Sun Microsystems, Inc.: "Permission to use, copy, modify, and distribute this software is freely granted,
    provided that this notice is preserved."
    """
    inside = (x > _MINUS_ONE_TO) & (x <= OVERFLOW)
    y = np.where(inside, x, 0.0)
    times = multiples_of_ln2(y)
    k = times.astype(np.int64)
    high = y - times * LN2_HIGH
    low = times * LN2_LOW
    r = high - low
    c = high - r - low
    half = 0.5 * r
    h = r * half
    ratio = 1 + h * (_Q1 + h * (_Q2 + h * (_Q3 + h * (_Q4 + h * _Q5))))
    t = 3 - ratio * half
    q = h * ((ratio - t) / (6 - r * t))
    e = r * (q - c) - c - h
    shrink = power_of_2(-np.clip(k, 0, 56))
    grow = power_of_2(np.clip(k, 0, 56))
    result = np.where(k < 20, (1 - shrink - (e - r)) * grow, (r - (e + shrink) + 1) * grow)
    result = np.where((k <= -2) | (k > 56), times_power_of_2(1 - (e - r), k) - 1, result)
    result = np.where(k == 1, np.where(r < -0.25, -2 * (e - (r + 0.5)), 1 + 2 * (r - e)), result)
    result = np.where(k == -1, 0.5 * (r - e) - 0.5, result)
    result = np.where(k == 0, r - (r * q - h), result)
    result = np.where(np.abs(y) < power_of_2(-54), y, result)
    return np.where(inside, result, np.where(x < 0, -1.0, x + np.inf))
