"""x = n pi/2 + r with abs(r) <= pi/4 or just above: what sine and cosine start with."""

import numpy as np

from .words import from_upper_word, power_of_2, upper_word

_INVERSE = 0.6366197723675814  # 2 / pi
# pi/2 in parts of 33 bits, and what is left after each.
_PART1 = 1.5707963267341256
_REST1 = 6.077100506506192e-11
_PART2 = 6.077100506303966e-11
_REST2 = 2.0222662487959506e-21
_PART3 = 2.0222662487111665e-21
_REST3 = 8.4784276603689e-32
_SHIFT = 6755399441055744.0  # added and taken away, it rounds to a whole number, halves to even: 1.5 * 2^52
_LARGE_FROM = from_upper_word(0x413921FB)  # about 2^20 pi/2

# 2/pi, 24 bits each: the digits after the point in base 2^24. Before them zeros, for those places of x that are beyond the point.
_DIGITS = np.array(
    [
        *(0, 0, 0),
        *(0xA2F983, 0x6E4E44, 0x1529FC, 0x2757D1, 0xF534DD, 0xC0DB62, 0x95993C, 0x439041, 0xFE5163, 0xABDEBB, 0xC561B7, 0x246E3A, 0x424DD2),
        *(0xE00649, 0x2EEA09, 0xD1921C, 0xFE1DEB, 0x1CB129, 0xA73EE8, 0x8235F5, 0x2EBB44, 0x84E99C, 0x7026B4, 0x5F7E41, 0x3991D6, 0x398353),
        *(0x39F49C, 0x845F8B, 0xBDF928, 0x3B1FF8, 0x97FFDE, 0x05980F, 0xEF2F11, 0x8B5A0A, 0x6D1F6D, 0x367ECF, 0x27CB09, 0xB74F46, 0x3F669E),
        *(0x5FEA2D, 0x7527BA, 0xC7EBE5, 0xF17B3D, 0x0739F7, 0x8A5292, 0xEA6BFB, 0x5FB11F, 0x8D5D08, 0x560330, 0x46FC7B, 0x6BABF0),
    ],
    dtype=np.float64,
)
_PLACES = 8  # digits of the product after the point
_BASE = power_of_2(24)
_HALF_PI = np.pi / 2
_HALF_PI_REST = 6.123233995736766e-17


def quarter_turns(x):
    """Return n modulo 4, and r as a double and what doesn't fit into it.

    Parameters
    ----------
    x : ndarray of float64, one dimension

    Returns
    -------
    n : ndarray of int64
        From 0 to 3.
    high, low : ndarray of float64
        NaN for NaN and infinities.

    Notes
    -----
    Up to 2^20 pi/2, fdlibm's method [1]_: n pi/2 is taken away in up to three steps of 33 bits, each exact. Beyond it, Payne and Hanek's
    [2]_: x times as many bits of 2/pi as it takes, in whole numbers of 24 bits, of which the multiples of 4 are never formed. No double is
    nearer than about 2^-61 to a multiple of pi/2, so 192 bits after the point leave more than 100 that count.

    References
    ----------
    .. [1] fdlibm, e_rem_pio2.c, (C) 1993 Sun Microsystems, Inc.: "Permission to use, copy, modify, and distribute this software is freely
       granted, provided that this notice is preserved."
    .. [2] M. Payne, R. Hanek, Radian reduction for trigonometric functions, SIGNUM Newsletter 18 (1983).
    """
    size = np.abs(x)
    finite = size < np.inf
    large = finite & (size >= _LARGE_FROM)
    n, high, low = _by_steps(np.where(finite & ~large, x, 0.0))
    if large.any():
        n[large], high[large], low[large] = _by_digits(x[large])
    return n, np.where(finite, high, np.nan), np.where(finite, low, np.nan)


def _exponent(x):
    return (upper_word(x) >> 20) & 0x7FF


def _by_steps(x):
    n = x * _INVERSE + _SHIFT - _SHIFT
    r = x - n * _PART1
    w = n * _REST1
    y = r - w
    # Bits that cancelled are bits that are missing at the end.
    exponent = _exponent(x)
    second = exponent - _exponent(y) > 16
    r2 = r - n * _PART2
    w2 = n * _REST2 - (r - r2 - n * _PART2)
    y2 = r2 - w2
    third = second & (exponent - _exponent(y2) > 49)
    r3 = r2 - n * _PART3
    w3 = n * _REST3 - (r2 - r3 - n * _PART3)
    r = np.where(third, r3, np.where(second, r2, r))
    w = np.where(third, w3, np.where(second, w2, w))
    y = r - w
    return n.astype(np.int64) & 3, y, r - y - w


def _by_digits(x):
    # |x| = t 2^(24 k) with t a whole number below 2^77: four digits of 24 bits.
    k = (_exponent(x) - 1075) // 24
    t = np.abs(x) * power_of_2(-24 * k)
    t0 = np.floor(t / power_of_2(72))
    t = t - t0 * power_of_2(72)
    t1 = np.floor(t / power_of_2(48))
    t = t - t1 * power_of_2(48)
    t2 = np.floor(t / _BASE)
    t3 = t - t2 * _BASE
    product = [None] * (_PLACES + 1)
    carry = 0.0
    for place in range(_PLACES, -1, -1):
        at = k + place + 2  # of the digit of 2/pi that meets t3 in this place
        total = t0 * _DIGITS[at + 3] + t1 * _DIGITS[at + 2] + t2 * _DIGITS[at + 1] + t3 * _DIGITS[at] + carry  # exact: below 2^51
        carry = np.floor(total / _BASE)
        product[place] = total - carry * _BASE
    # A fraction above 1/2 is one turn more, less the complement; that the complement is 2^-192 short is far below the last bit that counts.
    above = product[1] >= _BASE / 2
    n = product[0].astype(np.int64) + above
    fraction = 0.0
    for place in range(_PLACES, 0, -1):
        product[place] = np.where(above, _BASE - 1 - product[place], product[place])
        fraction = fraction + product[place] * power_of_2(-24 * place)
    rest = product[1] * power_of_2(-24) - fraction
    for place in range(2, _PLACES + 1):
        rest = rest + product[place] * power_of_2(-24 * place)
    sign = np.where((x < 0) != above, -1.0, 1.0)
    return (np.where(x < 0, -n, n) & 3, *_times_half_pi(fraction * sign, rest * sign))


def _times_half_pi(a, b):
    """Return (a + b) pi/2 as two doubles, by products of halves of 26 bits, which are exact (Dekker, 1971)."""
    p = a * _HALF_PI
    a_high = _upper_bits(a)
    a_low = a - a_high
    error = a_high * _HALF_PI_HIGH - p + a_high * _HALF_PI_LOW + a_low * _HALF_PI_HIGH + a_low * _HALF_PI_LOW
    rest = error + (a * _HALF_PI_REST + b * _HALF_PI)
    high = p + rest
    return high, p - high + rest


def _upper_bits(x):
    """Return the upper 26 bits of the significand, rounded."""
    scaled = x * 134217729.0  # 2^27 + 1
    return scaled - (scaled - x)


_HALF_PI_HIGH = _upper_bits(_HALF_PI)
_HALF_PI_LOW = _HALF_PI - _HALF_PI_HIGH
