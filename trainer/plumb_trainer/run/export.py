"""`export_bundle`: a pipeline that was fitted elsewhere becomes a proved bundle."""

import re
import time
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
from sklearn.pipeline import Pipeline
from threadpoolctl import threadpool_limits

from plumb_trainer.bundle.given_card import given_card
from plumb_trainer.bundle.manifest import created_at
from plumb_trainer.bundle.publish import refuse_existing
from plumb_trainer.errors import TrainerError, quote, quoted_columns
from plumb_trainer.evaluate.given_rows import given_evaluation
from plumb_trainer.fitted.adopt import adopted, as_fitted
from plumb_trainer.fitted.columns import read_column
from plumb_trainer.fitted.lists import asked_sizes, sized_features
from plumb_trainer.fitted.output_names import named_outputs
from plumb_trainer.fitted.own_answers import measured_flips, raising_as_stop
from plumb_trainer.fitted.pipeline import FittedPipeline
from plumb_trainer.fitted.single_precision import refuse_single_precision
from plumb_trainer.graph.export import readers
from plumb_trainer.graph.row_schema import nullable_features, schema_document
from plumb_trainer.proof.progress import progress_of
from plumb_trainer.proof.proved_bundle import PROOF_ROWS, write_proved
from plumb_trainer.recipe.document import LIST_TYPES, RANGE_WORDS, SIZE_WORDS, Column, Fallback, Recipe
from plumb_trainer.run.limits import call_limits

_SLO = {"p95_ms": 200, "rps": 200}
_LIMITS = "What it knows is what it was fitted on; nothing tells how it answers on rows unlike those."
_METADATA = ("title", "description", "target", "outputs", "unit", "seed")
_ADDITIONAL = ("error", "ignore")
_DESCRIBED = ("title", "description", "unit", "examples", "pii")
_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
# Libraries to which an absent value of a sparse matrix is missing, and not a zero.
_ABSENT_IS_MISSING = ("xgboost", "catboost")


