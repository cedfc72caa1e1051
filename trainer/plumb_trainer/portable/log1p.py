"""The natural logarithm of 1 + x."""

import numpy as np

from .elementwise import elementwise
from .log import L1, L2, L3, L4, L5, L6, L7, LN2_HIGH, LN2_LOW
from .words import from_upper_word, power_of_2, upper_word, with_upper_word

# Between these, f = x itself, and nothing is lost: about sqrt(1/2) - 1 and sqrt(2) - 1. fdlibm compares upper words.
_DIRECT_ABOVE = -from_upper_word(0x3FD2BEC5)
_DIRECT_BELOW = from_upper_word(0x3FDA827A)


@elementwise
def log1p(x):
    """Return ln(1 + x), the same bits on every machine, exact to the last place or so for small x too.

    Parameters
    ----------
    x : array_like of float64

    Returns
    -------
    ndarray or scalar of float64
        NaN below -1 and for NaN, -Infinity at -1; 0 and -0 give themselves. Error below 1 ulp.

    Notes
    -----
    fdlibm's method: u = 1 + x rounded, ln u as in ``log``, and c = (1 + x - u) / u added for what the rounding lost.

    References
    ----------
    fdlibm, s_log1p.c, (C) 1993 Sun Microsystems, Inc.: "Permission to use, copy, modify, and distribute this software is freely granted,
    provided that this notice is preserved."
    """
    inside = (x > -1) & (x < np.inf)
    y = np.where(inside, x, 0.0)
    direct = (y > _DIRECT_ABOVE) & (y < _DIRECT_BELOW)
    lossy = y < power_of_2(53)
    u = np.where(lossy, 1 + y, y)
    # Whichever is the smaller of 1 and x is what the rounding cut.
    c = np.where(u >= 2, 1 - (u - y), y - (u - 1)) / u
    c = np.where(direct | ~lossy, 0.0, c)
    upper = upper_word(u)
    fraction = upper & 0xFFFFF
    below_root = fraction < 0x6A09E
    k = np.where(direct, 0, (upper >> 20) - np.where(below_root, 1023, 1022))
    f = np.where(direct, y, with_upper_word(u, fraction | np.where(below_root, 0x3FF00000, 0x3FE00000)) - 1)
    near_one = ~direct & np.where(below_root, fraction == 0, 0x100000 - fraction < 4)  # |f| < 2^-20
    high = k * LN2_HIGH
    low = k * LN2_LOW + c
    square = 0.5 * f * f
    by_square = high - (square * (1 - 0.6666666666666666 * f) - low - f)
    s = f / (2 + f)
    z = s * s
    remainder = z * (L1 + z * (L2 + z * (L3 + z * (L4 + z * (L5 + z * (L6 + z * L7))))))
    result = high - (square - (s * (square + remainder) + low) - f)
    result = np.where(near_one, np.where(f == 0, high + low, by_square), result)
    result = np.where(np.abs(y) < power_of_2(-29), y - y * y * 0.5, result)
    return np.where(inside, result, np.where(x == -1, -np.inf, np.where(x > -1, x, np.nan)))
