"""A fitted pipeline with everything that is asked of it: what it makes of rows as callers send them."""

import copy
import itertools
import warnings
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import pandas as pd
from sklearn.compose import ColumnTransformer
from sklearn.pipeline import Pipeline

from plumb_trainer.data.frame import frame_of_columns, frame_of_rows
from plumb_trainer.data.list_rows import items_of
from plumb_trainer.graph.checked import checked
from plumb_trainer.graph.export import preprocessing_document
from plumb_trainer.graph.fixed_steps import SideBySide
from plumb_trainer.graph.served import row_major, served_twin
from plumb_trainer.models import ExportedModel
from plumb_trainer.models.core import label_forms
from plumb_trainer.recipe.document import Recipe

# Beside such terms all others are lost in the last places of a sum.
_EXTREME = 1e9
# Cells of a dense block of features, 64 MB: more rows go one batch behind the other.
_CELLS_MAX = 8_000_000


@dataclass(frozen=True)
class Answers:
    """What a pipeline makes of rows, step by step.

    Parameters
    ----------
    features : ndarray of shape (n_rows, width), dtype=float64
        Before the cast to the model's dtype.
    raw : ndarray of shape (n_rows, outputs)
        What the library's own code gives before the link function.
    predictions : ndarray of shape (n_rows,) or (n_rows, n_outputs)
        Numbers, or labels; of several outputs a number for each.
    probabilities : ndarray of shape (n_rows, n_labels) or None
        Of a classifier, in order of the labels.
    """

    features: np.ndarray
    raw: np.ndarray
    predictions: np.ndarray
    probabilities: np.ndarray | None

    @classmethod
    def joined(cls, parts):
        """Return the answers of several lists of rows as those of one."""
        columns = zip(*((part.features, part.raw, part.predictions, part.probabilities) for part in parts), strict=True)
        return cls(*(None if parts[0] is None else np.concatenate(parts) for parts in columns))


