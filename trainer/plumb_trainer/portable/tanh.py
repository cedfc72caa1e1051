"""The hyperbolic tangent."""

import numpy as np

from .elementwise import elementwise
from .expm1 import expm1
from .words import power_of_2


@elementwise
def tanh(x):
    """Return the hyperbolic tangent, the same bits on every machine.

    Parameters
    ----------
    x : array_like of float64

    Returns
    -------
    ndarray or scalar of float64
        NaN for NaN, 1 and -1 for infinities; 0 and -0 give themselves.

    Notes
    -----
    fdlibm's method: with t = e^(2 abs(x)) - 1 it is 1 - 2 / (t + 2), below 1 with t = e^(-2 abs(x)) - 1 it is -t / (t + 2); 1 from 22 on.

    References
    ----------
    fdlibm, s_tanh.c, (C) 1993 Sun Microsystems, Inc.: "Permission to use, copy, modify, and distribute this software is freely granted,
    provided that this notice is preserved."
    """
    size = np.abs(x)
    t = expm1(np.where(size < 1, -2.0, 2.0) * size)
    y = np.where(size < 1, -t / (t + 2), np.where(size < 22, 1 - 2 / (t + 2), 1.0))
    return np.where(size >= power_of_2(-28), np.where(x < 0, -y, y), x)
