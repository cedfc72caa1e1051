"""Columns of float32: steps that compute on them do it in float32, and what serves computes in float64."""

import numpy as np
from sklearn.feature_selection import SelectorMixin
from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder, TargetEncoder

from plumb_trainer.errors import TrainerError, quoted_columns
from plumb_trainer.graph.export import readers
from plumb_trainer.graph.fixed_steps import CategoryCodes, ColumnPick

# What only looks values up, or hands them on.
_EXACT = (OneHotEncoder, OrdinalEncoder, TargetEncoder, SelectorMixin, CategoryCodes, ColumnPick)


def refuse_single_precision(preprocessing, frame, features):
    """Raise TrainerError where a column of float32 goes into a step that computes."""
    names = list(frame.columns)
    found = {}
    for name in features:
        if frame[name].dtype not in (np.float32, np.float16):
            continue
        for steps, _ in readers(preprocessing, name, names):
            computing = [step for step in steps if not isinstance(step, _EXACT)]
            if computing:
                found.setdefault(type(computing[0]).__name__, {})[name] = frame[name].dtype
    for step, columns in found.items():
        dtype = next(iter(columns.values()))
        raise TrainerError(
            f"X: {quoted_columns(list(columns))} of dtype {dtype}: {step} computes there in {dtype}, and what serves computes in float64; "
            'cast with .astype("float64") and fit again, or put a ColumnTransformer with FunctionTransformer() '
            "there, which hands the columns on to a model of trees as they are"
        )