@dataclass(frozen=True)
class FittedPipeline:
    """A fitted pipeline, of a recipe or as somebody gave it, with its data.

    Parameters
    ----------
    recipe : Recipe
    pipeline : Pipeline
        Fitted: ``preprocessing``, then ``model``.
    exported : ExportedModel
        The model, as it is served.
    schema : dict
        schema.json.
    nullable : set of str
        Features that may be missing.
    training : dict of str to ndarray
        The rows that the pipeline was fitted on, by feature; values that are there stand in for those that are missing.
    limits : str
        What somebody who uses the model should know, a sentence.
    target : ndarray, default=None
        The truth of a recipe's rows, as the data has it.
    rows : list of dict, default=None
        The data of a pipeline that was given, as callers send it; None is missing. A recipe's data has no missing value, and its model
        predicts a label by its index.
    unread : dict, default={}
        A value for each column that the pipeline was fitted on and nothing reads.
    sparse_as_dense : bool, default=False
        Whether the model answers the same where absent values are zeros.
    asked : {"frame", "series", "array"}, default="frame"
        What the pipeline was fitted on, and is asked with.
    coded : frozenset of str, default=()
        Columns whose categories the model has learnt itself, of a DataFrame.
    """

    recipe: Recipe
    pipeline: Pipeline
    exported: ExportedModel
    schema: dict
    nullable: set
    training: dict
    limits: str
    target: np.ndarray | None = None
    rows: list | None = None
    unread: dict = field(default_factory=dict)
    sparse_as_dense: bool = False
    asked: str = "frame"
    coded: frozenset = frozenset()

    @cached_property
    def spreads(self):
        """The standard deviation of each feature that is a number, or a list of such."""
        numbers = {feature.name: self.training[feature.name] for feature in self.recipe.features if feature.type == "number"}
        lists = {feature.name: items_of(self.training[feature.name]) for feature in self.recipe.features if feature.type == "numbers"}
        return {name: float(values.std()) for name, values in (numbers | lists).items()}

    @cached_property
    def missing(self):
        """How many rows of the data have no value, by feature."""
        if self.rows is None:
            return {}
        return {feature.name: sum(row[feature.name] is None for row in self.rows) for feature in self.recipe.features}

    def preprocessing_document(self):
        """Return preprocessing.json, which refuses the rows that the model would raise on."""
        first, *others = self.exported.tensors
        document = preprocessing_document(
            self.pipeline["preprocessing"],
            self.recipe.features,
            first.name,
            self.exported.dtype,
            sparse_as_dense=self.sparse_as_dense,
            more=[(tensor.name, tensor.width) for tensor in others],
        )
        return checked(document, [tensor.check for tensor in self.exported.tensors])

    @cached_property
    def served(self):
        """The pipeline, with steps that compute what is served where those are not scikit-learn's own bits."""
        return served_twin(self.pipeline)

    @cached_property
    def _preprocessing(self):
        return row_major(_dense_output(self.served["preprocessing"]))

    def batches(self, rows):
        """Yield rows in batches whose features fit into memory."""
        step = max(1, _CELLS_MAX // max(1, self.exported.width))
        return (rows[first : first + step] for first in range(0, len(rows), step))

    def features(self, rows):
        """Return the float64 values before the cast, ndarray of shape (n_rows, width), as they are served.

        Raises
        ------
        ValueError, TypeError
            Where a transformer refuses a row.
        """
        preprocessing = self._preprocessing
        data = self.frame(rows)
        # A vectorizer at the head reads a Series; what was fitted on an array reads the columns of a DataFrame by their places.
        data = data.iloc[:, 0] if self.asked == "series" else data
        return _dense(self.quietly(preprocessing.transform, data))

    def answers(self, rows, batch=None):
        """Return what the pipeline answers, and how it came to it.

        Parameters
        ----------
        rows : list of dict
        batch : int, default=None
            How many rows the model is given at once; None is all of them.

        Returns
        -------
        Answers
        """
        features = self.features(rows)
        step = batch or max(1, len(rows))
        parts = [self._answers(features[first : first + step]) for first in range(0, len(rows), step)]
        return Answers.joined(parts)

    def _answers(self, features):
        outputs = self.quietly(self.exported.raw, features)
        raw = np.concatenate([np.asarray(outputs[name], dtype=np.float64) for name in self.exported.raw_widths], axis=1)
        return Answers(features, raw, *self._own(features))

    def training_predictions(self):
        """Return what the pipeline predicts for the rows of its data."""
        if self.rows is None:
            return self.named(self.pipeline.predict(frame_of_columns(self.training, self.recipe.features)))
        return self.own[0]

    @cached_property
    def own(self):
        """The predictions, and the probabilities, if any, of the rows of the data."""
        parts = [self._own(self.features(batch)) for batch in self.batches(self.rows)]
        return tuple(None if columns[0] is None else np.concatenate(columns) for columns in zip(*parts, strict=True))

    def _own(self, features):
        model = self.pipeline["model"] if self.exported.estimator is None else self.exported.estimator
        probabilities = self.quietly(model.predict_proba, features) if self.exported.probabilities is not None else None
        return self.named(self.quietly(model.predict, features)), probabilities

    def refusals(self, rows):
        """Return, for each row, whether a step or the model raises on it."""
        return [refused for batch in self.batches(rows) for refused in self._refusals(batch)]

    def _refusals(self, rows):
        try:
            features = self.features(rows)
        except (ValueError, TypeError):
            # A FeatureHasher raises TypeError on what is no list.
            # One row fails the whole batch: look in the halves for it.
            half = len(rows) // 2
            return [True] if len(rows) == 1 else self._refusals(rows[:half]) + self._refusals(rows[half:])
        return self.exported.raises_on(features).tolist()

    def provable(self, rows):
        """Return those of (kind, row) pairs that the pipeline answers with finite numbers, or refuses as a bundle does.

        Left out are rows whose answer isn't finite, which is an error of the model and not of the row, and, of models that add up in
        another order, rows whose terms are extreme. A recipe says itself what may come, by its ranges.
        """
        if self.rows is None:
            return rows
        keeps = np.array(self.refusals([row for _, row in rows]), dtype=bool)
        taken = [index for index in np.flatnonzero(~keeps) if self.exported.raw_tier == "A" or not _is_extreme(*rows[index])]
        for batch in self.batches(taken):
            keeps[batch] = self._are_finite(self.features([rows[index][1] for index in batch]))
        return [pair for pair, kept in zip(rows, keeps, strict=True) if kept]

    def _are_finite(self, features):
        """Tell of each row of features whether the answer is made of finite numbers."""
        try:
            answers = self._answers(features)
        except ValueError:
            # A library may raise on more than what isn't finite.
            if len(features) == 1:
                return np.zeros(1, dtype=bool)
            return np.concatenate([self._are_finite(features[[index]]) for index in range(len(features))])
        numbers = [answers.raw]
        if not self.recipe.target.labels:
            numbers.append(answers.predictions.astype(np.float64).reshape(len(answers.raw), -1))
        return np.isfinite(np.concatenate(numbers, axis=1)).all(axis=1)

    def rows_given(self, count_max):
        """Return rows of the data that came with the pipeline, evenly spread, that it answers."""
        if self.rows is None:
            return []
        chosen = [self.rows[index] for index in np.linspace(0, len(self.rows) - 1, min(count_max, len(self.rows))).astype(int)]
        refused = self.refusals(chosen)
        return [row for row, gone in zip(chosen, refused, strict=True) if not gone]

    def named(self, predictions):
        """Return what the pipeline predicts as `Answers` has it: a number, a label, or of several outputs a list for each row."""
        labels = self.recipe.target.labels
        if self.rows is None:
            return np.array(labels, dtype=object)[predictions] if labels else predictions
        predictions = np.asarray(predictions)
        if not self.exported.names:
            predictions = np.ravel(predictions)
        return np.array([*label_forms(predictions.tolist()), None], dtype=object)[:-1] if labels else predictions

    def frame(self, rows):
        """Return rows as the DataFrame that the pipeline takes."""
        frame = frame_of_rows(rows, self.recipe.features, self.nullable)
        if not self.unread:
            return frame
        others = pd.DataFrame({name: [value] * len(rows) for name, value in self.unread.items()}, index=frame.index)
        return pd.concat([frame, others], axis=1)[list(self.pipeline["preprocessing"].feature_names_in_)]

    @staticmethod
    def quietly(function, *args, **options):
        """Call a function of a library: rows at the edges overflow and bring unknown categories on purpose."""
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            return function(*args, **options)


def _dense_output(step):
    """Return a step that gives a dense matrix where a ColumnTransformer at its end gives a sparse one, which has no -0.0."""
    if isinstance(step, Pipeline):
        made = copy.copy(step)
        made.steps = [*step.steps[:-1], (step.steps[-1][0], _dense_output(step.steps[-1][1]))]
        return made
    if isinstance(step, SideBySide):
        made = copy.copy(step)
        made.transformer_list = [(name, _dense_output(part)) for name, part in step.transformer_list]
        return made
    if not getattr(step, "sparse_output_", False) or not isinstance(step, ColumnTransformer):
        return step
    made = copy.copy(step)
    made.sparse_output_ = False
    return made


def _is_extreme(kind, row):
    values = itertools.chain.from_iterable(value if isinstance(value, list) else [value] for value in row.values())
    return kind == "extreme" and any(isinstance(value, int | float) and abs(value) > _EXTREME for value in values)


def _dense(values):
    return np.asarray(values.toarray() if hasattr(values, "toarray") else values, dtype=np.float64)
