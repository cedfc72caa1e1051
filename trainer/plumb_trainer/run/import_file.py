"""`plumb-trainer import`: a file that a library saved becomes a proved bundle, by sample rows."""

import json
import re
from pathlib import Path

import pandas as pd

from plumb_trainer.errors import TrainerError, quote
from plumb_trainer.libraries import needed


def import_file(options):
    """Write a proved bundle of a file.

    Parameters
    ----------
    options : Namespace
        Of the command line.

    Returns
    -------
    str
        What was written, and what was inferred.
    """
    path = Path(options.file)
    if not path.is_file():
        raise TrainerError(f"{path}: there is no such file")
    frame = _rows(Path(options.rows))
    target = None
    if options.target is not None:
        if options.target not in frame.columns:
            raise TrainerError(f"--target: the rows have no column {quote(options.target)}")
        target = frame.pop(options.target)
    name = options.name or re.sub(r"[^a-z0-9._-]+", "-", path.stem.lower()).strip("-._") or "model"
    if path.suffix.lower() == ".onnx":
        from plumb_trainer.run.import_onnx import import_onnx

        schema = None if options.schema is None else json.loads(Path(options.schema).read_text(encoding="utf-8"))
        labels = () if options.labels is None else tuple(options.labels.split(","))
        directory, words = import_onnx(path, frame, options.out, name=name, version=options.number, schema=schema, labels=labels)
        return f"{directory}: written and proved\n  {words}"
    if options.schema is not None or options.labels is not None:
        raise TrainerError("--schema and --labels are for ONNX files; of any other the file and the rows say it")
    from plumb_trainer.run.export import export_bundle

    model, words = _loaded(path, options.trust)
    directory = export_bundle(model, frame, options.out, name=name, version=options.number, y=target)
    return f"{directory}: written and proved\n  {words}\n  features: {', '.join(f'{key} ({kind})' for key, kind in _types(directory))}"


def _types(directory):
    schema = json.loads((directory / "schema.json").read_text(encoding="utf-8"))
    for key, rule in schema["properties"].items():
        kind = rule.get("type", "enum")
        yield key, " or ".join(kind) if isinstance(kind, list) else kind


def _rows(path):
    """Return sample rows as a DataFrame."""
    kind = path.suffix.lower()
    try:
        if kind == ".csv":
            return pd.read_csv(path)
        if kind == ".parquet":
            needed("pyarrow")
            return pd.read_parquet(path)
        if kind in (".json", ".jsonl"):
            text = path.read_text(encoding="utf-8")
            return pd.DataFrame([json.loads(line) for line in text.splitlines() if line.strip()] if kind == ".jsonl" else json.loads(text))
    except ValueError as error:
        raise TrainerError(f"--rows: {path} can't be read as {kind[1:]}: {error}") from error
    raise TrainerError(f"--rows: expected a .csv, .parquet, .json (a list of rows) or .jsonl file, got {path.name}")


def _loaded(path, trust):
    """Return the model of a file, and a sentence about what it is."""
    reader = _READERS.get(path.suffix.lower())
    if reader is None:
        raise TrainerError(f"{path.name}: expected one of {', '.join([*_READERS, '.onnx'])}")
    return reader(path, trust)


def _of_xgboost(path, trust):
    needed("xgboost")
    import xgboost

    booster = xgboost.Booster()
    try:
        booster.load_model(path)
    except xgboost.core.XGBoostError as error:
        raise TrainerError(f"{path.name}: this is no model that XGBoost saved: {str(error).splitlines()[0]}") from error
    objective = json.loads(booster.save_config())["learner"]["objective"]["name"]
    is_classifier = objective.startswith(("binary:logistic", "multi:"))
    model = xgboost.XGBClassifier() if is_classifier else xgboost.XGBRegressor()
    model.load_model(path)
    kind = f"a classifier of {model.n_classes_} classes, called 0, 1 and so on" if is_classifier else "a regressor"
    return model, f"XGBoost, objective {objective}: {kind}"


def _of_lightgbm(path, trust):
    needed("lightgbm")
    import lightgbm

    try:
        booster = lightgbm.Booster(model_file=path)
    except lightgbm.basic.LightGBMError as error:
        raise TrainerError(f"{path.name}: this is no model that LightGBM saved: {error}") from error
    objective = booster.dump_model(num_iteration=1).get("objective", "none")
    return booster, f"LightGBM, objective {objective}: answers as the booster's predict does, of classes with their probabilities as numbers"


def _of_catboost(path, trust):
    needed("catboost")
    import catboost

    try:
        loss = catboost.CatBoost().load_model(str(path)).get_all_params()["loss_function"].partition(":")[0]
    except catboost.CatBoostError as error:
        raise TrainerError(f"{path.name}: this is no model that CatBoost saved: {str(error).splitlines()[0]}") from error
    is_classifier = loss in ("Logloss", "CrossEntropy", "MultiClass", "MultiClassOneVsAll")
    model = catboost.CatBoostClassifier() if is_classifier else catboost.CatBoostRegressor()
    return model.load_model(str(path)), f"CatBoost, loss {loss}: a {'classifier' if is_classifier else 'regressor'}"


def _of_skops(path, trust):
    needed("skops")
    from skops import io

    unknown = io.get_untrusted_types(file=path)
    if unknown and not trust:
        listed = ", ".join(unknown)
        raise TrainerError(f"{path.name}: it holds types that skops doesn't know to be safe: {listed}; --trust loads them, if you trust the file")
    model = io.load(path, trusted=unknown)
    return model, f"skops, {type(model).__name__}"


def _of_pickle(path, trust):
    if not trust:
        raise TrainerError(f"{path.name}: to load it runs whatever code stands in it; --trust does, if you trust the file")
    import joblib

    model = joblib.load(path)
    return model, f"joblib, {type(model).__name__}"


_READERS = {
    ".json": _of_xgboost,
    ".ubj": _of_xgboost,
    ".txt": _of_lightgbm,
    ".cbm": _of_catboost,
    ".skops": _of_skops,
    ".joblib": _of_pickle,
    ".pkl": _of_pickle,
}
