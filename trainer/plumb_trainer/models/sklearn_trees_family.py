"""scikit-learn's trees and all that is made of them: forests, boosting, isolation."""

import copy
import dataclasses

import numpy as np
import sklearn
from sklearn.base import is_classifier
from sklearn.preprocessing import FunctionTransformer

from plumb_trainer.errors import TrainerError
from plumb_trainer.libraries import get_tags
from plumb_trainer.models import sklearn_trees
from plumb_trainer.models.core import ExportedModel, label_forms, node
from plumb_trainer.models.names import RAW
from plumb_trainer.models.tree_answers import classification, refuse_labels, refuse_output, regression, trees_file

_LIBRARY = f"scikit-learn {sklearn.__version__}"
# scikit-learn's classes of links, by what undoes them.
_LINKS = {
    "IdentityLink": [],
    "LogLink": [("exp", {"dtype": "float64"})],
    "LogitLink": [("sigmoid", {"dtype": "float64"})],
    "HalfLogitLink": [("linear", {"coef": [[2.0]], "intercept": [0.0]}), ("sigmoid", {"dtype": "float64"})],
    "MultinomialLogit": [("softmax", {"dtype": "float64"})],
}
# At 0 scikit-learn's gradient boosting takes the second class; this is the largest float below.
_BELOW_ZERO = -5e-324


def export(estimator, labels=None, output=None, coded=False):
    """Return a fitted model of scikit-learn's trees as it is served; see `export_model`.

    An IsolationForest's ``output`` is "predict" (the default: -1 or 1), "score_samples" or "decision_function".
    """
    name = type(estimator).__name__
    if name == "IsolationForest":
        refuse_labels(labels)
        return _isolation(estimator, output or "predict")
    if is_classifier(estimator):
        refuse_output(output)
    else:
        refuse_labels(labels)
    if name.startswith("HistGradientBoosting"):
        ensemble = sklearn_trees.read_hist_gradient_boosting(estimator, coded)
        if coded:
            twin = _reading_codes(estimator)
            return dataclasses.replace(_boosted(twin, ensemble, twin._raw_predict, 0.0, labels, output, "any"), estimator=twin)
        exported = _boosted(estimator, ensemble, estimator._raw_predict, 0.0, labels, output, "any")
        if estimator._preprocessor is None:
            return exported
        # Before columns of categories stands an encoder, which raises on infinities.
        categorical = tuple(np.flatnonzero(estimator.is_categorical_).tolist())
        return dataclasses.replace(exported, accepts="missing", checked_columns=categorical)
    if name.startswith("GradientBoosting"):
        ensemble = sklearn_trees.read_gradient_boosting(estimator)
        return _boosted(estimator, ensemble, _gradient_boosting_sums(estimator), _BELOW_ZERO, labels, output, "finite")
    return _means(estimator, labels, output)


def _reading_codes(estimator):
    """Return a copy of a HistGradientBoosting that is given the codes of categories, in the caller's order of columns."""
    twin = copy.copy(estimator)
    order = sklearn_trees.grown_columns(estimator)
    twin._preprocessor = FunctionTransformer(lambda block: np.ascontiguousarray(block[:, order], dtype=np.float64))
    return twin


def _means(estimator, labels, output):
    """Return a tree or a forest of trees whose leaves hold the answer."""
    is_forest = hasattr(estimator, "estimators_")
    grown = estimator.estimators_ if is_forest else [estimator]
    divisor = float(len(grown)) if is_forest else None
    alone = copy.copy(estimator)
    if is_forest:
        # Several threads add up in the order in which they come.
        alone.n_jobs = 1
    accepts = "missing" if get_tags(grown[0]).input_tags.allow_nan else "finite"
    if not is_classifier(estimator):
        ensemble = sklearn_trees.read_means(grown, estimator.n_features_in_, estimator.n_outputs_, divisor)
        return regression(ensemble, alone.predict, _LIBRARY, output=output, accepts=accepts)
    if estimator.n_outputs_ > 1:
        raise TrainerError(
            f"the model can't be exported: it gives a row {estimator.n_outputs_} labels at once, and a bundle answers with one; "
            "fit a classifier for each, and export a bundle for each"
        )
    ensemble = sklearn_trees.read_means(grown, estimator.n_features_in_, int(estimator.n_classes_), divisor)
    classes = estimator.classes_ if labels is None else labels
    return classification(ensemble, alone.predict_proba, _LIBRARY, classes, accepts=accepts)


