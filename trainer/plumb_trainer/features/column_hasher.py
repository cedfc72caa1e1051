"""Columns by their hashes: scikit-learn's FeatureHasher for what a row can hold."""

import pandas as pd
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.feature_extraction import FeatureHasher
from sklearn.utils.validation import check_is_fitted

from plumb_trainer.libraries import validate_data


class ColumnHasher(TransformerMixin, BaseEstimator):
    """Hash the columns of a DataFrame, as FeatureHasher hashes ``X.to_dict("records")``.

    A number counts for its column's name, and a text as 1 for ``name=text``. FeatureHasher itself reads dicts or lists, which no feature
    of a row is, and so can't be served.

    Parameters
    ----------
    n_features : int, default=1024
        Columns that come out.
    alternate_sign : bool, default=True
        As FeatureHasher's.

    Raises
    ------
    ValueError
        By `transform`, for a missing value or an infinity.

    Examples
    --------
    >>> from plumb_trainer.features import ColumnHasher
    >>> frame = pd.DataFrame({"city": ["Oslo", "Rome"], "guests": [2, 3]})
    >>> ColumnHasher(4, alternate_sign=False).fit_transform(frame).toarray()
    array([[2., 1., 0., 0.],
           [3., 0., 0., 1.]])
    """

    def __init__(self, n_features=1024, *, alternate_sign=True):
        self.n_features = n_features
        self.alternate_sign = alternate_sign

    def fit(self, X, y=None):
        """Remember the columns' names."""
        validate_data(self, X, skip_check_array=True)
        if not hasattr(self, "feature_names_in_"):
            raise ValueError("ColumnHasher hashes the names of columns: expected a DataFrame")
        return self

    def transform(self, X):
        """Return a sparse matrix of shape (n_rows, n_features)."""
        check_is_fitted(self)
        validate_data(self, X, reset=False, skip_check_array=True)
        for name in self.feature_names_in_:
            is_text = X[name].map(lambda value: isinstance(value, str))
            if not pd.to_numeric(X[name][~is_text]).abs().lt(float("inf")).all():
                raise ValueError(f'column "{name}": expected texts or finite numbers')
        hasher = FeatureHasher(self.n_features, alternate_sign=self.alternate_sign)
        return hasher.transform(X[list(self.feature_names_in_)].astype(object).to_dict("records"))
