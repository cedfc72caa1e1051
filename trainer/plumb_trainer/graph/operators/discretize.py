"""Operators that put numbers into bins."""

import numpy as np
from sklearn.preprocessing import Binarizer, KBinsDiscretizer

from plumb_trainer.graph.operators.core import Operator, feature_count
from plumb_trainer.numbers.json_form import number_form, number_forms


def _k_bins_params(discretizer):
    if discretizer.dtype is not None and np.dtype(discretizer.dtype) == np.float32:
        raise ValueError("dtype=float32 rounds numbers before it compares them; set dtype=float64 or None")
    # A sparse result differs from a dense one only in how it is held.
    encode = "ordinal" if discretizer.encode == "ordinal" else "onehot-dense"
    return {"bin_edges": [number_forms(edges) for edges in discretizer.bin_edges_], "encode": encode}


def _k_bins_width(discretizer):
    return feature_count(discretizer) if discretizer.encode == "ordinal" else int(discretizer.n_bins_.sum())


OPERATORS = {
    Binarizer: Operator("binarizer", lambda binarizer: {"threshold": number_form(binarizer.threshold)}, feature_count),
    KBinsDiscretizer: Operator(
        "k_bins_discretizer",
        _k_bins_params,
        _k_bins_width,
        sparse=lambda discretizer: "ones" if discretizer.encode == "onehot" else None,
    ),
}
