"""Reads the DataFrame that comes with a fitted pipeline: each column's type in JSON, and its values as callers send them."""

import datetime
import math
import numbers

import numpy as np
import pandas as pd

from plumb_trainer.json_form import INTEGER_MAX
from plumb_trainer.stop import Stop, quote

# A JavaScript object has them already.
_FORBIDDEN = ("__proto__", "constructor", "prototype")


def check_frame(frame):
    """Stop where `frame` is no DataFrame of named columns with rows."""
    if not isinstance(frame, pd.DataFrame):
        raise Stop(
            f"X: expected a pandas DataFrame, got {_class_of(frame)}; fit the pipeline on a DataFrame, whose column names become the "
            "features' names, and give that"
        )
    unnamed = [name for name in frame.columns if not isinstance(name, str)]
    if unnamed:
        raise Stop(f"X: column names must be strings, got {unnamed[0]!r}; rename with X.columns = X.columns.map(str), and fit again")
    twice = frame.columns[frame.columns.duplicated()]
    if len(twice):
        raise Stop(f"X: column {quote(twice[0])} is there twice; rename one, and fit again")
    for name in frame.columns:
        if name == "" or name in _FORBIDDEN:
            raise Stop(f"X: column {quote(name)} can't be a feature's name; rename it, and fit again")
    if len(frame) < 2:
        raise Stop(f"X: expected the rows that the pipeline was fitted on, got {len(frame)}; give 2 or more")


def read_column(name, series):
    """Return a column's type in schema.json, and its values, None where missing.

    Parameters
    ----------
    name : str
    series : Series

    Returns
    -------
    (str, list)

    Raises
    ------
    Stop
        For values that JSON has no form for, or of more than one type.
    """
    where = f"column {quote(name)}"
    dtype = series.dtype
    if isinstance(dtype, pd.SparseDtype):
        raise Stop(f"{where}: it is sparse; give X.sparse.to_dense(), and fit on that")
    if pd.api.types.is_datetime64_any_dtype(dtype) or isinstance(dtype, pd.PeriodDtype):
        raise Stop(
            f"{where}: it holds dates ({dtype}), which JSON has no type for; make texts of them with .dt.strftime, and let DateParts of "
            "plumb_trainer.features read these in the pipeline"
        )
    if pd.api.types.is_timedelta64_dtype(dtype) or pd.api.types.is_complex_dtype(dtype):
        raise Stop(f"{where}: JSON has no type for {dtype}; make numbers of it, and fit again")
    missing = series.isna().to_numpy()
    if missing.all():
        raise Stop(f"{where}: every value is missing, so nothing says what type it has; take it out of X and of the pipeline")
    plain = [None if gone else _plain(value) for value, gone in zip(series.astype(object), missing, strict=True)]
    return _type_of(where, [value for value in plain if value is not None]), plain


def _plain(value):
    return value.item() if isinstance(value, np.generic) else value


def _type_of(where, values):
    kinds = {_kind(where, value) for value in values}
    if kinds == {"integer", "number"}:
        kinds = {"number"}
    if len(kinds) > 1:
        found = " and ".join(sorted(kinds))
        raise Stop(f"{where}: it mixes values of type {found}; make them one, as with X[{where[7:]}].astype(str), and fit again")
    (kind,) = kinds
    if kind in ("integer", "number"):
        if kind == "integer" and max(map(abs, values)) > INTEGER_MAX:
            raise Stop(f"{where}: it has integers over 2^53, which lose their last digits in JSON; make strings of them, and fit again")
        if not all(map(math.isfinite, values)):
            raise Stop(f"{where}: it has infinities, which JSON has no form for; clip them or make them missing, and fit again")
    return kind


def _kind(where, value):
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, numbers.Integral):
        return "integer"
    if isinstance(value, float):
        return "number"
    if isinstance(value, str):
        try:
            value.encode("utf-8")
        except UnicodeEncodeError as error:
            raise Stop(f"{where}: {value!a} isn't Unicode text (half a code point); repair it, and fit again") from error
        return "string"
    if isinstance(value, datetime.date | datetime.datetime):
        raise Stop(f"{where}: it holds dates, which JSON has no type for; make texts of them with .isoformat(), for DateParts to read")
    if isinstance(value, list | tuple | np.ndarray):
        raise Stop(f"{where}: it holds lists, and export_bundle reads one value a cell; spread them over columns of numbers, and fit again")
    raise Stop(f"{where}: JSON has no form for {value!r} ({_class_of(value)}); make strings or numbers of it, and fit again")


def _class_of(value):
    kind = type(value)
    return kind.__name__ if kind.__module__ == "builtins" else f"{kind.__module__.partition('.')[0]}'s {kind.__name__}"
