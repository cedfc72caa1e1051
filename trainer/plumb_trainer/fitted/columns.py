"""Reads the DataFrame that comes with a fitted pipeline: each column's type in JSON, and its values as callers send them."""

import unicodedata

import pandas as pd

from plumb_trainer.errors import TrainerError, quote
from plumb_trainer.fitted.lists import is_list, read_lists
from plumb_trainer.fitted.values import check_numbers, class_of, common_kind, kind_of, plain

# A JavaScript object has them already; "rows" is how a request wraps many rows. As bundle/row-schema-document.ts has it.
_FORBIDDEN = (
    *("__proto__", "constructor", "prototype", "rows", "toString", "toLocaleString", "valueOf", "hasOwnProperty", "isPrototypeOf"),
    *("propertyIsEnumerable", "__defineGetter__", "__defineSetter__", "__lookupGetter__", "__lookupSetter__"),
)
_NAME_LENGTH_MAX = 256


def check_frame(frame):
    """Raise TrainerError where `frame` is no DataFrame of named columns with rows."""
    if not isinstance(frame, pd.DataFrame):
        raise TrainerError(
            f"X: expected a pandas DataFrame, got {class_of(frame)}; fit the pipeline on a DataFrame, whose column names become the "
            "features' names, and give that"
        )
    unnamed = [name for name in frame.columns if not isinstance(name, str)]
    if unnamed:
        raise TrainerError(
            f"X: column names must be strings, got {unnamed[0]!r}; rename with X.columns = X.columns.map(str), and fit again"
        )
    twice = frame.columns[frame.columns.duplicated()]
    if len(twice):
        raise TrainerError(f"X: column {quote(twice[0])} is there twice; rename one, and fit again")
    for name in frame.columns:
        reason = _unfit_name(name)
        if reason:
            shown = quote(ascii(name)[1:-1])
            raise TrainerError(f"X: column {shown} can't be a feature's name, because {reason}; rename it, and fit again")
    if len(frame) < 2:
        raise TrainerError(f"X: expected the rows that the pipeline was fitted on, got {len(frame)}; give 2 or more")


def _unfit_name(name):
    """Return why a column can't be a feature's name; None where it can."""
    if name in _FORBIDDEN:
        return 'a request has another meaning for "rows"' if name == "rows" else "each object of JavaScript has one of that name"
    if not 1 <= len(name) <= _NAME_LENGTH_MAX:
        return f"it has {len(name)} characters, and 1 to {_NAME_LENGTH_MAX} are taken"
    if any(unicodedata.category(character) in ("Cc", "Cs") for character in name):
        return "it holds a control character or half a code point"
    return None


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
    TrainerError
        For values that JSON has no form for, or of more than one type.
    """
    where = f"column {quote(name)}"
    dtype = series.dtype
    if isinstance(dtype, pd.SparseDtype):
        raise TrainerError(f"{where}: it is sparse; give X.sparse.to_dense(), and fit on that")
    if pd.api.types.is_datetime64_any_dtype(dtype) or isinstance(dtype, pd.PeriodDtype):
        raise TrainerError(
            f"{where}: it holds dates ({dtype}), which JSON has no type for; make texts of them with .dt.strftime, and let DateParts of "
            "plumb_trainer.features read these in the pipeline"
        )
    if pd.api.types.is_timedelta64_dtype(dtype) or pd.api.types.is_complex_dtype(dtype):
        raise TrainerError(f"{where}: JSON has no type for {dtype}; make numbers of it, and fit again")
    missing = series.isna().to_numpy()
    if missing.all():
        raise TrainerError(f"{where}: every value is missing, so nothing says what type it has; take it out of X and of the pipeline")
    values = [None if gone else plain(value) for value, gone in zip(series.astype(object), missing, strict=True)]
    if any(map(is_list, values)):
        return read_lists(where, values)
    return _type_of(name, [value for value in values if value is not None]), values


def _type_of(name, values):
    where = f"column {quote(name)}"
    kinds = {kind_of(where, value) for value in values}
    kind = common_kind(kinds)
    if kind is None:
        found = " and ".join(sorted(kinds))
        raise TrainerError(f"{where}: it mixes values of type {found}; make them one, as with X[{quote(name)}].astype(str), and fit again")
    check_numbers(where, kind, values)
    return kind
