"""The bits of doubles: their two 32-bit words, powers of two, and products with them."""

import numpy as np

LOWER_WORD = 0xFFFFFFFF


def upper_word(x):
    """Return the upper words, signed: below 0 exactly where the sign bit is set."""
    return x.view(np.int64) >> 32


def with_upper_word(x, upper):
    """Return `x` with other upper words."""
    return ((upper << 32) | (x.view(np.int64) & LOWER_WORD)).view(np.float64)


def from_upper_word(upper):
    """Return the doubles, or the one double, whose lower word is 0."""
    return (np.asarray(upper, dtype=np.int64) << 32).view(np.float64)


def upper_half(x):
    """Return `x` cut to the upper 21 bits of the significand, so that a product of two such numbers is exact."""
    return (x.view(np.int64) & ~LOWER_WORD).view(np.float64)


def power_of_2(k):
    """Return 2 to whole numbers from -1022 to 1023."""
    return (np.asarray(k, dtype=np.int64) + 1023 << 52).view(np.float64)


def times_power_of_2(y, k):
    """Return y 2^k, rounded only where the product is subnormal.

    Parameters
    ----------
    y : ndarray of float64
        Between 1/2 and 2.
    k : ndarray of int64
        Between -2022 and 1024.
    """
    huge, small = k == 1024, k < -1021
    doubled = np.where(huge, y * 2, y)
    product = doubled * power_of_2(np.where(huge, 1023, np.where(small, k + 1000, k)))
    return np.where(small, product * power_of_2(-1000), product)
