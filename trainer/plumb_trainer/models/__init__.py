"""Fitted models in the form that is served: `export_model` asks the module of the model's family."""

from importlib import import_module

from sklearn.exceptions import NotFittedError
from sklearn.utils.validation import check_is_fitted

from plumb_trainer.errors import TrainerError
from plumb_trainer.models.core import ExportedModel, ModelFile, Tensor

# By the package and the name of a class: a library that isn't installed need not be imported to be known. Each module has
# `export(estimator, **options)`.
FAMILIES = {
    "xgboost_family": {"xgboost": ("XGBRegressor", "XGBClassifier", "XGBRFRegressor", "XGBRFClassifier")},
    "lightgbm_family": {"lightgbm": ("LGBMRegressor", "LGBMClassifier")},
    "catboost_family": {"catboost": ("CatBoostRegressor", "CatBoostClassifier")},
    "sklearn_trees_family": {
        "sklearn": (
            *("DecisionTreeRegressor", "DecisionTreeClassifier", "ExtraTreeRegressor", "ExtraTreeClassifier"),
            *("RandomForestRegressor", "RandomForestClassifier", "ExtraTreesRegressor", "ExtraTreesClassifier"),
            *("GradientBoostingRegressor", "GradientBoostingClassifier"),
            *("HistGradientBoostingRegressor", "HistGradientBoostingClassifier"),
            "IsolationForest",
        )
    },
    "linear_family": {
        "sklearn": (
            *("LinearRegression", "Ridge", "RidgeCV", "Lasso", "LassoCV", "LassoLars", "LassoLarsCV", "LassoLarsIC", "Lars", "LarsCV"),
            *("ElasticNet", "ElasticNetCV", "BayesianRidge", "ARDRegression", "HuberRegressor", "TheilSenRegressor", "QuantileRegressor"),
            *("OrthogonalMatchingPursuit", "OrthogonalMatchingPursuitCV", "SGDRegressor", "PassiveAggressiveRegressor", "LinearSVR"),
            *("MultiTaskLasso", "MultiTaskLassoCV", "MultiTaskElasticNet", "MultiTaskElasticNetCV"),
            *("PoissonRegressor", "GammaRegressor", "TweedieRegressor"),
            *("LogisticRegression", "LogisticRegressionCV", "SGDClassifier", "RidgeClassifier", "RidgeClassifierCV", "Perceptron"),
            *("PassiveAggressiveClassifier", "LinearSVC", "LinearDiscriminantAnalysis"),
        )
    },
    "network_family": {"sklearn": ("MLPRegressor", "MLPClassifier")},
    "bayes_family": {"sklearn": ("GaussianNB", "MultinomialNB", "ComplementNB", "BernoulliNB")},
    "neighbors_family": {"sklearn": ("KNeighborsRegressor", "KNeighborsClassifier")},
    "svm_family": {"sklearn": ("SVC", "NuSVC", "SVR", "NuSVR")},
    "ensembles_family": {
        "sklearn": (
            *("VotingRegressor", "VotingClassifier", "StackingRegressor", "StackingClassifier", "CalibratedClassifierCV"),
            *("OneVsRestClassifier", "MultiOutputRegressor", "TransformedTargetRegressor"),
        )
    },
}
_MODULES = {
    (package, name): module for module, packages in FAMILIES.items() for package, names in packages.items() for name in names
}


def export_model(estimator, n_features=None, **options):
    """Return a fitted model in the form that is served.

    Parameters
    ----------
    estimator : object
        A fitted estimator of a class in `FAMILIES`.
    n_features : int, default=None
        How many columns it is given; must be as many as it was fitted on.
    **options
        ``labels``: what a classifier's classes are called, in their order, if not by themselves.
        ``output``: of a model with several outputs, the index of the one that is the prediction, if not all of them; of an
        IsolationForest, its name.

    Returns
    -------
    ExportedModel

    Raises
    ------
    TrainerError
        With the reason and the way out, for a model that isn't fitted, that no module knows, or that would answer otherwise when served.
    """
    kind = type(estimator)
    module = _MODULES.get((kind.__module__.partition(".")[0], kind.__name__))
    if module is None:
        known = ", ".join(sorted({name for _, name in _MODULES}))
        raise TrainerError(
            f"the model can't be exported: nothing here reads a {kind.__module__}.{kind.__qualname__}; expected one of {known}"
        )
    try:
        check_is_fitted(estimator)
    except NotFittedError as error:
        raise TrainerError(f"the model can't be exported: this {kind.__name__} isn't fitted; fit it first") from error
    exported = import_module(f"plumb_trainer.models.{module}").export(estimator, **options)
    if n_features is not None and exported.width != n_features:
        raise TrainerError(f"the model was fitted on {exported.width} columns, and the preprocessing gives {n_features}: they don't fit")
    return exported


__all__ = ["FAMILIES", "ExportedModel", "ModelFile", "Tensor", "export_model"]
