"""Steps that stand for what a library does itself before it computes: codes of a DataFrame's categories, a choice of columns, and the
preprocessings of several members beside each other."""

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.pipeline import FeatureUnion


class CategoryCodes(TransformerMixin, BaseEstimator):
    """Puts the index of a category in its place; a missing value, and by default an unknown one, is NaN. Other columns go through.

    Parameters
    ----------
    categories_ : list of (list or None)
        By column, the categories in order of their codes; None for a column of numbers.
    names : list of str or None
        Of the columns, where the model knows them.
    handle_unknown : {"use_encoded_value", "error"}
        Whether the library takes a category that it has not learnt for missing, or raises on it.
    """

    def __init__(self, categories_, names=None, handle_unknown="use_encoded_value"):
        self.categories_ = categories_
        self.names = names
        self.handle_unknown = handle_unknown
        self.n_features_in_ = len(categories_)
        if names is not None:
            self.feature_names_in_ = np.asarray(names, dtype=object)

    def fit(self, X, y=None):
        """Return itself: what it knows it has of a fitted model."""
        return self

    def transform(self, X):
        """Return the columns, ndarray of shape (n_rows, n_features), dtype=float64."""
        frame = X if isinstance(X, pd.DataFrame) else pd.DataFrame(X)
        columns = [self._coded(frame.iloc[:, index], known) for index, known in enumerate(self.categories_)]
        return np.column_stack(columns)

    def _coded(self, column, known):
        if known is None:
            return column.to_numpy(dtype=np.float64, na_value=np.nan)
        codes = {value: float(code) for code, value in enumerate(known)}
        missing = column.isna().to_numpy()
        values = column.astype(object)
        found = [np.nan if gone else codes.get(value) for value, gone in zip(values, missing, strict=True)]
        if self.handle_unknown == "error" and None in found:
            raise ValueError(f"found unknown categories {sorted({str(v) for v, f in zip(values, found, strict=True) if f is None})[:3]}")
        return np.array([np.nan if code is None else code for code in found])


class ColumnPick(TransformerMixin, BaseEstimator):
    """Hands on some columns, by their indexes: those on which one member of an ensemble was fitted."""

    def __init__(self, indexes):
        self.indexes = indexes

    def fit(self, X, y=None):
        """Return itself."""
        return self

    def transform(self, X):
        """Return the columns."""
        return X.iloc[:, self.indexes] if isinstance(X, pd.DataFrame) else X[:, self.indexes]


class SideBySide(FeatureUnion):
    """Fitted preprocessings of the same rows, whose columns stand side by side as one dense block of float64."""

    def transform(self, X):
        """Return the block, ndarray of shape (n_rows, n_columns)."""
        parts = [step.transform(X) for _, step in self.transformer_list]
        dense = [part.toarray() if hasattr(part, "toarray") else part for part in parts]
        return np.concatenate([np.asarray(part, dtype=np.float64) for part in dense], axis=1)

    @property
    def feature_names_in_(self):
        """The names of the columns, where a step knows them."""
        for _, step in self.transformer_list:
            if hasattr(step, "feature_names_in_"):
                return step.feature_names_in_
        raise AttributeError("no step was fitted on a DataFrame")
