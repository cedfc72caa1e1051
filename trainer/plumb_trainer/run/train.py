"""A training run, from a recipe to a proved bundle."""

from dataclasses import dataclass
from functools import partial
from pathlib import Path

from threadpoolctl import threadpool_limits

from plumb_trainer.bundle.card import card_text
from plumb_trainer.bundle.manifest import created_at
from plumb_trainer.bundle.publish import refuse_existing
from plumb_trainer.data.frame import frame_of_columns
from plumb_trainer.data.split import split_rows
from plumb_trainer.data.table import read_table
from plumb_trainer.errors import TrainerError, quote
from plumb_trainer.evaluate.evaluation import evaluation_document
from plumb_trainer.fit.kinds import MODELS
from plumb_trainer.fit.pipeline import build_pipeline, fit_pipeline
from plumb_trainer.fitted.pipeline import FittedPipeline
from plumb_trainer.graph.row_schema import nullable_features, schema_document
from plumb_trainer.numbers.parity import Parity
from plumb_trainer.proof.proved_bundle import write_proved
from plumb_trainer.recipe.document import read_recipe


@dataclass(frozen=True)
class Result:
    """What a run made: the bundle's folder, evaluation.json, and how far the bundle was found to be from the pipeline."""

    directory: Path
    evaluation: dict
    parity: Parity


def train(recipe_file, store, replace=False, judge=None):
    """Read, validate, split, fit, evaluate, export, prove, write.

    Parameters
    ----------
    recipe_file : str or Path
    store : str or Path
        The model store; the bundle becomes ``store/<name>/<version>``.
    replace : bool, default=False
        Whether that may exist.
    judge : PlumbCommand, default=None
        Proves the whole bundle, before it is where anybody looks; None is this project's own command.

    Returns
    -------
    Result

    Raises
    ------
    TrainerError
        With sentences; nothing is written then.
    """
    recipe = read_recipe(recipe_file)
    target = Path(store) / recipe.name / str(recipe.version)
    refuse_existing(target, replace)
    created = created_at()

    # More threads would add up in another order, and the same recipe must give the same bundle.
    with threadpool_limits(1):
        table = read_table(recipe)
        parts = split_rows(recipe, table)
        trained = fit(recipe, table, parts[0])

        truth = recipe.target.indexes(table.columns[recipe.target.name])
        evaluation = evaluation_document(recipe, table, truth, parts, trained.pipeline, frame_of_columns(table.columns, recipe.features))
        card = partial(card_text, trained, table, evaluation)
        found = write_proved(trained, evaluation, card, target, created=created, data_sha256=table.sha256, replace=replace, judge=judge)
    return Result(target, evaluation, found)


def fit(recipe, table, rows):
    """Return the pipeline, fitted on a part of the table, with the schema and the model's export that follow from it.

    Parameters
    ----------
    recipe : Recipe
    table : Table
    rows : ndarray of int
        The rows to learn from.

    Returns
    -------
    FittedPipeline
    """
    pipeline = build_pipeline(recipe)
    target = table.columns[recipe.target.name][rows]
    absent = [label for label in recipe.target.labels if label not in target]
    if absent:
        raise TrainerError(f"the training part has no row of {recipe.target.name} {', '.join(map(quote, absent))}; a model can't learn it")
    fit_pipeline(pipeline, frame_of_columns(table.columns, recipe.features, rows), recipe.target.indexes(target))
    preprocessing = pipeline["preprocessing"]
    kind = MODELS[recipe.model[0]]
    return FittedPipeline(
        recipe=recipe,
        pipeline=pipeline,
        exported=kind.export(pipeline["model"], recipe.target.labels),
        schema=schema_document(recipe, preprocessing),
        nullable=nullable_features(recipe, preprocessing),
        training={feature.name: table.columns[feature.name][rows] for feature in recipe.features},
        target=target,
        limits=kind.limits,
    )
