"""What stands round a model: pipelines, searches, frozen estimators, and the categories that a library encodes itself."""

import json

import numpy as np
from sklearn.model_selection._search import BaseSearchCV
from sklearn.pipeline import Pipeline

from plumb_trainer.errors import TrainerError
from plumb_trainer.graph.fixed_steps import CategoryCodes
from plumb_trainer.libraries import FrozenEstimator


def unwrapped(estimator):
    """Return the fitted steps before a model, and the model.

    Parameters
    ----------
    estimator : fitted estimator
        A model, or a pipeline, a search or a frozen estimator round one, one in another.

    Returns
    -------
    (list of (str, transformer), model, bool)
        A search is its best estimator, and a sampler of imbalanced-learn, which changes training's rows alone, is passed over. Where
        the library has learnt categories of a DataFrame, the last step gives their codes, and the third is True: the model reads codes.
    """
    steps, model = _outer(estimator)
    codes = _category_codes(model)
    return (steps, model, False) if codes is None else ([*steps, ("categories", codes)], model, True)


def standing_for(estimator):
    """Return what can be asked as scikit-learn asks: for a booster of XGBoost or LightGBM a regressor that answers as it does."""
    package = type(estimator).__module__.partition(".")[0]
    if type(estimator).__name__ != "Booster" or package not in ("xgboost", "lightgbm"):
        return estimator
    if package == "lightgbm":
        from lightgbm import LGBMRegressor

        regressor = LGBMRegressor()
        regressor._Booster, regressor.fitted_ = estimator, True
        regressor._n_features = regressor._n_features_in = estimator.num_feature()
        return regressor
    from xgboost import XGBRegressor

    regressor = XGBRegressor()
    regressor.load_model(bytearray(estimator.save_raw("json")))
    return regressor


def _outer(estimator):
    if isinstance(estimator, BaseSearchCV):
        if not hasattr(estimator, "best_estimator_"):
            name = type(estimator).__name__
            raise TrainerError(f"{name}: it keeps no best estimator; fit it with refit=True, or give the pipeline that you chose")
        return _outer(estimator.best_estimator_)
    if isinstance(estimator, FrozenEstimator):
        return _outer(estimator.estimator)
    if isinstance(estimator, Pipeline):
        *before, (_, last) = estimator.steps
        steps, model = _outer(last)
        return [*((name, step) for name, step in before if not hasattr(step, "fit_resample")), *steps], model
    return [], estimator


def _category_codes(model):
    """Return the step that gives the codes of categories that a model has learnt of a DataFrame; None where it has learnt none."""
    package, name = type(model).__module__.partition(".")[0], type(model).__name__
    reader = _CATEGORIES.get((package, name.removesuffix("Classifier").removesuffix("Regressor")))
    return reader and reader(model)


def _of_lightgbm(model):
    booster = getattr(model, "_Booster", None)
    learnt = booster and booster.pandas_categorical
    if not learnt:
        return None
    names = list(booster.feature_name())
    places = sorted(_categorical_places(booster, names))
    if len(places) != len(learnt):
        raise TrainerError(
            "the model can't be exported: which of its columns hold a DataFrame's categories isn't in the fitted model; "
            "fit it with categorical_feature='auto' on columns of dtype category, or give it numbers by an OrdinalEncoder"
        )
    lists = dict(zip(places, learnt, strict=True))
    return CategoryCodes([lists.get(index) for index in range(len(names))], getattr(model, "feature_names_in_", None))


def _categorical_places(booster, names):
    given = booster.params.get("categorical_column", booster.params.get("categorical_feature", []))
    return [place if isinstance(place, int) else names.index(str(place).removeprefix("name:")) for place in given]


def _of_xgboost(model):
    booster = getattr(model, "_Booster", None)
    if booster is None:
        return None
    learner = json.loads(booster.save_raw("json"))["learner"]
    learnt = learner["gradient_booster"].get("model", {}).get("cats", {}).get("enc") or []
    lists = [_xgboost_categories(entry) for entry in learnt]
    if not any(values is not None for values in lists):
        return None
    # XGBoost raises on a category that it has not learnt.
    return CategoryCodes(lists, getattr(model, "feature_names_in_", learner["feature_names"]), handle_unknown="error")


def _xgboost_categories(entry):
    """Return the categories of a column as XGBoost holds them: numbers, or all texts in one row of bytes."""
    if not entry.get("values"):
        return None
    values = entry["values"]
    if "offsets" not in entry:
        return list(values)
    content, ends = bytes(value % 256 for value in values), entry["offsets"]
    return [content[begin:end].decode() for begin, end in zip(ends[:-1], ends[1:], strict=True)]


def _of_hist_gradient_boosting(model):
    if getattr(model, "_preprocessor", None) is None:
        return None
    columns = np.flatnonzero(np.asarray(model.is_categorical_, dtype=bool))
    learnt = model._preprocessor.named_transformers_["encoder"].categories_
    if all(np.issubdtype(np.asarray(values).dtype, np.number) for values in learnt):
        return None
    lists = {int(column): [value for value in values if not _is_missing(value)] for column, values in zip(columns, learnt, strict=True)}
    return CategoryCodes([lists.get(index) for index in range(model.n_features_in_)], getattr(model, "feature_names_in_", None))


def _is_missing(value):
    return value is None or value != value


_CATEGORIES = {
    ("lightgbm", "LGBM"): _of_lightgbm,
    ("xgboost", "XGB"): _of_xgboost,
    ("xgboost", "XGBRF"): _of_xgboost,
    ("sklearn", "HistGradientBoosting"): _of_hist_gradient_boosting,
}