def _gradient_boosting_sums(estimator):
    def raw(features):
        # It reads memory row by row; a scaler of a DataFrame gives it column by column.
        return estimator._raw_predict(np.ascontiguousarray(features, dtype=np.float32))

    return raw


def _boosted(estimator, ensemble, raw, threshold, labels, output, accepts):
    links = _LINKS[type(estimator._loss.link).__name__]
    if not is_classifier(estimator):
        return regression(ensemble, raw, _LIBRARY, links, output, tier="B" if links else "A", accepts=accepts)
    classes = estimator.classes_ if labels is None else labels
    one_column = ensemble.target_count == 1
    limit = threshold if one_column else None
    return classification(ensemble, raw, _LIBRARY, classes, links, limit, decides_by="raw", tier="B", accepts=accepts)


def _isolation(estimator, output):
    """Return an IsolationForest: depth d of the trees' mean to a score, -2^-d, and the label by the depth from which it is 1."""
    ensemble = sklearn_trees.read_isolation_forest(estimator)
    scores = [
        ("linear", {"coef": [[-float(np.log(2.0))]], "intercept": [0.0]}),
        ("exp", {"dtype": "float64"}),
        ("linear", {"coef": [[-1.0]], "intercept": [0.0]}),
    ]
    offset = [("linear", {"coef": [[1.0]], "intercept": [-float(estimator.offset_)]})]

    def raw(features):
        return _depths(estimator, features)

    if output == "score_samples":
        return regression(ensemble, raw, _LIBRARY, scores, tier="B")
    if output == "decision_function":
        return regression(ensemble, raw, _LIBRARY, scores + offset, tier="B")
    if output != "predict":
        raise TrainerError(
            f'there is no output "{output}" of an IsolationForest; expected "predict", "score_samples" or "decision_function"'
        )
    labels = label_forms([-1, 1])
    return ExportedModel(
        "classification",
        models=(trees_file(ensemble),),
        nodes=(node("label", "label", RAW, labels=list(labels), threshold=_last_outlier_depth(estimator.offset_)),),
        prediction="label",
        probabilities=None,
        labels=labels,
        tiers={"raw": "A", "prediction": "A"},
        raw=lambda features: {RAW: raw(features).reshape(-1, 1)},
        libraries=(_LIBRARY,),
    )


def _depths(estimator, features):
    """Return the mean depths that scikit-learn makes its scores of: its own sum, which it doesn't show, tree after tree."""
    block = np.asarray(features, dtype=np.float32)
    sums = np.zeros(len(block))
    parts = zip(
        estimator.estimators_,
        estimator.estimators_features_,
        estimator._decision_path_lengths,
        estimator._average_path_length_per_tree,
        strict=True,
    )
    for tree, columns, depths, below in parts:
        leaves = tree.apply(block[:, columns], check_input=False)
        sums += depths[leaves] + below[leaves] - 1.0
    return sums / (len(estimator.estimators_) * sklearn_trees._average_path_length([estimator._max_samples]))


def _last_outlier_depth(offset):
    """Return the greatest depth whose score is below the offset, found between two floats by NumPy's own power, as scikit-learn decides."""

    def is_outlier(depth):
        return -(2 ** (-np.array([depth])))[0] - offset < 0

    low, high = 0.0, 1.0
    while is_outlier(high):
        high *= 2
    while True:
        middle = low + (high - low) / 2
        if middle in (low, high):
            return low
        low, high = (middle, high) if is_outlier(middle) else (low, middle)