def export_bundle(
    pipeline,
    X,
    out,
    *,
    name,
    version,
    y=None,
    schema=None,
    task=None,
    slo=None,
    limits=None,
    additional="error",
    golden_rows=PROOF_ROWS,
    allow_flips=None,
    metadata=None,
    progress=None,
):
    """Write a proved bundle of a fitted pipeline.

    Parameters
    ----------
    pipeline : Pipeline or estimator
        Fitted: preprocessing steps and a model, or a model alone; a search is its best estimator.
    X : DataFrame, Series or array
        Rows as the pipeline takes them, best those that it was fitted on. A Series is one feature, called by its name or ``text``; of a
        pipeline that was fitted on an array the columns go by their place, and those of an array are called ``x0``, ``x1``, ...
    out : str or Path
        The model store; the bundle becomes ``out/<name>/<version>``.
    name : str
    version : int
    y : array-like of shape (n_rows,) or (n_rows, n_outputs), default=None
        The truth of the rows, for evaluation.json. The columns of a DataFrame name the outputs.
    schema : dict, default=None
        By feature, what is to stand in schema.json beyond what is inferred: ``type``, ``minimum``, ``maximum``, ``exclusiveMinimum``,
        ``exclusiveMaximum``, ``minItems`` and ``maxItems`` of lists, ``title``, ``description``, ``unit``, ``examples``, and ``pii``
        for personal data; ``nullable=False`` where null is to be refused although the pipeline takes it.
    task : {"regression", "classification"}, default=None
        What the model must be for; None is what it is for.
    slo : dict, default=None
        As in the manifest: ``p95_ms`` and ``rps``.
    limits : dict, default=None
        As in the manifest: ``rows_max`` and ``body_bytes_max``. They follow from the width of the features.
    additional : {"error", "ignore"}, default="error"
        What becomes of a row's fields that are no features; ``ignore`` passes those over whose names look like no feature's.
    golden_rows : int, default=10_000
        How many rows are generated for the proof, beside those of golden.jsonl.
    allow_flips : float, default=None
        The greatest share of the rows of `X` that may reach other leaves of trees than in scikit-learn, where steps of tiers B and C stand
        before them. None admits no such pipeline.
    metadata : dict, default=None
        ``title``, ``description``, ``target`` (the name of what is predicted), ``outputs`` (of a model with several, their names in
        order), ``unit``, ``seed``.

    progress : bool or callable, default=None
        None draws a bar where the standard error is a terminal, False nothing; True writes a line for each stage there, and a callable is
        given the lines. At the end they say the size, the time, and the memory that serving takes.

    Returns
    -------
    Path
        The bundle's folder.

    Raises
    ------
    TrainerError
        With a sentence that names the step, the column and the way out; nothing is written then.
    """
    target = _target(out, name, version)
    given_metadata = _known("metadata", metadata, _METADATA)
    seed = given_metadata.get("seed", 0)
    if isinstance(seed, bool) or not isinstance(seed, int) or not 0 <= seed < 2**32 - 1:
        raise TrainerError(f"metadata, seed: expected an integer from 0 up, got {seed!r}")
    if not isinstance(golden_rows, int) or golden_rows < 1:
        raise TrainerError(f"golden_rows: expected a number of rows from 1 up, got {golden_rows!r}")
    if allow_flips is not None and not (isinstance(allow_flips, int | float) and 0 <= allow_flips <= 1):
        raise TrainerError(f"allow_flips: expected a share from 0 to 1, such as 0.001, got {allow_flips!r}")
    if additional not in _ADDITIONAL:
        raise TrainerError(f"additional: expected {' or '.join(map(quote, _ADDITIONAL))}, got {additional!r}")
    said, start = progress_of(progress), time.perf_counter()
    try:
        # More threads would add up in another order.
        with threadpool_limits(1):
            said.stage("reading the pipeline")
            brought = adopted(pipeline, X)
            slo = {**_SLO, **_known("slo", slo, tuple(_SLO))}
            trained = _fitted(brought, name, version, schema, {"slo": slo, "limits": limits}, given_metadata, y)
            trained.schema["additionalProperties"] = additional == "ignore"
            if task is not None and task != trained.recipe.task:
                raise TrainerError(f"task: the model is for {trained.recipe.task}, and {quote(task)} was asked for; leave it out")
            said.stage(f"asking the pipeline about the {len(trained.rows)} rows of X")
            flips = measured_flips(trained, brought.pipeline, brought.frame, allow_flips)
            evaluation = given_evaluation(trained, y)
            card = partial(given_card, trained, evaluation)
            write_proved(trained, evaluation, card, target, created=created_at(), proof_count=golden_rows, flips=flips, progress=said)
        _say_whole_numbers(trained.recipe.features, said)
        said.result(f"it took {time.perf_counter() - start:.1f} s")
    finally:
        said.close()
    return target


def _say_whole_numbers(features, said):
    whole = [feature.name for feature in features if feature.type in ("integer", "integers")]
    if whole:
        way = f"schema={{{whole[0]!r}: {{'type': 'number'}}}}"
        said.result(f"{quoted_columns(whole[:10])}: whole numbers in X, so 2.5 will be refused; {way} takes halves")


def _target(out, name, version):
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise TrainerError(
            f"name: expected 1 to 64 lower-case letters, digits, '.', '_' and '-', the first a letter or digit, got {name!r}"
        )
    if isinstance(version, bool) or not isinstance(version, int) or not 1 <= version < 10**15:
        raise TrainerError(f"version: expected an integer from 1 up, got {version!r}")
    target = Path(out) / name / str(version)
    if target.exists():
        raise TrainerError(f"{target}: this version exists already; give the next version")
    refuse_existing(target, False)
    return target


