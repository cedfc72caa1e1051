"""The graph's operators that scikit-learn's transformers become, and the parameters that each reads.

Parameters carry scikit-learn's attribute names without the trailing underscore; `docs/preprocessing.md` is the reference.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from sklearn.impute import SimpleImputer
from sklearn.preprocessing import MinMaxScaler, OneHotEncoder, OrdinalEncoder, StandardScaler

from plumb_trainer.json_form import number_form, number_forms


@dataclass(frozen=True)
class Operator:
    """How a fitted transformer is written: `params` raises ValueError, with a reason, for what has no form."""

    name: str
    params: Callable
    width: Callable
    keeps_text: bool = False


def is_nan(value):
    """Tell whether a value of any type is NaN."""
    return isinstance(value, float | np.floating) and math.isnan(value)


def category_form(value):
    """Return a category as the graph holds it: missing is null, every other value keeps its type."""
    if value is None or is_nan(value):
        return None
    if isinstance(value, bool | np.bool_):
        return bool(value)
    if isinstance(value, str):
        return str(value)
    # A category of -0.0 is the one of 0.
    return number_form(value + 0.0)


def _category_lists(lists):
    return [None if values is None else [category_form(value) for value in values] for values in lists]


def _imputer_params(imputer):
    is_text = imputer.statistics_.dtype == object
    params = {"statistics": [category_form(value) for value in imputer.statistics_] if is_text else number_forms(imputer.statistics_)}
    if imputer.keep_empty_features:
        params["keep_empty_features"] = True
    if imputer.indicator_ is not None:
        params["indicator_features"] = [int(index) for index in imputer.indicator_.features_]
    if not is_nan(imputer.missing_values):
        if is_text or not isinstance(imputer.missing_values, int | float):
            raise ValueError("missing_values must be NaN, or a number in a column of numbers")
        params["missing_values"] = number_form(imputer.missing_values)
    return params


def _imputer_width(imputer):
    kept = [imputer.keep_empty_features or category_form(value) is not None for value in imputer.statistics_]
    return sum(kept) + (0 if imputer.indicator_ is None else len(imputer.indicator_.features_))


def _standard_scaler_params(scaler):
    return {
        "mean": number_forms(scaler.mean_) if scaler.with_mean else None,
        "scale": number_forms(scaler.scale_) if scaler.with_std else None,
    }


def _min_max_scaler_params(scaler):
    params = {"scale": number_forms(scaler.scale_), "min": number_forms(scaler.min_)}
    if scaler.clip:
        params |= {"clip": True, "feature_range": number_forms(scaler.feature_range)}
    return params


def _infrequent_params(encoder):
    if encoder.min_frequency is None and encoder.max_categories is None:
        return {}
    return {"infrequent_categories": _category_lists(encoder.infrequent_categories_)}


def _one_hot_encoder_params(encoder):
    params = {
        "categories": _category_lists(encoder.categories_),
        "handle_unknown": "infrequent_if_exist" if encoder.handle_unknown == "warn" else encoder.handle_unknown,
    }
    if encoder.drop_idx_ is not None:
        params["drop_idx"] = [None if index is None else int(index) for index in encoder.drop_idx_]
    return params | _infrequent_params(encoder)


def _ordinal_encoder_params(encoder):
    params = {"categories": _category_lists(encoder.categories_), "handle_unknown": encoder.handle_unknown}
    if encoder.handle_unknown == "use_encoded_value":
        params["unknown_value"] = number_form(encoder.unknown_value)
    if any(category_form(value) is None for values in encoder.categories_ for value in values):
        # A category of NaN gets the code for missing values; one of None keeps its own index, which null says.
        code = number_form(np.dtype(encoder.dtype).type(encoder.encoded_missing_value))
        params["encoded_missing_value"] = [None if any(value is None for value in values) else code for values in encoder.categories_]
    return params | _infrequent_params(encoder)


def _feature_count(transformer):
    return int(transformer.n_features_in_)


OPERATORS = {
    SimpleImputer: Operator("simple_imputer", _imputer_params, _imputer_width, keeps_text=True),
    StandardScaler: Operator("standard_scaler", _standard_scaler_params, _feature_count),
    MinMaxScaler: Operator("min_max_scaler", _min_max_scaler_params, _feature_count),
    OneHotEncoder: Operator("one_hot_encoder", _one_hot_encoder_params, lambda encoder: len(encoder.get_feature_names_out())),
    OrdinalEncoder: Operator("ordinal_encoder", _ordinal_encoder_params, _feature_count),
}
