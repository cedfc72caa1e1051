"""Operators that scale numbers, column by column."""

from sklearn.preprocessing import MinMaxScaler, StandardScaler

from plumb_trainer.json_form import number_forms
from plumb_trainer.operators.core import Operator, feature_count


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


OPERATORS = {
    StandardScaler: Operator("standard_scaler", _standard_scaler_params, feature_count),
    MinMaxScaler: Operator("min_max_scaler", _min_max_scaler_params, feature_count),
}
