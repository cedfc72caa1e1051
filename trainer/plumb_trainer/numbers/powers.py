"""Power transforms on the portable mathematics, in the order of SciPy's operations: the twins of ``preprocessing/yeo-johnson.ts`` and
``preprocessing/box-cox.ts``.
"""

import numpy as np

from plumb_trainer import portable


def yeo_johnson(x, lambda_):
    """Return Yeo and Johnson's transform of a column. May be infinite."""
    epsilon = np.finfo(np.float64).eps
    size = portable.log1p(np.abs(x))
    above = size if abs(lambda_) < epsilon else portable.expm1(lambda_ * size) / lambda_
    below = -size if abs(lambda_ - 2) <= epsilon else -portable.expm1((2 - lambda_) * size) / (2 - lambda_)
    return np.where(x >= 0, above, below)


def box_cox(x, lambda_):
    """Return Box and Cox's transform of a column. May be infinite."""
    size = portable.log(x)
    if abs(lambda_) < 1e-19:
        return size
    exponent = lambda_ * size
    # Where the power itself is too large, the power divided by lambda need not be.
    large = np.copysign(1.0, lambda_) * portable.exp(exponent - portable.log(abs(lambda_))) - 1 / lambda_
    return np.where(exponent < 709.78, portable.expm1(exponent) / lambda_, np.where(np.isnan(exponent), np.nan, large))
