"""Builds and fits the scikit-learn pipeline that a recipe describes."""

import inspect

from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import MinMaxScaler, OneHotEncoder, OrdinalEncoder, StandardScaler
from xgboost.core import XGBoostError

from plumb_trainer.errors import TrainerError
from plumb_trainer.fit.kinds import MODELS
from plumb_trainer.graph.operators import own

TRANSFORMERS = {
    "simple_imputer": SimpleImputer,
    "standard_scaler": StandardScaler,
    "min_max_scaler": MinMaxScaler,
    "one_hot_encoder": OneHotEncoder,
    "ordinal_encoder": OrdinalEncoder,
    **{operator.name: kind for kind, operator in own.OPERATORS.items()},
}


def build_pipeline(recipe):
    """Return the unfitted pipeline.

    Parameters
    ----------
    recipe : Recipe

    Returns
    -------
    Pipeline
        ``preprocessing``, a ColumnTransformer over a DataFrame that gives a dense float64 array, then ``model``.

    Raises
    ------
    TrainerError
        Where a step or model is unknown, or doesn't take a parameter.

    Notes
    -----
    ``sparse_threshold=0``: in a sparse matrix XGBoost reads zeros as missing, and whether a ColumnTransformer gives one
    depends on how many zeros the training data happened to have.
    """
    branches = [(branch.name, _chain(branch), list(branch.columns)) for branch in recipe.branches]
    kind, params = recipe.model
    if kind not in MODELS:
        raise TrainerError(f'the recipe\'s model "{kind}" is unknown; expected one of {", ".join(MODELS)}')
    if MODELS[kind].task != recipe.task:
        raise TrainerError(f'the recipe\'s task is {recipe.task}, but its model "{kind}" is for {MODELS[kind].task}')
    model = _construct(f'model "{kind}"', MODELS[kind].estimator, {"random_state": recipe.seed, **params}, MODELS[kind].fixed)
    return Pipeline([("preprocessing", ColumnTransformer(branches, sparse_threshold=0)), ("model", model)])


def fit_pipeline(pipeline, frame, target):
    """Fit; what scikit-learn or XGBoost refuse becomes a `TrainerError`."""
    try:
        return pipeline.fit(frame, target)
    except (ValueError, TypeError, XGBoostError) as error:
        raise TrainerError(f"the pipeline could not be fitted: {error}") from error


def _chain(branch):
    if branch.steps == (("passthrough", {}),):
        return "passthrough"
    steps = []
    for index, (operator, params) in enumerate(branch.steps):
        where = f'preprocessing "{branch.name}", step "{operator}"'
        if operator == "passthrough" and not params:
            steps.append((f"{index}_{operator}", "passthrough"))
            continue
        if operator not in TRANSFORMERS:
            raise TrainerError(f"{where}: there is no such step; expected one of {', '.join((*TRANSFORMERS, 'passthrough'))}")
        fixed = {"sparse_output": False} if operator == "one_hot_encoder" else {}
        steps.append((f"{index}_{operator}", _construct(where, TRANSFORMERS[operator], params, fixed)))
    return Pipeline(steps)


def _construct(where, kind, params, fixed):
    needed = [name for name, parameter in inspect.signature(kind).parameters.items() if _is_needed(parameter)]
    for name in needed:
        if name not in params:
            raise TrainerError(f'{where}: {kind.__name__} needs the parameter "{name}"')
    known = kind(**{name: params[name] for name in needed}).get_params()
    for name in params:
        if name in fixed:
            raise TrainerError(f'{where}: the trainer sets "{name}" itself, to {fixed[name]}; take it out')
        if name not in known:
            raise TrainerError(f'{where}: {kind.__name__} has no parameter "{name}"')
    return kind(**params, **fixed)


def _is_needed(parameter):
    return parameter.default is parameter.empty and parameter.kind is not parameter.VAR_KEYWORD
