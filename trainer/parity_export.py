"""Write values and fitted transformers in the form of a graph document, for ``parity_cases.py``."""

import math

import numpy as np
from sklearn.impute import SimpleImputer
from sklearn.preprocessing import MinMaxScaler, OneHotEncoder, OrdinalEncoder, StandardScaler


def number(value):
    """Return a float as JSON holds it: shortest round trip, or a string where JSON has no form."""
    value = float(value)
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "Infinity" if value > 0 else "-Infinity"
    if value == 0 and math.copysign(1, value) < 0:
        return "-0.0"
    return int(value) if value.is_integer() and abs(value) < 2**53 else value


def numbers(values):
    """Return a list of floats as JSON holds them; None (a switched-off half of a scaler) stays None."""
    return None if values is None else [number(value) for value in values]


def is_nan(value):
    """Tell whether a value of any type is NaN."""
    return isinstance(value, float | np.floating) and math.isnan(value)


def category(value):
    """Return a category as the graph holds it: missing is null, -0.0 is the 0 that it equals, everything else keeps its type."""
    if value is None or is_nan(value):
        return None
    if isinstance(value, str):
        return str(value)
    if isinstance(value, bool | np.bool_):
        return bool(value)
    return number(value + 0.0)


def categories(lists):
    """Return one list of categories per column; a column without such a list stays None."""
    return [None if values is None else [category(value) for value in values] for values in lists]


def imputer_params(imputer):
    """Return the parameters of ``simple_imputer``."""
    text = imputer.statistics_.dtype == object and any(not isinstance(s, int | float) for s in imputer.statistics_)
    params = {"statistics": [category(s) if text else number(s) for s in imputer.statistics_]}
    if imputer.keep_empty_features:
        params["keep_empty_features"] = True
    if imputer.indicator_ is not None:
        params["indicator_features"] = [int(i) for i in imputer.indicator_.features_]
    if isinstance(imputer.missing_values, int | float) and not is_nan(imputer.missing_values):
        params["missing_values"] = number(imputer.missing_values)
    return params


def standard_params(scaler):
    """Return the parameters of ``standard_scaler``."""
    return {
        "mean": numbers(scaler.mean_ if scaler.with_mean else None),
        "scale": numbers(scaler.scale_ if scaler.with_std else None),
    }


def min_max_params(scaler):
    """Return the parameters of ``min_max_scaler``."""
    params = {"scale": numbers(scaler.scale_), "min": numbers(scaler.min_)}
    if scaler.clip:
        params |= {"clip": True, "feature_range": numbers(scaler.feature_range)}
    return params


def infrequent_params(encoder):
    """Return the part of an encoder's parameters that says which categories were rare."""
    if encoder.min_frequency is None and encoder.max_categories is None:
        return {}
    return {"infrequent_categories": categories(encoder.infrequent_categories_)}


def one_hot_params(encoder):
    """Return the parameters of ``one_hot_encoder``."""
    unknown = "infrequent_if_exist" if encoder.handle_unknown == "warn" else encoder.handle_unknown
    params = {"categories": categories(encoder.categories_), "handle_unknown": unknown}
    if encoder.drop is not None:
        params["drop_idx"] = [None if i is None else int(i) for i in encoder.drop_idx_]
    return params | infrequent_params(encoder)


def ordinal_params(encoder):
    """Return the parameters of ``ordinal_encoder``."""
    params = {"categories": categories(encoder.categories_), "handle_unknown": encoder.handle_unknown}
    if encoder.unknown_value is not None:
        params["unknown_value"] = number(encoder.unknown_value)
    # scikit-learn encodes NaN apart, but treats None as a category like another.
    kept = [any(value is None for value in values) for values in encoder.categories_]
    missing = number(encoder.encoded_missing_value)
    params["encoded_missing_value"] = [None if keep else missing for keep in kept]
    return params | infrequent_params(encoder)


EXPORTS = {
    SimpleImputer: ("simple_imputer", imputer_params),
    StandardScaler: ("standard_scaler", standard_params),
    MinMaxScaler: ("min_max_scaler", min_max_params),
    OneHotEncoder: ("one_hot_encoder", one_hot_params),
    OrdinalEncoder: ("ordinal_encoder", ordinal_params),
}
