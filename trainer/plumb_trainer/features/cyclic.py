"""Hours, weekdays, angles: values that begin again, as places on a circle."""

import math

import numpy as np

from plumb_trainer import portable
from plumb_trainer.features.base import FeatureTransformer, columns_of


class Cyclic(FeatureTransformer):
    """The sine and the cosine of each column, so that the end of a period is next to its beginning.

    Parameters
    ----------
    period : float
        The length of one round in the column's own unit: 24 for hours, 7 for weekdays, 360 for degrees.

    Notes
    -----
    ``turns = x / period``, ``angle = (turns - floor(turns)) * 2 pi``, then the portable sine and cosine of the angle, which have the same
    bits on every machine. NaN gives NaN twice. Served by ``cyclic``.

    Examples
    --------
    >>> from plumb_trainer.features import Cyclic
    >>> Cyclic(period=24).fit_transform([[0.0], [6.0], [18.0]]).round(6)
    array([[ 0.,  1.],
           [ 1.,  0.],
           [-1., -0.]])
    """

    def __init__(self, period):
        self.period = period

    def _learn(self, X):
        if not (isinstance(self.period, int | float) and math.isfinite(self.period) and self.period > 0):
            raise ValueError(f"Cyclic: expected a finite period above 0, got {self.period!r}")

    def _compute(self, X):
        turns = X / self.period
        angles = (turns - np.floor(turns)) * (2 * math.pi)
        return columns_of([of(angles[:, index]) for index in range(X.shape[1]) for of in (portable.sin, portable.cos)], len(X))

    def _names(self, names):
        return [f"{name}_{part}" for name in names for part in ("sin", "cos")]
