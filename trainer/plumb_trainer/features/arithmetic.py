"""Columns computed from several columns: what each of two steps in a pipeline would otherwise be a lambda for."""

import numpy as np

from plumb_trainer.features.base import FeatureTransformer, columns_of, finite_or_missing


class _FirstAndOthers(FeatureTransformer):
    """The first column, put together with each of the others."""

    def _learn(self, X):
        if X.shape[1] < 2:
            raise ValueError(f"{type(self).__name__}: expected two or more columns, got n_features = {X.shape[1]}")

    def _compute(self, X):
        first = X[:, 0]
        return columns_of([finite_or_missing(self._pair(first, X[:, index])) for index in range(1, X.shape[1])], len(X))

    def _names(self, names):
        return [f"{names[0]}_{self._word}_{name}" for name in names[1:]]


class Ratio(_FirstAndOthers):
    """The first column divided by each of the others.

    Notes
    -----
    ``x / y`` in float64. Where y is 0, or the quotient is too large for a float64, the ratio is missing: NaN, which tree models read
    as such and an imputer can fill. NaN gives NaN. Served by ``ratio``.

    Examples
    --------
    >>> from plumb_trainer.features import Ratio
    >>> Ratio().fit_transform([[6.0, 3.0, 4.0], [1.0, 0.0, 2.0]])
    array([[2. , 1.5],
           [nan, 0.5]])
    """

    _word = "per"

    @staticmethod
    def _pair(x, y):
        return x / y


class Difference(_FirstAndOthers):
    """Each of the other columns taken from the first.

    Notes
    -----
    ``x - y`` in float64; a difference that is too large for a float64 is missing. NaN gives NaN. Served by ``difference``.

    Examples
    --------
    >>> from plumb_trainer.features import Difference
    >>> Difference().fit_transform([[6.0, 3.0, 4.0], [1.0, 0.5, 2.0]])
    array([[ 3. ,  2. ],
           [ 0.5, -1. ]])
    """

    _word = "minus"

    @staticmethod
    def _pair(x, y):
        return x - y


class Product(FeatureTransformer):
    """All columns multiplied into one.

    Notes
    -----
    From the left, ``(a * b) * c``, in float64; a product that is too large for a float64 is missing. NaN gives NaN. Served by ``product``.

    Examples
    --------
    >>> from plumb_trainer.features import Product
    >>> Product().fit_transform([[6.0, 3.0, 0.5], [1.0, 0.5, 2.0]])
    array([[9.],
           [1.]])
    """

    def _compute(self, X):
        product = X[:, 0]
        for index in range(1, X.shape[1]):
            product = product * X[:, index]
        return np.reshape(finite_or_missing(product), (-1, 1))

    def _names(self, names):
        return ["_times_".join(names)]
