"""A fitted pipeline with everything that is asked of it: what it makes of rows as callers send them."""

import warnings
from dataclasses import dataclass

import numpy as np
from sklearn.pipeline import Pipeline

from plumb_trainer.frame import frame_of_columns, frame_of_rows
from plumb_trainer.recipe import Recipe
from plumb_trainer.trees import TreeEnsemble


@dataclass(frozen=True)
class Trained:
    """A fitted pipeline.

    Parameters
    ----------
    recipe : Recipe
    pipeline : Pipeline
        Fitted: ``preprocessing``, then ``model``.
    ensemble : TreeEnsemble
        The model, as it is exported.
    schema : dict
        schema.json.
    nullable : set of str
        Features that may be missing.
    training : dict of str to ndarray
        The rows that the pipeline was fitted on, by feature.
    """

    recipe: Recipe
    pipeline: Pipeline
    ensemble: TreeEnsemble
    schema: dict
    nullable: set
    training: dict

    def features(self, rows):
        """Return the float64 values before the cast, ndarray of shape (n_rows, width), as scikit-learn computes them.

        Raises
        ------
        ValueError
            Where a transformer refuses a row.
        """
        return np.asarray(self._quietly(self.pipeline["preprocessing"].transform, self._frame(rows)), dtype=np.float64)

    def raw(self, rows):
        """Return the model's margins, ndarray of shape (n_rows,), as XGBoost computes them."""
        return self._quietly(self.pipeline["model"].predict, self.features(rows), output_margin=True)

    def predictions(self, rows):
        """Return ``pipeline.predict``, ndarray of shape (n_rows,)."""
        return self._quietly(self.pipeline.predict, self._frame(rows))

    def training_predictions(self):
        """Return what the pipeline predicts for the rows that it was fitted on."""
        return self.pipeline.predict(frame_of_columns(self.training, self.recipe.features))

    def refusals(self, rows):
        """Return, for each row, whether the pipeline raises on it."""
        try:
            self.predictions(rows)
            return [False] * len(rows)
        except ValueError:
            # One row fails the whole batch: look in the halves for it.
            if len(rows) == 1:
                return [True]
            half = len(rows) // 2
            return self.refusals(rows[:half]) + self.refusals(rows[half:])

    def _frame(self, rows):
        return frame_of_rows(rows, self.recipe.features, self.nullable)

    @staticmethod
    def _quietly(function, *args, **options):
        # Rows at the edges overflow and bring unknown categories on purpose.
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            return function(*args, **options)
