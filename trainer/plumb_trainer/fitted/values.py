"""What a value of a DataFrame is in JSON, or why it can't be sent."""

import datetime
import math
import numbers

import numpy as np

from plumb_trainer.errors import TrainerError
from plumb_trainer.numbers.json_form import INTEGER_MAX


def plain(value):
    """Return a value of NumPy as Python's own."""
    is_scalar = isinstance(value, np.generic) or (isinstance(value, np.ndarray) and value.ndim == 0)
    return value.item() if is_scalar else value


def kind_of(where, value):
    """Return a value's type in JSON.

    Parameters
    ----------
    where : str
        Begins the sentence where there is none.
    value : object
        Not missing.

    Returns
    -------
    {"number", "integer", "boolean", "string"}

    Raises
    ------
    TrainerError
    """
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
            raise TrainerError(f"{where}: {value!a} isn't Unicode text (half a code point); repair it, and fit again") from error
        return "string"
    if isinstance(value, datetime.date | datetime.datetime):
        raise TrainerError(
            f"{where}: it holds dates, which JSON has no type for; make texts of them with .isoformat(), for DateParts to read"
        )
    if isinstance(value, dict):
        raise TrainerError(
            f"{where}: it holds dicts, which no feature can be; give each key a column of its own, which "
            "plumb_trainer.features.ColumnHasher hashes as FeatureHasher does dicts"
        )
    if isinstance(value, set | frozenset):
        raise TrainerError(f"{where}: it holds sets, which JSON has no form for; make lists of them with sorted(), and fit again")
    raise TrainerError(f"{where}: JSON has no form for {value!r} ({class_of(value)}); make strings or numbers of it, and fit again")


def common_kind(kinds):
    """Return the one type of values of these types, or None: whole numbers are numbers too."""
    kinds = {"number"} if set(kinds) == {"integer", "number"} else set(kinds)
    return next(iter(kinds)) if len(kinds) == 1 else None


def check_numbers(where, kind, values):
    """Raise TrainerError where JSON would lose digits of a whole number, or has no form for a number."""
    if kind not in ("integer", "number"):
        return
    if kind == "integer" and max(map(abs, values), default=0) > INTEGER_MAX:
        raise TrainerError(f"{where}: it has integers over 2^53, which lose their last digits in JSON; make strings of them, and fit again")
    if not all(map(math.isfinite, values)):
        raise TrainerError(f"{where}: it has infinities, which JSON has no form for; clip them or make them missing, and fit again")


def class_of(value):
    """Return the name of a value's class, with the library that it is from."""
    kind = type(value)
    return kind.__name__ if kind.__module__ == "builtins" else f"{kind.__module__.partition('.')[0]}'s {kind.__name__}"
