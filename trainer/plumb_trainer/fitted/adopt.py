"""Takes in a fitted pipeline as somebody brings it: what it reads, what stands before its model, and how it is to be asked."""

import re
from typing import NamedTuple

import numpy as np
import pandas as pd
from sklearn.compose import ColumnTransformer
from sklearn.exceptions import NotFittedError
from sklearn.feature_selection import SelectorMixin
from sklearn.pipeline import FeatureUnion, Pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.utils.validation import check_is_fitted

from plumb_trainer.errors import TrainerError, quote
from plumb_trainer.fitted.columns import check_frame
from plumb_trainer.graph.fixed_steps import CategoryCodes, SideBySide
from plumb_trainer.graph.operators import OPERATORS
from plumb_trainer.models import ExportedModel, export_model
from plumb_trainer.models.unwrap import standing_for, unwrapped

# What libraries call the columns of an array.
_NUMBERED = re.compile(r"(Column_)?\d+")


class Adopted(NamedTuple):
    """A fitted pipeline in one form.

    Parameters
    ----------
    pipeline : object
        What answers with `predict`, as it was given.
    frame : DataFrame
        The rows, whose columns are the features.
    asked : {"frame", "series", "array"}
        What it was fitted on, and is asked with.
    preprocessing : fitted transformer
    model : object
    exported : ExportedModel
    coded : frozenset of str
        The columns whose categories the model has learnt itself, of a DataFrame.
    """

    pipeline: object
    frame: pd.DataFrame
    asked: str
    preprocessing: object
    model: object
    exported: ExportedModel
    coded: frozenset

    @property
    def names(self):
        """The columns that it was fitted on, in order."""
        return [str(name) for name in self.frame.columns]


def adopted(pipeline, X):
    """Return a fitted pipeline with its rows in one form, or say why it can't be served.

    Parameters
    ----------
    pipeline : fitted estimator
    X : DataFrame, Series of texts, or array of numbers
        A Series is the one feature that goes by its name, or ``text``. The columns of an array are ``x0``, ``x1``, ...
    """
    pipeline = standing_for(pipeline)
    steps, model, coded = unwrapped(pipeline)
    frame, is_series = _as_frame(X, getattr(pipeline, "feature_names_in_", ()))
    check_frame(frame)
    _refuse_no_model(pipeline, model)
    for step, transformer in steps:
        _refuse_unfitted(step, transformer)
    exported = export_model(model, **({"coded": True} if coded else {}))
    for tensor in exported.tensors:
        for step, transformer in tensor.steps:
            _refuse_unfitted(step, transformer)
    preprocessing = _side_by_side(steps, exported)
    if is_series:
        return Adopted(pipeline, frame, "series", preprocessing, model, exported, frozenset())
    learnt = _names(pipeline, preprocessing, model, exported, frame)
    if learnt is None:
        numbers = all(pd.api.types.is_numeric_dtype(dtype) for dtype in frame.dtypes)
        before = FunctionTransformer().fit(frame)
        preprocessing = before if preprocessing is None else Pipeline([("columns", before), ("steps", preprocessing)])
        return Adopted(pipeline, frame, "array" if numbers else "frame", preprocessing, model, exported, frozenset())
    frame = _in_order(frame, learnt)
    if preprocessing is None:
        preprocessing = FunctionTransformer().fit(frame)
    elif not hasattr(preprocessing, "feature_names_in_"):
        preprocessing = Pipeline([("columns", FunctionTransformer().fit(frame)), ("steps", preprocessing)])
    return Adopted(pipeline, frame, "frame", preprocessing, model, exported, frozenset(_coded_columns(preprocessing, learnt)))


def _as_frame(X, names):
    """Return rows as a DataFrame, and whether they are one column by itself; the columns of an array are those that the pipeline names."""
    if isinstance(X, list | tuple) and X and all(isinstance(value, str) for value in X):
        X = pd.Series(X)
    if isinstance(X, np.ndarray) and X.ndim == 1:
        X = pd.Series(X)
    if isinstance(X, pd.Series):
        return X.to_frame(X.name if isinstance(X.name, str) else "text"), True
    if isinstance(X, np.ndarray) and X.ndim == 2:
        return pd.DataFrame(X, columns=list(names) if len(names) == X.shape[1] else [f"x{index}" for index in range(X.shape[1])]), False
    return X, False


