"""A pipeline that was fitted elsewhere, with everything that is asked of it: see `Trained`."""

import copy
import itertools
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
import pandas as pd
from sklearn.compose import ColumnTransformer
from sklearn.pipeline import Pipeline

from plumb_trainer.checked_graph import checked
from plumb_trainer.exported import INPUT
from plumb_trainer.frame import frame_of_rows
from plumb_trainer.graph_export import depends_on_batch, preprocessing_document
from plumb_trainer.models.core import label_forms
from plumb_trainer.trained import Answers, Trained

# Beside such terms all others are lost in the last places of a sum.
_EXTREME = 1e9
_LIMITS = "What it knows is what it was fitted on; nothing tells how it answers on rows unlike those."


class Kind(NamedTuple):
    """What the manifest and the card say of the model; see `ModelKind`."""

    libraries: tuple
    limits: str


@dataclass(frozen=True)
class Given(Trained):
    """A fitted pipeline that was given, with its data.

    Parameters
    ----------
    rows : list of dict
        The data, as callers send it; None is missing.
    unread : dict
        A value for each column that the pipeline was fitted on and nothing reads.
    sparse_as_dense : bool
        Whether the model answers the same where absent values are zeros.
    """

    rows: list
    unread: dict
    sparse_as_dense: bool

    @property
    def kind(self):
        """See `Kind`."""
        return Kind(self.exported.model.libraries, _LIMITS)

    @cached_property
    def missing(self):
        """How many rows have no value, by feature."""
        return {feature.name: sum(row[feature.name] is None for row in self.rows) for feature in self.recipe.features}

    def preprocessing_document(self):
        """Return preprocessing.json, which refuses the rows that the model would raise on."""
        document = preprocessing_document(
            self.pipeline["preprocessing"], self.recipe.features, INPUT, self.exported.dtype, sparse_as_dense=self.sparse_as_dense
        )
        return checked(document, self.exported.model.check)

    @cached_property
    def _preprocessing(self):
        return _dense_output(self.served["preprocessing"])

    def features(self, rows):
        """Return the float64 values before the cast, as they are served."""
        preprocessing = self._preprocessing
        data = self._frame(rows)
        parts = [data.iloc[[index]] for index in range(len(data))] if depends_on_batch(preprocessing) else [data]
        return np.concatenate([_dense(self._quietly(preprocessing.transform, part)) for part in parts])

    def _answers(self, features):
        model = self.pipeline["model"]
        outputs = self._quietly(self.exported.model.raw, features)
        raw = np.concatenate([np.asarray(outputs[name], dtype=np.float64) for name in self.exported.raw_widths], axis=1)
        probabilities = self._quietly(model.predict_proba, features) if self.exported.model.probabilities is not None else None
        return Answers(features, raw, self.named(self._quietly(model.predict, features)), probabilities)

    def training_predictions(self):
        """Return what the pipeline predicts for the rows that it was given."""
        return self.answers(self.rows).predictions

    def refusals(self, rows):
        """Return, for each row, whether a step or the model raises on it."""
        if not rows:
            return []
        try:
            features = self.features(rows)
        except (ValueError, TypeError):
            # A FeatureHasher raises TypeError on what is no list.
            # One row fails the whole batch: look in the halves for it.
            half = len(rows) // 2
            return [True] if len(rows) == 1 else self.refusals(rows[:half]) + self.refusals(rows[half:])
        return self.exported.model.raises_on(features).tolist()

    def provable(self, rows):
        """Return those of (kind, row) pairs that the pipeline answers with finite numbers, or refuses as a bundle does.

        Left out are rows whose answer isn't finite, which is an error of the model and not of the row, and, of models that add up in
        another order, rows whose terms are extreme.
        """
        keeps = np.array(self.refusals([row for _, row in rows]), dtype=bool)
        taken = [index for index in np.flatnonzero(~keeps) if self.exported.raw_tier == "A" or not _is_extreme(*rows[index])]
        if taken:
            keeps[taken] = self._are_finite(self.features([rows[index][1] for index in taken]))
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
        """Return rows of the data, evenly spread, that the pipeline answers."""
        chosen = [self.rows[index] for index in np.linspace(0, len(self.rows) - 1, min(count_max, len(self.rows))).astype(int)]
        refused = self.refusals(chosen)
        return [row for row, gone in zip(chosen, refused, strict=True) if not gone]

    def named(self, predictions):
        """Return what the pipeline predicts as `Answers` has it: a number, a label, or of several outputs a list for each row."""
        predictions = np.asarray(predictions)
        if not self.exported.names:
            predictions = np.ravel(predictions)
        if not self.recipe.target.labels:
            return predictions
        return np.array([*label_forms(predictions.tolist()), None], dtype=object)[:-1]

    def _frame(self, rows):
        frame = frame_of_rows(rows, self.recipe.features, self.nullable)
        if not self.unread:
            return frame
        others = pd.DataFrame({name: [value] * len(rows) for name, value in self.unread.items()}, index=frame.index)
        return pd.concat([frame, others], axis=1)[list(self.pipeline["preprocessing"].feature_names_in_)]


def _dense_output(step):
    """Return a step that gives a dense matrix where a ColumnTransformer at its end gives a sparse one, which has no -0.0."""
    if isinstance(step, Pipeline):
        made = copy.copy(step)
        made.steps = [*step.steps[:-1], (step.steps[-1][0], _dense_output(step.steps[-1][1]))]
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
