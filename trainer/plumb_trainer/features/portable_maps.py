"""Logarithms and power transforms with the same bits on every machine, in training and in serving."""

import numpy as np
from sklearn.preprocessing import PowerTransformer, StandardScaler

from plumb_trainer import portable
from plumb_trainer.features.base import FeatureTransformer, columns_of, finite_or_missing
from plumb_trainer.numbers.powers import yeo_johnson


class PortableLog(FeatureTransformer):
    """The logarithm of each column.

    Parameters
    ----------
    function : {"log1p", "log"}, default="log1p"
        ``log(1 + x)``, or ``log(x)``.

    Notes
    -----
    NumPy's logarithms have other last bits on other processors; this one is ``plumb_trainer.portable``'s. Where there is no finite
    logarithm (x at or below -1, or 0) the result is missing: NaN. Served by ``portable_log``.

    Examples
    --------
    >>> from plumb_trainer.features import PortableLog
    >>> PortableLog().fit_transform([[0.0], [1.0], [-1.0]]).ravel()
    array([0.        , 0.69314718,        nan])
    """

    def __init__(self, function="log1p"):
        self.function = function

    def _learn(self, X):
        if self.function not in ("log1p", "log"):
            raise ValueError(f'PortableLog: expected function "log1p" or "log", got {self.function!r}')

    def _compute(self, X):
        return finite_or_missing({"log1p": portable.log1p, "log": portable.log}[self.function](X))

    def _names(self, names):
        return [f"{name}_{self.function}" for name in names]


class PortableYeoJohnson(FeatureTransformer):
    """Yeo and Johnson's power transform, which makes skewed columns more like a normal distribution.

    Parameters
    ----------
    standardize : bool, default=True
        Whether the transformed columns get mean 0 and variance 1.

    Attributes
    ----------
    lambdas_ : ndarray of shape (n_features,)
        The powers, by scikit-learn's maximum likelihood.
    mean_, scale_ : ndarray of shape (n_features,), or None
        Of the transformed training data, with `standardize`.

    Notes
    -----
    The power is found as ``PowerTransformer`` finds it; what it is applied with is ``plumb_trainer.portable``, in training and in serving,
    where scikit-learn's own has other last bits on other processors. NaN stays NaN. Served by ``portable_yeo_johnson``.

    References
    ----------
    I.K. Yeo and R.A. Johnson, "A new family of power transformations to improve normality or symmetry", Biometrika 87 (2000).

    Examples
    --------
    >>> from plumb_trainer.features import PortableYeoJohnson
    >>> PortableYeoJohnson().fit_transform([[1.0], [2.0], [4.0], [9.0]]).round(3).ravel()
    array([-1.303, -0.482,  0.403,  1.381])
    """

    def __init__(self, standardize=True):
        self.standardize = standardize

    def _learn(self, X):
        fitted = PowerTransformer(method="yeo-johnson", standardize=False).fit(X)
        self.lambdas_ = fitted.lambdas_
        self.mean_ = self.scale_ = None
        if self.standardize:
            with np.errstate(all="ignore"):
                scaler = StandardScaler().fit(self._powers(X))
            self.mean_, self.scale_ = scaler.mean_, scaler.scale_

    def _compute(self, X):
        powers = self._powers(X)
        return (powers - self.mean_) / self.scale_ if self.standardize else powers

    def _names(self, names):
        return names

    def _powers(self, X):
        return columns_of([finite_or_missing(yeo_johnson(X[:, index], power)) for index, power in enumerate(self.lambdas_)], len(X))
