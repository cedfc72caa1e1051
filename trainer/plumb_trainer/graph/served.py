"""A fitted preprocessing as it is served: steps on the portable mathematics, and sums in the order that the format states.

Most steps are served with scikit-learn's own bits. Where NumPy's mathematics or a library of linear algebra gives a machine's bits,
what is served is a definition of our own (tiers B and C of ``docs/preprocessing.md``). The features of golden rows, and those that a
proof compares, are computed with the twin that `served_twin` returns; `served_deviation` says how far that is from scikit-learn.
"""

import copy
import warnings

import numpy as np
from scipy import sparse
from sklearn.compose import ColumnTransformer
from sklearn.pipeline import FeatureUnion, Pipeline
from sklearn.preprocessing import Normalizer

from plumb_trainer.graph.operators import OPERATORS
from plumb_trainer.numbers.ulp import ulp_distances


def served_twin(preprocessing):
    """Return a fitted transformer that computes what is served.

    Parameters
    ----------
    preprocessing : fitted transformer

    Returns
    -------
    transformer
        The same object where scikit-learn's own bits are served; else a copy that shares what was learnt.
    """
    if isinstance(preprocessing, ColumnTransformer):
        return _with_steps(preprocessing, "transformers_", 1)
    if isinstance(preprocessing, FeatureUnion):
        return _with_steps(preprocessing, "transformer_list", 1)
    if isinstance(preprocessing, Pipeline):
        return _with_steps(preprocessing, "steps", 1)
    operator = OPERATORS.get(type(preprocessing))
    kind = operator and operator.served(preprocessing)
    if kind is None:
        return preprocessing
    twin = copy.copy(preprocessing)
    twin.__class__ = kind
    return twin


def row_major(preprocessing):
    """Return a fitted transformer that gives each row among others the bits that it has by itself.

    A DataFrame lies in memory column by column, but one row of it in one piece, and NumPy adds up a norm in the order of memory.
    """
    if isinstance(preprocessing, ColumnTransformer):
        return _with_steps(preprocessing, "transformers_", 1, row_major)
    if isinstance(preprocessing, FeatureUnion):
        return _with_steps(preprocessing, "transformer_list", 1, row_major)
    if isinstance(preprocessing, Pipeline):
        return _with_steps(preprocessing, "steps", 1, row_major)
    if type(preprocessing) is not Normalizer:
        return preprocessing
    twin = copy.copy(preprocessing)
    twin.__class__ = _RowMajorNormalizer
    return twin


class _RowMajorNormalizer(Normalizer):
    """A Normalizer that reads its rows in one piece each."""

    def transform(self, X, copy=None):
        """Return the rows, each divided by its norm."""
        if sparse.issparse(X):
            return super().transform(X, copy)
        return super().transform(np.ascontiguousarray(np.asarray(X), dtype=np.float64), copy)


def _with_steps(holder, attribute, place, twin_of=None):
    """Return a copy of a transformer whose list of tuples holds the twins of its steps; itself where each is its own."""
    entries = getattr(holder, attribute)
    twin_of = twin_of or served_twin
    twins = [(*entry[:place], twin_of(entry[place]), *entry[place + 1 :]) for entry in entries]
    if all(twin[place] is entry[place] for twin, entry in zip(twins, entries, strict=True)):
        return holder
    made = copy.copy(holder)
    setattr(made, attribute, twins)
    return made


def served_deviation(preprocessing, data):
    """Return how far the served features are from scikit-learn's, in units in the last place.

    Parameters
    ----------
    preprocessing : fitted transformer
    data : DataFrame
        Rows that it takes.

    Returns
    -------
    ndarray of shape (n_columns,), dtype=float64
        The worst of each column; infinite where one of both is NaN. All 0 without a step of tier B or C.
    """
    twin = served_twin(preprocessing)
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        ours, theirs = (_dense(transformer.transform(data)) for transformer in (twin, preprocessing))
    return ulp_distances(ours, theirs).max(axis=0, initial=0)


def _dense(values):
    return np.asarray(values.toarray() if hasattr(values, "toarray") else values, dtype=np.float64)
