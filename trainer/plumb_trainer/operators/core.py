"""What every family of operators is written with: the form of an operator, of a category, and of what is missing."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from plumb_trainer.json_form import number_form


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


def category_lists(lists):
    """Return one list of categories per column; a column without such a list stays None."""
    return [None if values is None else [category_form(value) for value in values] for values in lists]


def feature_count(transformer):
    """Return how many columns come out where each one in gives one."""
    return int(transformer.n_features_in_)