def _known(where, given, names):
    unknown = [key for key in given or {} if key not in names]
    if unknown:
        raise TrainerError(f"{where}: there is no {quote(unknown[0])}; expected {', '.join(names)}")
    return dict(given or {})


def _fitted(brought, name, version, schema, objectives, metadata, y):
    exported = named_outputs(brought.exported, y, metadata.get("outputs"))
    preprocessing, frame, names = brought.preprocessing, brought.frame, brought.names
    read = [column for column in names if any(True for _ in readers(preprocessing, column, names))]
    unread = {column: frame[column].iloc[0] for column in names if column not in read}
    types, columns = {}, {}
    for column in read:
        types[column], columns[column] = read_column(column, frame[column])
    refuse_single_precision(preprocessing, frame, read)
    _refuse_target(columns, y, metadata.get("target"))
    overrides = _overrides(schema, read)
    features = tuple(_column(column, types[column], overrides.get(column, {})) for column in read)
    recipe = Recipe(
        name=name,
        version=version,
        title=metadata.get("title", name),
        description=metadata.get("description"),
        seed=metadata.get("seed", 0),
        task=exported.task,
        data_file=None,
        dataset=None,
        time=None,
        key=(),
        target=Column(metadata.get("target", "prediction"), "number", {}, unit=metadata.get("unit"), labels=exported.labels),
        split=(),
        features=features,
        branches=(),
        model=(type(brought.model).__name__, {}),
        fallback=Fallback(),
        **objectives,
    )
    rows = [dict(zip(read, values, strict=True)) for values in zip(*(columns[column] for column in read), strict=True)]
    recipe = replace(recipe, limits=call_limits(exported.width, rows, recipe.limits))
    options = {
        "recipe": recipe,
        "pipeline": Pipeline([("preprocessing", preprocessing), ("model", brought.model)]),
        "exported": exported,
        "training": {feature.name: _filled(feature.type, columns[feature.name]) for feature in features},
        "limits": _LIMITS,
        "rows": rows,
        "unread": unread,
        "sparse_as_dense": not any(library.split()[0] in _ABSENT_IS_MISSING for library in exported.libraries),
        "asked": brought.asked,
        "coded": brought.coded,
    }
    # What has no operator or no form is told before anything is computed.
    FittedPipeline(schema={}, nullable=set(), **options).preprocessing_document()
    options["exported"] = replace(exported, answer_dtype=_answer_dtype(brought, exported))
    incomplete = {feature for feature in read if any(row[feature] is None for row in rows)}
    options["recipe"] = recipe = replace(recipe, features=sized_features(FittedPipeline(schema={}, nullable=incomplete, **options)))
    learnt = incomplete | nullable_features(recipe, preprocessing)
    # Where nothing was missing, what comes of it is asked of the pipeline. A list, and a boolean among numbers, stays what it was.
    nullable = learnt | {feature.name for feature in recipe.features if feature.type in ("number", "integer", "string")}
    asking = FittedPipeline(schema={}, nullable=nullable, **options)
    nullable = {feature for feature in nullable if _takes_missing(asking, feature)} - _never_null(overrides, incomplete)
    return FittedPipeline(schema=_schema(recipe, preprocessing, nullable), nullable=nullable, **options)


def _schema(recipe, preprocessing, nullable):
    """Return schema.json, with null where the pipeline takes a missing value."""
    document = schema_document(recipe, preprocessing)
    for feature, entry in document["properties"].items():
        kind = entry["type"][0] if isinstance(entry["type"], list) else entry["type"]
        entry["type"] = [kind, "null"] if feature in nullable else kind
        if "enum" in entry:
            entry["enum"] = [*(value for value in entry["enum"] if value is not None), *([None] if feature in nullable else [])]
    return document


