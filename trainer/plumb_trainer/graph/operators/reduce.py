"""Operators that make few columns of many.

scikit-learn leaves these sums to a library of linear algebra, which adds up in another order on every kind of processor, and for every
number of rows. Served is one order, that of the columns; each operator has a twin here that computes what is served.
"""

import numpy as np
from sklearn.decomposition import PCA, TruncatedSVD
from sklearn.utils.validation import check_is_fitted

from plumb_trainer.graph.operators.core import Operator
from plumb_trainer.libraries import validate_data
from plumb_trainer.numbers.json_form import number_forms


class ServedPCA(PCA):
    """A PCA whose sums go from the first column to the last."""

    def transform(self, X):
        """Return the components of rows, ndarray of shape (n_rows, n_components)."""
        check_is_fitted(self)
        values = projected(_dense(self, X), self.components_) - projected(self.mean_.reshape(1, -1), self.components_)
        return values / np.maximum(np.sqrt(self.explained_variance_), np.finfo(np.float64).eps) if self.whiten else values


class ServedTruncatedSVD(TruncatedSVD):
    """A TruncatedSVD whose sums go from the first column to the last."""

    def transform(self, X):
        """Return the components of rows, ndarray of shape (n_rows, n_components)."""
        check_is_fitted(self)
        return projected(_dense(self, X), self.components_)


def projected(X, components):
    """Return the weighted sums of each row, in order of its columns, beginning with 0."""
    sums = np.zeros((len(X), len(components)))
    for index in range(X.shape[1]):
        sums += X[:, index : index + 1] * components[:, index]
    return sums


def _dense(transformer, X):
    X = validate_data(transformer, X, dtype=np.float64, accept_sparse=("csr", "csc"), reset=False)
    return X.toarray() if hasattr(X, "toarray") else X


def _component_lists(transformer):
    return [number_forms(component) for component in transformer.components_]


def _pca_params(pca):
    return {
        "components": _component_lists(pca),
        "mean": number_forms(pca.mean_),
        "explained_variance": number_forms(pca.explained_variance_) if pca.whiten else None,
    }


def _component_count(transformer):
    return len(transformer.components_)


OPERATORS = {
    PCA: Operator("pca", _pca_params, _component_count, takes_sparse=True, tier="C", served=lambda _: ServedPCA),
    TruncatedSVD: Operator(
        "truncated_svd",
        lambda svd: {"components": _component_lists(svd)},
        _component_count,
        takes_sparse=True,
        tier="C",
        served=lambda _: ServedTruncatedSVD,
    ),
}
