"""Columns cut to limits, and put into buckets between given edges."""

import numpy as np

from plumb_trainer.features.base import FeatureTransformer, columns_of, one_per_column


class Clip(FeatureTransformer):
    """Values cut to a range.

    Parameters
    ----------
    lower, upper : float or array_like of shape (n_features,), default=None
        The limits of every column, or of each; None for no limit.

    Attributes
    ----------
    lower_, upper_ : ndarray of shape (n_features,)
        The limits of each column; infinite where there is none.

    Notes
    -----
    ``lower`` where ``x < lower``, ``upper`` where ``x > upper``, else x as it is. NaN stays NaN. Served by ``clip``.

    Examples
    --------
    >>> from plumb_trainer.features import Clip
    >>> Clip(lower=0, upper=[5, 10]).fit_transform([[-1.0, 4.0], [7.0, 12.0]])
    array([[ 0.,  4.],
           [ 5., 10.]])
    """

    def __init__(self, lower=None, upper=None):
        self.lower = lower
        self.upper = upper

    def _learn(self, X):
        self.lower_ = one_per_column(-np.inf if self.lower is None else self.lower, X.shape[1], "lower")
        self.upper_ = one_per_column(np.inf if self.upper is None else self.upper, X.shape[1], "upper")
        if not np.all(self.lower_ <= self.upper_):
            raise ValueError("Clip: expected no lower limit above the upper one")

    def _compute(self, X):
        return np.where(X < self.lower_, self.lower_, np.where(X > self.upper_, self.upper_, X))

    def _names(self, names):
        return names


class Buckets(FeatureTransformer):
    """The number of the bucket that a value is in: 0 below the first edge, 1 from there to the second, and so on.

    Parameters
    ----------
    edges : array_like of float, or list of n_features of them
        Ascending; for every column, or for each.
    right : bool, default=False
        Whether an edge belongs to the bucket below it, rather than to the one above.

    Attributes
    ----------
    edges_ : list of ndarray
        The edges of each column.

    Notes
    -----
    As ``numpy.digitize``, but NaN stays NaN, in no bucket. Served by ``buckets``.

    Examples
    --------
    >>> from plumb_trainer.features import Buckets
    >>> Buckets([0, 10]).fit_transform([[-3.0], [0.0], [25.0]]).ravel()
    array([0., 1., 2.])
    """

    def __init__(self, edges, *, right=False):
        self.edges = edges
        self.right = right

    def _learn(self, X):
        nested = len(self.edges) > 0 and np.ndim(self.edges[0]) > 0
        lists = self.edges if nested else [self.edges] * X.shape[1]
        if len(lists) != X.shape[1]:
            raise ValueError(f"Buckets: expected edges, or {X.shape[1]} lists of edges, one per column, got {len(lists)}")
        self.edges_ = [np.array(edges, dtype=np.float64) for edges in lists]
        for edges in self.edges_:
            if not (len(edges) > 0 and np.all(np.isfinite(edges)) and np.all(np.diff(edges) > 0)):
                raise ValueError(f"Buckets: expected at least one finite edge, each above the one before, got {edges.tolist()}")

    def _compute(self, X):
        side = "left" if self.right else "right"
        found = [np.searchsorted(edges, X[:, index], side=side) for index, edges in enumerate(self.edges_)]
        return np.where(np.isnan(X), np.nan, columns_of(found, len(X)))

    def _names(self, names):
        return [f"{name}_bucket" for name in names]