def _refuse_no_model(pipeline, model):
    if hasattr(model, "predict"):
        return
    kind = "nothing" if model is None or isinstance(model, str) else type(model).__name__
    last = pipeline.steps[-1][0] if isinstance(pipeline, Pipeline) else "model"
    raise TrainerError(f'the pipeline\'s last step "{last}" is {kind}, which predicts nothing; a bundle needs a model there')


def _refuse_unfitted(step, transformer):
    """Raise TrainerError for a transformer that has learnt nothing yet. One without an operator may have nothing to learn."""
    known = type(transformer) in OPERATORS or isinstance(transformer, ColumnTransformer | FeatureUnion | Pipeline | SelectorMixin)
    if not known:
        return
    try:
        check_is_fitted(transformer)
    except NotFittedError as error:
        raise TrainerError(f'step "{step}" ({type(transformer).__name__}) isn\'t fitted; fit the whole pipeline first') from error


def _side_by_side(steps, exported):
    """Return what stands before the models as one transformer; None for nothing."""
    if exported.inputs:
        parts = [(tensor.name, _chain(tensor.steps) or FunctionTransformer()) for tensor in exported.inputs]
        steps = [*steps, ("members", SideBySide(parts) if len(parts) > 1 else parts[0][1])]
    return _chain(steps)


def _chain(steps):
    """Return steps as one transformer; None for none."""
    if not steps:
        return None
    # Names may come again in the pipelines of members.
    names = [name for name, _ in steps]
    return Pipeline([(f"{name}_{at}" if name in names[:at] else name, step) for at, (name, step) in enumerate(steps)])


def _names(pipeline, preprocessing, model, exported, frame):
    """Return the names of the columns that the pipeline was fitted on; None where it was fitted on an array, which has none."""
    # What stands before a model may have given it other columns.
    for holder in (model, pipeline) if preprocessing is None else (preprocessing, pipeline):
        found = getattr(holder, "feature_names_in_", getattr(holder, "feature_names_", None))
        if found is not None and not all(_NUMBERED.fullmatch(str(name)) and name not in frame.columns for name in found):
            return [str(name) for name in found]
    expected = exported.width if preprocessing is None else _count(preprocessing, pipeline)
    if expected is not None and expected != frame.shape[1]:
        raise TrainerError(
            f"X: the pipeline was fitted on an array of {expected} columns, and X has {frame.shape[1]}; give X with the same columns in "
            "the same order, or fit on a DataFrame, which keeps their names"
        )
    return None


def _count(preprocessing, pipeline):
    for holder in (preprocessing, pipeline):
        found = getattr(holder, "n_features_in_", None)
        if found is not None:
            return int(found)
    return None


def _in_order(frame, names):
    absent = [column for column in names if column not in frame.columns]
    if absent:
        raise TrainerError(f"X: column {quote(absent[0])} is missing, which the pipeline was fitted on; give the DataFrame of that time")
    extra = [column for column in frame.columns if column not in names]
    if extra:
        raise TrainerError(f"X: column {quote(extra[0])} is none that the pipeline was fitted on; give X without it")
    return frame[names]


def _coded_columns(preprocessing, names):
    """Yield the columns of which a step gives codes."""
    if isinstance(preprocessing, Pipeline):
        steps = [step for _, step in preprocessing.steps if not isinstance(step, FunctionTransformer)]
        if steps:
            yield from _coded_columns(steps[0], names)
    elif isinstance(preprocessing, FeatureUnion):
        for _, step in preprocessing.transformer_list:
            yield from _coded_columns(step, names)
    elif isinstance(preprocessing, CategoryCodes):
        yield from (name for name, known in zip(names, preprocessing.categories_, strict=True) if known is not None)


def as_fitted(frame, asked):
    """Return rows as the pipeline is asked with them."""
    return frame.iloc[:, 0] if asked == "series" else frame.to_numpy() if asked == "array" else frame
