"""The cosine."""

import numpy as np

from .elementwise import elementwise
from .quarter_turns import quarter_turns
from .sin_kernel import REDUCE_FROM, cos_kernel, sin_kernel


@elementwise
def cos(x):
    """Return cos x, x in radians, the same bits on every machine, for every double.

    Parameters
    ----------
    x : array_like of float64

    Returns
    -------
    ndarray or scalar of float64
        NaN for NaN and infinities. Error below 1 ulp.

    References
    ----------
    fdlibm, s_cos.c, (C) 1993 Sun Microsystems, Inc.: "Permission to use, copy, modify, and distribute this software is freely granted,
    provided that this notice is preserved."
    """
    direct = np.abs(x) < REDUCE_FROM
    n, high, low = quarter_turns(np.where(direct, 0.0, x))
    high = np.where(direct, x, high)
    y = np.where(n % 2 == 0, cos_kernel(high, low), sin_kernel(high, low, False))
    return np.where((n == 1) | (n == 2), -y, y)
