"""The logarithm to base 2 as a sum of two doubles: what powers, and logarithms to other bases, start with."""

import numpy as np

from .words import from_upper_word, power_of_2, upper_half, upper_word, with_upper_word

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
_THIRDS = 0.9617966939259756  # 2 / (3 ln 2)
_THIRDS_HIGH = 0.9617967009544373
_THIRDS_LOW = -7.028461650952758e-9


def split_log2(size):
    """Return log2 of finite numbers above 0 as an upper half and the rest, together more than 70 bits.

    Parameters
    ----------
    size : ndarray of float64

    Returns
    -------
    high, low : ndarray of float64

    Notes
    -----
    fdlibm's method: x is scaled to be next to b, 1 or 1.5, and the series of (x - b) / (x + b) is summed in parts whose products are exact.

    References
    ----------
    fdlibm, e_pow.c, (C) 2004 Sun Microsystems, Inc.: "Permission to use, copy, modify, and distribute this software is freely granted,
    provided that this notice is preserved."
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
