"""What every transformer here is made of: how columns are read, checked and named."""

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import _check_feature_names_in, check_is_fitted

from plumb_trainer.libraries import validate_data


class FeatureTransformer(TransformerMixin, BaseEstimator):
    """A transformer whose every row depends on that row alone: `_learn` sees the training data, `_compute` makes the columns.

    A subclass says in `_names` what the columns are called. Attributes that end in an underscore are what serving needs.
    """

    _dtype = np.float64

    def fit(self, X, y=None):
        """Check the parameters against the data, and learn what there is to learn.

        Parameters
        ----------
        X : DataFrame or array_like of shape (n_rows, n_features)
        y : None
            Ignored.

        Returns
        -------
        self
        """
        self._learn(self._read(X, reset=True))
        return self

    def transform(self, X):
        """Return the new columns.

        Parameters
        ----------
        X : DataFrame or array_like of shape (n_rows, n_features)

        Returns
        -------
        ndarray of shape (n_rows, n_new)
        """
        check_is_fitted(self)
        with np.errstate(all="ignore"):
            return self._compute(self._read(X, reset=False))

    def get_feature_names_out(self, input_features=None):
        """Return the names of the new columns.

        Parameters
        ----------
        input_features : array_like of str, default=None
            Names of the columns that come in, where the data had none.

        Returns
        -------
        ndarray of str, dtype=object
        """
        check_is_fitted(self)
        return np.asarray(self._names(list(_check_feature_names_in(self, input_features))), dtype=object)

    def _read(self, X, reset):
        return validate_data(self, X, dtype=self._dtype, ensure_all_finite="allow-nan", reset=reset)

    def _learn(self, X):
        pass

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        return tags


class TextTransformer(FeatureTransformer):
    """A transformer of text columns, cell by cell: a missing text gives missing numbers."""

    _dtype = object

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.string = True
        return tags

    def _texts(self, X):
        """Return the columns as lists of str and None."""
        return [[self._text(value, index) for value in X[:, index]] for index in range(X.shape[1])]

    def _text(self, value, index):
        if is_missing(value):
            return None
        if isinstance(value, str):
            return value
        raise ValueError(f"{type(self).__name__}: column {index} holds {value!r}, where a text is expected")


def is_missing(value):
    """Tell whether a cell is missing: None, NaN or pandas' NA, which a served row says as null."""
    return value is None or value is pd.NA or value is pd.NaT or (isinstance(value, float | np.floating) and bool(np.isnan(value)))


def finite_or_missing(values):
    """Return an array with NaN where a result isn't finite: a division by zero, or a number beyond float64."""
    return np.where(np.isfinite(values), values, np.nan)


def columns_of(arrays, rows):
    """Return arrays side by side, of shape (rows, number of arrays)."""
    return np.column_stack(arrays) if arrays else np.empty((rows, 0))


def one_per_column(value, columns, name):
    """Return a parameter as one value for each column: given as such a list, or as one value for all."""
    values = np.asarray(value, dtype=np.float64)
    if values.ndim == 0:
        return np.full(columns, float(values))
    if values.shape != (columns,):
        raise ValueError(f"{name}: expected a number, or a list of {columns}, one per column, got {value!r}")
    return values
