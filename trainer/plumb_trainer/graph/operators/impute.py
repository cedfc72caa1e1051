"""Operators that fill in missing values, or mark them."""

from sklearn.impute import MissingIndicator, SimpleImputer

from plumb_trainer.graph.operators.core import Operator, category_form, is_nan
from plumb_trainer.numbers.json_form import number_form


def _imputer_params(imputer, texts):
    params = {"statistics": [_statistic_form(value, is_text) for value, is_text in zip(imputer.statistics_, texts, strict=True)]}
    if imputer.keep_empty_features:
        params["keep_empty_features"] = True
    if imputer.indicator_ is not None:
        params["indicator_features"] = [int(index) for index in imputer.indicator_.features_]
    return params | _missing_params(imputer, texts)


def _statistic_form(value, is_text):
    if value is None:
        raise ValueError("None is what it fills in; make None a NaN before fitting")
    if is_text:
        return category_form(value)
    if isinstance(value, str):
        raise ValueError(f'"{value}" is what it fills in, but the column is one of numbers')
    return number_form(value)


def _missing_params(transformer, texts):
    missing = transformer.missing_values
    if is_nan(missing):
        return {}
    if any(texts) or isinstance(missing, bool) or not isinstance(missing, int | float):
        raise ValueError("missing_values must be NaN, or a number in a column of numbers; replace the mark by NaN before fitting")
    return {"missing_values": number_form(missing)}


def _is_kept(imputer):
    return [imputer.keep_empty_features or not is_nan(value) for value in imputer.statistics_]


def _indicator_count(imputer):
    return 0 if imputer.indicator_ is None else len(imputer.indicator_.features_)


def _imputer_kinds(imputer, texts):
    kept = tuple(is_text for is_text, is_kept in zip(texts, _is_kept(imputer), strict=True) if is_kept)
    return kept + (False,) * _indicator_count(imputer)


def _takes_missing(transformer, _):
    # With a number as the mark of a missing value, scikit-learn raises on NaN.
    return is_nan(transformer.missing_values)


def _indicator_params(indicator, texts):
    params = {"features": [int(index) for index in indicator.features_]}
    if indicator.features == "missing-only" and indicator.error_on_new:
        params["error_on_new"] = True
    return params | _missing_params(indicator, texts)


def _indicator_takes_missing(indicator, index):
    is_known = index in indicator.features_ or not indicator.error_on_new
    return is_known and _takes_missing(indicator, index)


OPERATORS = {
    SimpleImputer: Operator(
        "simple_imputer",
        _imputer_params,
        lambda imputer: sum(_is_kept(imputer)) + _indicator_count(imputer),
        kinds=_imputer_kinds,
        reads_kinds=True,
        takes_missing=_takes_missing,
    ),
    MissingIndicator: Operator(
        "missing_indicator",
        _indicator_params,
        lambda indicator: len(indicator.features_),
        reads_kinds=True,
        takes_missing=_indicator_takes_missing,
        sparse=lambda indicator: "ones" if indicator.sparse is True else None,
    ),
}
