"""Sine and cosine of r = x + y for abs(r) <= pi/4 or just above, y being what doesn't fit into x any more.

References
----------
fdlibm, k_sin.c and k_cos.c, (C) 1993 Sun Microsystems, Inc.: "Permission to use, copy, modify, and distribute this software is freely
granted, provided that this notice is preserved." Error of the polynomials below 2^-58.
"""

import numpy as np

from .words import from_upper_word, power_of_2, upper_word

_TINY = power_of_2(-27)
_S1 = -0.16666666666666632
_S2 = 0.00833333333332249
_S3 = -0.0001984126982985795
_S4 = 2.7557313707070068e-6
_S5 = -2.5050760253406863e-8
_S6 = 1.58969099521155e-10

_C1 = 0.0416666666666666
_C2 = -0.001388888888887411
_C3 = 2.480158728947673e-5
_C4 = -2.7557314351390663e-7
_C5 = 2.087572321298175e-9
_C6 = -1.1359647557788195e-11
# fdlibm compares upper words.
_QUARTER_FROM = from_upper_word(0x3FD33333)  # about 0.3
_FIXED_FROM = from_upper_word(0x3FE90001)  # about 25/32
REDUCE_FROM = from_upper_word(0x3FE921FC)  # about pi/4: below it, y is 0


def sin_kernel(x, y, short):
    """Return sin(x + y) = x + S1 x^3 + S2 x^5 + ... + y cos x; where `short`, y is known to be 0 and a shorter sum is rounded otherwise."""
    z = x * x
    v = z * x
    r = _S2 + z * (_S3 + z * (_S4 + z * (_S5 + z * _S6)))
    result = np.where(short, x + v * (_S1 + z * r), x - (z * (0.5 * y - v * r) - y - v * _S1))
    return np.where(np.abs(x) < _TINY, x, result)


def cos_kernel(x, y):
    """Return cos(x + y) = 1 - x^2 / 2 + C1 x^4 + C2 x^6 + ... - y sin x.

    From 0.3 on, a part q of about abs(x) / 4 is taken from both 1 and x^2 / 2, exactly.
    """
    size = np.abs(x)
    z = x * x
    r = z * (_C1 + z * (_C2 + z * (_C3 + z * (_C4 + z * (_C5 + z * _C6)))))
    whole = 1 - (0.5 * z - (z * r - x * y))
    q = np.where(size < _FIXED_FROM, from_upper_word(upper_word(size) - 0x200000), 0.28125)
    parted = 1 - q - (0.5 * z - q - (z * r - x * y))
    return np.where(size < _TINY, 1.0, np.where(size < _QUARTER_FROM, whole, parted))
