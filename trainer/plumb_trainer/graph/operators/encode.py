"""Operators that turn categories into numbers."""

import numpy as np
from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder, TargetEncoder

from plumb_trainer.graph.operators.core import Operator, category_form, category_lists, feature_count, learnt_missing
from plumb_trainer.numbers.json_form import number_form, number_forms


def _infrequent_params(encoder):
    if encoder.min_frequency is None and encoder.max_categories is None:
        return {}
    return {"infrequent_categories": category_lists(encoder.infrequent_categories_)}


def _one_hot_encoder_params(encoder):
    params = {
        "categories": category_lists(encoder.categories_),
        "handle_unknown": "infrequent_if_exist" if encoder.handle_unknown == "warn" else encoder.handle_unknown,
    }
    if encoder.drop_idx_ is not None:
        params["drop_idx"] = [None if index is None else int(index) for index in encoder.drop_idx_]
    return params | _infrequent_params(encoder)


def _ordinal_encoder_params(encoder):
    params = {"categories": category_lists(encoder.categories_), "handle_unknown": encoder.handle_unknown}
    if encoder.handle_unknown == "use_encoded_value":
        params["unknown_value"] = number_form(encoder.unknown_value)
    if any(category_form(value) is None for values in encoder.categories_ for value in values):
        # A category of NaN gets the code for missing values; one of None keeps its own index, which null says.
        code = number_form(np.dtype(encoder.dtype).type(encoder.encoded_missing_value))
        params["encoded_missing_value"] = [None if any(value is None for value in values) else code for values in encoder.categories_]
    return params | _infrequent_params(encoder)


def _target_encoder_params(encoder):
    return {
        "categories": category_lists(encoder.categories_),
        "encodings": [number_forms(values) for values in encoder.encodings_],
        "target_mean": number_forms(np.atleast_1d(encoder.target_mean_)),
    }


OPERATORS = {
    OneHotEncoder: Operator(
        "one_hot_encoder",
        _one_hot_encoder_params,
        lambda encoder: len(encoder.get_feature_names_out()),
        takes_missing=learnt_missing,
        sparse=lambda encoder: "ones" if encoder.sparse_output else None,
    ),
    OrdinalEncoder: Operator("ordinal_encoder", _ordinal_encoder_params, feature_count, takes_missing=learnt_missing),
    # A missing value that it has not seen gets the target's mean, as it does in training's own data.
    TargetEncoder: Operator(
        "target_encoder", _target_encoder_params, lambda encoder: len(encoder.encodings_), takes_missing=lambda *_: True
    ),
}
