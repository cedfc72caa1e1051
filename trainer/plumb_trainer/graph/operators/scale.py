"""Operators that scale numbers, column by column or row by row."""

from sklearn.preprocessing import MaxAbsScaler, MinMaxScaler, Normalizer, RobustScaler, StandardScaler

from plumb_trainer.graph.operators.core import Operator, feature_count
from plumb_trainer.numbers.json_form import number_forms


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


def _max_abs_scaler_params(scaler):
    return {"scale": number_forms(scaler.scale_), **({"clip": True} if scaler.clip else {})}


def _robust_scaler_params(scaler):
    return {
        "center": number_forms(scaler.center_) if scaler.with_centering else None,
        "scale": number_forms(scaler.scale_) if scaler.with_scaling else None,
    }


OPERATORS = {
    StandardScaler: Operator("standard_scaler", _standard_scaler_params, feature_count),
    MinMaxScaler: Operator("min_max_scaler", _min_max_scaler_params, feature_count),
    MaxAbsScaler: Operator("max_abs_scaler", _max_abs_scaler_params, feature_count),
    RobustScaler: Operator("robust_scaler", _robust_scaler_params, feature_count),
    Normalizer: Operator("normalizer", lambda normalizer: {"norm": normalizer.norm}, feature_count),
}