def _refuse_target(columns, y, target):
    named = [target] if target is not None else list(getattr(y, "columns", [getattr(y, "name", None)]))
    for name in named:
        if name in columns:
            raise TrainerError(f"column {quote(name)} is the target, and a feature too; take it out of X, and fit again")
    if y is None:
        return
    truth = np.asarray(y)
    lengths = {len(values) for values in columns.values()}
    if lengths and len(truth) not in lengths:
        raise TrainerError(f"y: expected {lengths.pop()} values, one for each row of X, got {len(truth)}")
    targets = [target.tolist() for target in truth.reshape(len(truth), -1).T]
    for column, values in columns.items():
        if any(values == target and len(set(target)) > 1 for target in targets):
            raise TrainerError(f"column {quote(column)} equals y in every row: it is the target; take it out of X, and fit again")


def _never_null(overrides, incomplete):
    """Return the features that the caller lets nobody send as null."""
    for feature, members in overrides.items():
        asked = members.get("nullable", False)
        if asked is not False:
            raise TrainerError(
                f"schema, {quote(feature)}, nullable: expected False, got {asked!r}; null is allowed where the pipeline takes a missing value"
            )
        if "nullable" in members and feature in incomplete:
            raise TrainerError(f"schema, {quote(feature)}: nullable is False, and X has missing values there; leave it out, or fill them")
    return {feature for feature, members in overrides.items() if "nullable" in members}


def _overrides(schema, read):
    known = ("type", "nullable", *RANGE_WORDS, *SIZE_WORDS, *_DESCRIBED)
    for feature, members in (schema or {}).items():
        if feature not in read:
            raise TrainerError(f"schema: {quote(feature)} is no feature that the pipeline reads; expected {', '.join(read)}")
        _known(f"schema, {quote(feature)}", members, known)
    return schema or {}


def _column(name, kind, override):
    ranges = asked_sizes(name, kind, override)
    kind = _asked_type(name, kind, override.get("type", kind))
    described = {key: override[key] for key in _DESCRIBED if key in override}
    if "examples" in described:
        described["examples"] = tuple(described["examples"])
    asked = [key for key in RANGE_WORDS if key in override]
    if asked and kind in LIST_TYPES:
        raise TrainerError(
            f"schema, {quote(name)}: {asked[0]} is for numbers, and its values are lists; expected {' or '.join(SIZE_WORDS)}"
        )
    return Column(name, kind, {**ranges, **{key: override[key] for key in asked}}, **described)


def _asked_type(name, kind, asked):
    """Return the type of a column with what the caller asks of it: whole numbers, alone or in lists, needn't be whole."""
    wider = {"integer": "number", "integers": "numbers"}.get(kind, kind)
    if asked == kind or (asked == "array" and kind in LIST_TYPES):
        return kind
    if asked == "number" and wider != kind:
        return wider
    found = f"lists of {kind}" if kind in LIST_TYPES else f"of type {kind}"
    way_out = "leave it out, or give number" if wider != kind else "leave it out"
    raise TrainerError(f"schema, {quote(name)}: its values are {found}, and type says {asked}; {way_out}")


def _filled(kind, values):
    """Return a column for rows to be made of: values that are there stand in for those that are missing."""
    there = [value for value in values if value is not None]
    full = [there[index % len(there)] if value is None else value for index, value in enumerate(values)]
    dtype = {"number": np.float64, "integer": np.int64, "boolean": np.bool_}.get(kind, object)
    return np.array([*full, None], dtype=object)[:-1].astype(dtype)


def _answer_dtype(brought, exported):
    head = as_fitted(brought.frame.iloc[:2], brought.asked)
    with raising_as_stop():
        ask = brought.pipeline.predict if exported.probabilities is None else brought.pipeline.predict_proba
        answer = FittedPipeline.quietly(ask, head)
    return "float32" if np.asarray(answer).dtype == np.float32 else "float64"


def _takes_missing(given, feature):
    """Tell whether the pipeline answers rows in which only that feature is missing."""
    complete = {name: values[0].item() if hasattr(values[0], "item") else values[0] for name, values in given.training.items()}
    return not given.refusals([{**complete, feature: None}])[0]
