"""Operators that fill in missing values."""

from sklearn.impute import SimpleImputer

from plumb_trainer.json_form import number_form, number_forms
from plumb_trainer.operators.core import Operator, category_form, is_nan


def _imputer_params(imputer):
    # A column of booleans is one of numbers in the graph, although scikit-learn holds its statistic as an object.
    is_text = imputer.statistics_.dtype == object and not all(isinstance(value, int | float) for value in imputer.statistics_)
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


OPERATORS = {SimpleImputer: Operator("simple_imputer", _imputer_params, _imputer_width, keeps_text=True)}
