"""What every family of operators is written with: the form of an operator, of a category, and of what is missing."""

import math
import numbers
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from sklearn.utils._set_output import _get_output_config

from plumb_trainer.libraries import get_tags
from plumb_trainer.numbers.json_form import INTEGER_MAX, number_form


def _none(*_):
    return None


def _no(*_):
    return False


@dataclass(frozen=True)
class Operator:
    """How a fitted transformer is written.

    Parameters
    ----------
    name : str
        The operator's, in the graph.
    params : callable
        From the fitted transformer to the operator's parameters. Raises ValueError, with a reason and the way out, for what has no form.
    width : callable
        From the fitted transformer to how many columns come out.
    keeps_text : bool, default=False
        Whether each column comes out as what it went in as; else all come out as numbers.
    kinds : callable, default=None
        From the fitted transformer, and whether each column in is text, to the same of each column out, where that is not so simple.
    reads_kinds : bool, default=False
        Whether `params` takes as its second argument, of each column in, whether it is text.
    takes_missing : callable
        From the fitted transformer and a column's index to whether it has learnt what a missing value means there.
    sparse : callable
        From the fitted transformer to None, or what stands in the sparse matrix that it gives: "ones" or "values".
    takes_sparse : bool, default=False
        Whether it computes the same bits from a sparse matrix of values as from a dense one. With ones all do.
    reads_series : bool, default=False
        Whether it reads one column by itself, and no table.
    reads_lists : tuple of str, default=()
        What lists it reads, as the graph names their types: ``numbers``, ``booleans``, ``strings``. Without any it reads values.
    takes_ones : bool, default=True
        Whether a sparse matrix of ones is to it what a dense one is.
    tier : str, default="A"
        How exact it is, for the reader of the docs.
    served : callable
        From the fitted transformer to None, or the subclass of its class that computes what is served where those are not scikit-learn's
        own bits. A fitted transformer becomes its own twin by taking this class.
    """

    name: str
    params: Callable
    width: Callable
    keeps_text: bool = False
    kinds: Callable | None = None
    reads_kinds: bool = False
    takes_missing: Callable = _no
    sparse: Callable = _none
    takes_sparse: bool = False
    reads_series: bool = False
    reads_lists: tuple = ()
    takes_ones: bool = True
    tier: str = "A"
    served: Callable = _none


def is_nan(value):
    """Tell whether a value of any type is NaN."""
    return isinstance(value, float | np.floating) and math.isnan(value)


def category_form(value):
    """Return a category as the graph holds it: missing is null, every other value keeps its type.

    Raises
    ------
    ValueError
        For a value that JSON has no form for.
    """
    if value is None or is_nan(value):
        return None
    if isinstance(value, bool | np.bool_):
        return bool(value)
    if isinstance(value, str):
        return _text_form(value)
    if isinstance(value, numbers.Integral) and abs(int(value)) > INTEGER_MAX:
        raise ValueError(f"category {value} is over 2^53, where JSON loses the last digits; make strings of the column before fitting")
    if not isinstance(value, numbers.Real) or not math.isfinite(value):
        raise ValueError(f"JSON has no form for category {value!r}; make strings or numbers of the column before fitting")
    # A category of -0.0 is the one of 0.
    return number_form(value + 0.0)


def _text_form(value):
    try:
        value.encode()
    except UnicodeEncodeError as error:
        raise ValueError(f"category {value!a} isn't Unicode text (half a code point); repair the column before fitting") from error
    return str(value)


def category_lists(lists):
    """Return one list of categories per column; a column without such a list stays None."""
    for values in lists:
        if values is not None and sum(category_form(value) is None for value in values) > 1:
            raise ValueError("None and NaN are two categories of a column, but JSON has one null; make them one before fitting")
    return [None if values is None else [category_form(value) for value in values] for values in lists]


def learnt_missing(encoder, index):
    """Tell whether missing is among the categories that an encoder has learnt of a column."""
    return any(category_form(value) is None for value in encoder.categories_[index])


def feature_count(transformer):
    """Return how many columns come out where each one in gives one."""
    return int(transformer.n_features_in_)


def refuse_float32(transformer):
    """Raise ValueError for a transformer that has learnt in float32: it computes in float32 too, and what serves in float64."""
    for name, learnt in vars(transformer).items():
        arrays = learnt if isinstance(learnt, list) else [learnt]
        if name.endswith("_") and any(isinstance(array, np.ndarray) and array.dtype == np.float32 for array in arrays):
            raise ValueError("it was fitted on float32 columns; cast them to float64 before fitting")


def raises_on_missing(transformer):
    """Tell whether a transformer that computes nothing raises on NaN and infinities: scikit-learn's tags say so.

    With DataFrames as output, selectors hand their columns on unseen.
    """
    return not get_tags(transformer).input_tags.allow_nan and _get_output_config("transform", transformer)["dense"] == "default"
