"""A training run, from a recipe to a proved bundle."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from plumb_trainer.bundle import bundle_files
from plumb_trainer.evaluation import evaluation_document
from plumb_trainer.frame import frame_of_columns
from plumb_trainer.golden import golden_rows, proof_rows
from plumb_trainer.manifest import created_at
from plumb_trainer.pipeline import build_pipeline, fit_pipeline
from plumb_trainer.prove import prove
from plumb_trainer.publish import published, refuse_existing
from plumb_trainer.recipe import read_recipe
from plumb_trainer.row_schema import nullable_features, schema_document
from plumb_trainer.split import split_by_time
from plumb_trainer.table import read_table
from plumb_trainer.trained import Trained
from plumb_trainer.xgboost_trees import read_xgboost

# Compared beside the golden rows, and not kept.
PROOF_ROWS = 10_000


@dataclass(frozen=True)
class Result:
    """What a run made: the bundle's folder, evaluation.json, and over how many rows the bundle was proved."""

    directory: Path
    evaluation: dict
    compared_rows: int


def train(recipe_file, store, replace=False, prove=prove):
    """Read, validate, split, fit, evaluate, export, prove, write.

    Parameters
    ----------
    recipe_file : str or Path
    store : str or Path
        The model store; the bundle becomes ``store/<name>/<version>``.
    replace : bool, default=False
        Whether that may exist.
    prove : callable, default=prove
        Called with the whole bundle, before it is where anybody looks.

    Returns
    -------
    Result

    Raises
    ------
    Stop
        With sentences; nothing is written then.
    """
    recipe = read_recipe(recipe_file)
    target = Path(store) / recipe.name / str(recipe.version)
    refuse_existing(target, replace)
    created = created_at()

    table = read_table(recipe)
    parts = split_by_time(table.row_count, recipe.split)
    trained = fit(recipe, table, parts[0])

    frame = frame_of_columns(table.columns, recipe.features)
    evaluation = evaluation_document(table, table.columns[recipe.target.name], parts, trained.pipeline.predict(frame))
    golden = golden_rows(trained)
    others = proof_rows(trained, PROOF_ROWS)
    compared = len(golden) + len(others)

    with published(target, replace) as folder:
        for name, content in bundle_files(trained, table, evaluation, golden, compared, created).items():
            (folder / name).write_bytes(content)
        with np.errstate(over="ignore"):
            features = trained.features(others).astype(trained.ensemble.dtype)
        prove(folder, others, features, trained.predictions(others))
    return Result(target, evaluation, compared)


def fit(recipe, table, rows):
    """Return the pipeline, fitted on a part of the table, with the schema and the trees that follow from it.

    Parameters
    ----------
    recipe : Recipe
    table : Table
    rows : slice
        The rows to learn from.

    Returns
    -------
    Trained
    """
    pipeline = build_pipeline(recipe)
    fit_pipeline(pipeline, frame_of_columns(table.columns, recipe.features, rows), table.columns[recipe.target.name][rows])
    preprocessing = pipeline["preprocessing"]
    return Trained(
        recipe=recipe,
        pipeline=pipeline,
        ensemble=read_xgboost(pipeline["model"]),
        schema=schema_document(recipe, preprocessing),
        nullable=nullable_features(recipe, preprocessing),
        training={feature.name: table.columns[feature.name][rows] for feature in recipe.features},
    )
