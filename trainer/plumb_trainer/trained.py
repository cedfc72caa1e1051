"""A fitted pipeline with everything that is asked of it: what it makes of rows as callers send them."""

import warnings
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from sklearn.pipeline import Pipeline

from plumb_trainer.checked_graph import checked
from plumb_trainer.exported import INPUT, Exported
from plumb_trainer.frame import frame_of_columns, frame_of_rows
from plumb_trainer.graph_export import depends_on_batch, preprocessing_document
from plumb_trainer.list_rows import items_of
from plumb_trainer.models import MODELS
from plumb_trainer.recipe import Recipe
from plumb_trainer.served import served_twin


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
class Trained:
    """A fitted pipeline.

    Parameters
    ----------
    recipe : Recipe
    pipeline : Pipeline
        Fitted: ``preprocessing``, then ``model``, which predicts a classifier's labels by their index.
    exported : Exported
        The model, as it is served.
    schema : dict
        schema.json.
    nullable : set of str
        Features that may be missing.
    training : dict of str to ndarray
        The rows that the pipeline was fitted on, by feature.
    target : ndarray
        Their truth, as the data has it.
    """

    recipe: Recipe
    pipeline: Pipeline
    exported: Exported
    schema: dict
    nullable: set
    training: dict
    target: np.ndarray

    @cached_property
    def spreads(self):
        """The standard deviation of each feature that is a number, or a list of such."""
        numbers = {feature.name: self.training[feature.name] for feature in self.recipe.features if feature.type == "number"}
        lists = {feature.name: items_of(self.training[feature.name]) for feature in self.recipe.features if feature.type == "numbers"}
        return {name: float(values.std()) for name, values in (numbers | lists).items()}

    @property
    def missing(self):
        """How many rows of the data have no value, by feature; a recipe's have all."""
        return {}

    def preprocessing_document(self):
        """Return preprocessing.json, which refuses the rows that the model would raise on."""
        document = preprocessing_document(self.pipeline["preprocessing"], self.recipe.features, INPUT, self.exported.dtype)
        return checked(document, self.kind.check)

    @cached_property
    def served(self):
        """The pipeline, with steps that compute what is served where those are not scikit-learn's own bits."""
        return served_twin(self.pipeline)

    def provable(self, rows):
        """Return those of (kind, row) pairs that the pipeline answers with finite numbers, or refuses as a bundle does."""
        return rows

    def rows_given(self, count_max):
        """Return rows of the data, as they came, that the proof is to hold."""
        return []

    @property
    def kind(self):
        """The kind of model."""
        return MODELS[self.recipe.model[0]]

    def features(self, rows):
        """Return the float64 values before the cast, ndarray of shape (n_rows, width), as they are served.

        Raises
        ------
        ValueError
            Where a transformer refuses a row.
        """
        preprocessing = self.served["preprocessing"]
        data = self._frame(rows)
        parts = [data.iloc[[index]] for index in range(len(data))] if depends_on_batch(preprocessing) else [data]
        return np.concatenate([np.asarray(self._quietly(preprocessing.transform, part), dtype=np.float64) for part in parts])

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
        model = self.pipeline["model"]
        raw = self._quietly(self.kind.raw, model, features)
        probabilities = self._quietly(model.predict_proba, features) if self.recipe.target.labels else None
        return Answers(features, raw.reshape(len(features), -1), self.named(self._quietly(model.predict, features)), probabilities)

    def training_predictions(self):
        """Return what the pipeline predicts for the rows that it was fitted on."""
        return self.named(self.pipeline.predict(frame_of_columns(self.training, self.recipe.features)))

    def refusals(self, rows):
        """Return, for each row, whether the pipeline raises on it."""
        if not rows:
            return []
        try:
            self._quietly(self.served.predict, self._frame(rows))
            return [False] * len(rows)
        except ValueError:
            # One row fails the whole batch: look in the halves for it.
            if len(rows) == 1:
                return [True]
            half = len(rows) // 2
            return self.refusals(rows[:half]) + self.refusals(rows[half:])

    def named(self, predictions):
        """Return what the pipeline predicts as `Answers` has it."""
        labels = self.recipe.target.labels
        return np.array(labels, dtype=object)[predictions] if labels else predictions

    def _frame(self, rows):
        return frame_of_rows(rows, self.recipe.features, self.nullable)

    @staticmethod
    def _quietly(function, *args, **options):
        # Rows at the edges overflow and bring unknown categories on purpose.
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            return function(*args, **options)
