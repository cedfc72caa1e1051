"""CatBoost's models of numbers: float64 trees over float32 values, and the links in float64 by the portable math."""

import catboost
import numpy as np

from plumb_trainer.errors import TrainerError
from plumb_trainer.models.catboost_trees import read_catboost
from plumb_trainer.models.tree_answers import classification, refuse_labels, refuse_output, regression

_LIBRARY = f"catboost {catboost.__version__}"
_IDENTITY = ("RMSE", "MAE", "Quantile", "MultiQuantile", "MultiRMSE", "Expectile", "MAPE", "LogCosh", "Lq", "Huber")
_EXP = ("Poisson", "Tweedie")
_TWO_CLASSES = ("Logloss", "CrossEntropy")
_CLASSES = {"MultiClass": "softmax", "MultiClassOneVsAll": "sigmoid"}


def export(estimator, labels=None, output=None):
    """Return a fitted CatBoostRegressor or CatBoostClassifier as it is served; see `export_model`."""
    loss, _, options = estimator.get_all_params()["loss_function"].partition(":")
    is_classifier = isinstance(estimator, catboost.CatBoostClassifier)
    known = (*_TWO_CLASSES, *_CLASSES) if is_classifier else (*_IDENTITY, *_EXP)
    if loss not in known:
        raise TrainerError(
            f'the model can\'t be exported: loss "{loss}" makes of the sum what no operator does; expected one of {", ".join(known)}'
        )
    ensemble = read_catboost(estimator)

    def raw(features):
        return np.asarray(estimator.predict(features, prediction_type="RawFormulaVal", thread_count=1))

    if not is_classifier:
        refuse_labels(labels)
        links = [("exp", {"dtype": "float64"})] if loss in _EXP else []
        quantiles = _levels(options) if loss == "MultiQuantile" else ()
        return regression(ensemble, raw, _LIBRARY, links, output, tier="B" if links else "A", quantiles=quantiles)
    refuse_output(output)
    threshold = estimator.get_probability_threshold() if loss in _TWO_CLASSES else 0.5
    if threshold != 0.5:
        raise TrainerError(
            f"the model can't be exported: its labels are decided at a probability of {threshold:g} (set_probability_threshold), and a "
            "bundle's at 0.5; set it to 0.5, and decide by the probabilities that the bundle gives"
        )
    classes = estimator.classes_ if labels is None else labels
    one_column = loss in _TWO_CLASSES
    link = "sigmoid" if one_column else _CLASSES[loss]
    links = [(link, {"dtype": "float64"})]
    return classification(ensemble, raw, _LIBRARY, classes, links, threshold=0.0 if one_column else None, decides_by="raw", tier="B")


def _levels(options):
    """Return the levels of several quantiles, as a loss names them: ``alpha=0.1,0.9``."""
    (alphas,) = (option.removeprefix("alpha=") for option in options.split(";") if option.startswith("alpha="))
    return tuple(map(float, alphas.split(",")))
