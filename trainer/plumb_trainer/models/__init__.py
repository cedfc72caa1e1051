"""Fitted models in the form that is served: `export_model` asks the module of the model's family."""

from importlib import import_module

import numpy as np
from sklearn.exceptions import NotFittedError
from sklearn.utils.validation import check_is_fitted

from plumb_trainer.errors import TrainerError
from plumb_trainer.models.core import ExportedModel, ModelFile, Tensor

# By the package and the name of a class: a library that isn't installed need not be imported to be known. Each module has
# `export(estimator, **options)`.
FAMILIES = {
    "xgboost_family": {"xgboost": ("XGBRegressor", "XGBClassifier", "XGBRFRegressor", "XGBRFClassifier", "XGBRanker")},
    "lightgbm_family": {"lightgbm": ("LGBMRegressor", "LGBMClassifier", "LGBMRanker")},
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
    "svm_family": {"sklearn": ("SVC", "NuSVC", "SVR", "NuSVR", "OneClassSVM")},
    "boosting_family": {"sklearn": ("AdaBoostRegressor", "AdaBoostClassifier")},
    "simple_family": {"sklearn": ("DummyRegressor", "DummyClassifier", "KMeans", "MiniBatchKMeans")},
    "ensembles_family": {
        "sklearn": (
            *("VotingRegressor", "VotingClassifier", "StackingRegressor", "StackingClassifier", "CalibratedClassifierCV"),
            *("OneVsRestClassifier", "MultiOutputRegressor", "MultiOutputClassifier", "TransformedTargetRegressor"),
            *("BaggingRegressor", "BaggingClassifier"),
            *("FixedThresholdClassifier", "TunedThresholdClassifierCV"),
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
        raise TrainerError(f"the model can't be exported: a {kind.__name__} has no form here; {_way_out(estimator)}")
    try:
        check_is_fitted(estimator)
    except NotFittedError as error:
        raise TrainerError(f"the model can't be exported: this {kind.__name__} isn't fitted; fit it first") from error
    classes = getattr(estimator, "classes_", None)
    # Of several targets it is a list, and each classifier is asked by itself.
    if isinstance(classes, np.ndarray) and len(classes) == 1:
        raise TrainerError(
            f"the model can't be exported: this {kind.__name__} has seen one class only, so there is nothing to tell apart; fit it on rows "
            "of two classes or more"
        )
    exported = import_module(f"plumb_trainer.models.{module}").export(estimator, **options)
    if n_features is not None and exported.width != n_features:
        raise TrainerError(f"the model was fitted on {exported.width} columns, and the preprocessing gives {n_features}: they don't fit")
    return exported


_WAYS_OUT = {
    "ClassifierChain": "each link would need the answers of those before it: fit a MultiOutputClassifier, or a classifier for each target",
    "RegressorChain": "each link would need the answers of those before it: fit a MultiOutputRegressor, or a model of several outputs",
    "OneVsOneClassifier": "fit a OneVsRestClassifier in its place, or an SVC, which votes by pairs itself",
    "OutputCodeClassifier": "fit a OneVsRestClassifier in its place, or a model that takes several classes itself",
    "GaussianProcessRegressor": "fit an SVR in its place, or write the ONNX file yourself for export_onnx",
    "GaussianProcessClassifier": "fit an SVC in its place, or write the ONNX file yourself for export_onnx",
    "KernelRidge": "fit an SVR in its place, or a Ridge behind a SplineTransformer",
    "IsotonicRegression": "put it behind a classifier as CalibratedClassifierCV(method='isotonic'), or fit a monotonic gradient boosting",
    "PLSRegression": "fit a Ridge in its place, or PCA and LinearRegression",
    "RandomTreesEmbedding": "it predicts nothing: fit a RandomForestClassifier or RandomForestRegressor",
    "CategoricalNB": "fit a BernoulliNB behind a OneHotEncoder, or a LogisticRegression",
    "DBSCAN": "it predicts no new row: fit KMeans in its place, or a classifier on its labels",
}


def _way_out(estimator):
    """Return the nearest ways out for a model that no family reads."""
    name = type(estimator).__name__
    near = "fit a linear model or a gradient boosting of scikit-learn, XGBoost or LightGBM in its place (docs/models.md has the list)"
    kind = "a classifier" if hasattr(estimator, "classes_") else "a model"
    return _WAYS_OUT.get(name, f"{near}, or train {kind} to its answers; what exists as ONNX goes through export_onnx")


__all__ = ["FAMILIES", "ExportedModel", "ModelFile", "Tensor", "export_model"]
