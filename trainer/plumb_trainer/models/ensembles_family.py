"""Models made of models: each in a file of its own, over the same features, and one graph that puts their answers together."""

import copy

import numpy as np
import scipy

from plumb_trainer.graph.fixed_steps import ColumnPick
from plumb_trainer.models import linear_family
from plumb_trainer.models.answers import refuse, refuse_output
from plumb_trainer.models.core import label_forms
from plumb_trainer.models.outputs import default_names
from plumb_trainer.models.parts import Parts
from plumb_trainer.models.targets import taken_back


def export(estimator, labels=None, output=None):
    """Return a fitted ensemble as it is served; see `export_model`."""
    refuse_output(estimator, output)
    return _EXPORTS[type(estimator).__name__](estimator, labels)


def _parts(ensemble):
    # Not at the head: the package asks this module, and this module asks it for the members.
    from plumb_trainer.models import export_model

    return Parts(ensemble, export_model)


def _labels(estimator, labels):
    labels = label_forms(estimator.classes_ if labels is None else labels)
    if len(labels) != len(estimator.classes_):
        raise refuse(estimator, f"it knows {len(estimator.classes_)} classes, and {len(labels)} labels were given")
    return labels


def _decided(parts, labels, scores):
    return parts.node("label", [scores], labels=list(labels))


def _both(parts, estimator, member, name):
    """Return the name of a member's probabilities, a column for each class."""
    if member.probabilities is None:
        raise refuse(estimator, f'its member "{name}" has no probabilities here')
    return parts.node("both_classes", [member.probabilities])


def _scores(parts, estimator):
    """Return the name of the last member's decision_function, which is a raw output of every model here that has one."""
    member = parts.members[-1]
    probe = np.random.default_rng(0).normal(size=(8, sum(width for _, width in member.spans)))
    expected = np.asarray(member.model.decision_function(probe), dtype=np.float64).reshape(8, -1)
    for name, values in member.raw(probe).items():
        if values.shape == expected.shape and np.allclose(values, expected, rtol=1e-5, atol=1e-8):
            return name
    raise refuse(
        estimator,
        f"the decision_function of {type(member.model).__name__} is not what its trees or sums give; put a model with probabilities in its "
        "place, or export that model itself",
    )


def _stand_ins(parts):
    return [parts.stand_in(index) for index in range(len(parts.members))]


def _voting_regressor(estimator, labels):
    parts = _parts(estimator)
    predictions = [parts.add(model, name).prediction for name, model in _named(estimator)]
    twin = parts.twin(estimators_=_stand_ins(parts))
    mean = parts.node("weighted_mean", predictions, weights=_weights(estimator, len(predictions)))
    return parts.exported("regression", mean, estimator=twin)


def _voting_classifier(estimator, labels):
    parts, labels = _parts(estimator), _labels(estimator, labels)
    members = [(name, parts.add(model, name)) for name, model in _named(estimator)]
    weights, twin = _weights(estimator, len(members)), parts.twin(estimators_=_stand_ins(parts))
    if estimator.voting == "hard":
        # The members learnt the classes by their index.
        votes = parts.node("vote", [member.prediction for _, member in members], labels=list(range(len(labels))), weights=weights)
        return parts.exported("classification", _decided(parts, labels, votes), None, labels, estimator=twin)
    tables = [_both(parts, estimator, member, name) for name, member in members]
    mean = parts.node("weighted_mean", tables, weights=weights)
    return parts.exported("classification", _decided(parts, labels, mean), mean, labels, estimator=twin)


def _named(estimator):
    names = [name for name, model in estimator.estimators if model != "drop"]
    return list(zip(names, estimator.estimators_, strict=True))


def _weights(estimator, count):
    weights = estimator._weights_not_none
    return [1.0] * count if weights is None else [float(weight) for weight in weights]


def _calibrated(estimator, labels):
    parts, labels = _parts(estimator), _labels(estimator, labels)
    tables = []
    for index, calibrated in enumerate(estimator.calibrated_classifiers_):
        if calibrated.method not in ("sigmoid", "isotonic"):
            raise refuse(estimator, f'method "{calibrated.method}" has no operator; expected "sigmoid" or "isotonic"')
        member = parts.add(calibrated.estimator, f"classifier {index}")
        model = parts.members[-1].model
        if not np.array_equal(model.classes_, estimator.classes_):
            raise refuse(estimator, f"classifier {index} has not seen every class; fit with more rows of each, or fewer folds")
        two = len(labels) == 2
        if hasattr(model, "decision_function"):
            scores = _scores(parts, estimator)
        else:
            both = _both(parts, estimator, member, f"classifier {index}")
            scores = parts.node("select_columns", [both], columns=[1]) if two else both
        curves = []
        for column, calibrator in enumerate(calibrated.calibrators):
            score = scores if two else parts.node("select_columns", [scores], columns=[column])
            curves.append(_curve(parts, calibrator, score))
        tables.append(parts.node("both_classes", curves) if two else parts.node("proportions", curves))
    mean = parts.node("weighted_mean", tables, weights=[1.0] * len(tables))
    twins = []
    for index, calibrated in enumerate(estimator.calibrated_classifiers_):
        twins.append(copy.copy(calibrated))
        twins[-1].estimator = parts.stand_in(index)
    twin = parts.twin(calibrated_classifiers_=twins)
    return parts.exported("classification", _decided(parts, labels, mean), mean, labels, estimator=twin)


def _curve(parts, calibrator, score):
    if hasattr(calibrator, "a_"):
        # expit(-(a * f + b)): the minus sign goes into both constants without a rounding.
        line = parts.node("linear", [score], coef=[[-float(calibrator.a_)]], intercept=[-float(calibrator.b_)])
        return parts.node("sigmoid", [line], dtype="float64")
    x, y = calibrator.X_thresholds_, calibrator.y_thresholds_
    # Fitted on float32, it is followed in float32.
    rounded = {"dtype": "float32", **interpolation_parameter()} if x.dtype == np.float32 else {}
    return parts.node("isotonic", [score], x=x.astype(np.float64).tolist(), y=y.astype(np.float64).tolist(), **rounded)


def float32_interpolation(version=scipy.__version__):
    """Return how this version of SciPy goes from point to point in float32: by the piece's slope, or by weights of its two ends."""
    return "weights" if tuple(map(int, version.split(".")[:2])) >= (1, 18) else "slope"


def interpolation_parameter():
    """Return the operator's parameter, where it isn't the default."""
    return {} if float32_interpolation() == "slope" else {"interpolation": float32_interpolation()}


def _stacking(estimator, labels):
    parts = _parts(estimator)
    final = estimator.final_estimator_
    # A kernel's classifier has no probabilities of its sum, and a PLSRegression centers what it is given.
    kinds = linear_family.CLASSIFIERS if hasattr(estimator, "classes_") else linear_family.GENERALIZED
    is_sum = not hasattr(estimator, "classes_") and hasattr(final, "coef_") and not hasattr(final, "x_weights_")
    if type(final).__name__ not in kinds and not is_sum:
        reason = f"its final_estimator, a {type(final).__name__}, would need a model behind the models; expected a linear one"
        raise refuse(estimator, reason)
    if estimator.passthrough:
        reason = "passthrough=True gives the features to its final_estimator, where only the models' answers come; fit without it"
        raise refuse(estimator, reason)
    names = [name for name, model in estimator.estimators if model != "drop"]
    sources = []
    for name, model, method in zip(names, estimator.estimators_, estimator.stack_method_, strict=True):
        member = parts.add(model, name)
        if method == "predict_proba":
            both = _both(parts, estimator, member, name)
            sources.append(parts.node("select_columns", [both], columns=[1]) if len(estimator.classes_) == 2 else both)
        elif method == "decision_function":
            sources.append(_scores(parts, estimator))
        elif member.task == "regression":
            sources.append(member.prediction)
        else:
            raise refuse(estimator, f'its member "{name}" gives labels to the final estimator; give it one with probabilities or scores')
    nodes, sums, result = linear_family.nodes_of(final, sources, "final_")
    parts.nodes += nodes
    twin = parts.twin(estimators_=_stand_ins(parts))
    if not hasattr(estimator, "classes_"):
        return parts.exported("regression", result, estimator=twin)
    labels = _labels(estimator, labels)
    one = {"threshold": 0.0} if len(labels) == 2 else {}
    return parts.exported("classification", parts.node("label", [sums], labels=list(labels), **one), result, labels, estimator=twin)


def _one_vs_rest(estimator, labels):
    parts, labels = _parts(estimator), _labels(estimator, labels)
    if estimator.multilabel_ or len(labels) == 2:
        raise refuse(estimator, "it is exported for one target of three classes or more; for two, export the classifier itself")
    scores, chances = [], []
    for index, model in enumerate(estimator.estimators_):
        member = parts.add(model, f"classifier {index}")
        if member.probabilities is not None:
            chances.append(parts.node("select_columns", [_both(parts, estimator, member, index)], columns=[1]))
        scores.append(_scores(parts, estimator) if hasattr(model, "decision_function") else chances[-1])
    probabilities = parts.node("proportions", chances) if len(chances) == len(scores) else None
    decided = parts.node("label", scores, labels=list(labels))
    return parts.exported("classification", decided, probabilities, labels, estimator=parts.twin(estimators_=_stand_ins(parts)))


def _multi_output(estimator, labels):
    parts = _parts(estimator)
    predictions = [parts.add(model, f"output {index}").prediction for index, model in enumerate(estimator.estimators_)]
    twin = parts.twin(estimators_=_stand_ins(parts))
    return parts.exported("regression", parts.node("identity", predictions), names=default_names(len(predictions)), estimator=twin)


def _several_labels(estimator, labels):
    """Return a classifier of several targets: its labels, which are numbers, side by side as the numbers that it predicts."""
    parts = _parts(estimator)
    columns = []
    for index, model in enumerate(estimator.estimators_):
        classes = np.asarray(model.classes_)
        if classes.dtype.kind not in "iuf":
            raise refuse(
                estimator,
                f"the classes of its output {index} are no numbers, and several answers for a row are numbers here; give it the indexes "
                "that an OrdinalEncoder makes of the targets and fit again, or fit a classifier for each target and export a bundle for each",
            )
        prediction = parts.add(model, f"output {index}").prediction
        values = label_forms(classes)
        named = parts.node("vote", [prediction], labels=list(values), weights=[1.0])
        if values == (0, 1):
            columns.append(parts.node("select_columns", [named], columns=[1]))
        else:
            # One term is the class that is named, and all others are zeros.
            columns.append(parts.node("linear", [named], coef=[[float(value) for value in values]], intercept=[0.0]))
    twin = parts.twin(estimators_=_stand_ins(parts))
    return parts.exported("regression", parts.node("identity", columns), names=default_names(len(columns)), estimator=twin)


def _bagging(estimator, labels):
    parts = _parts(estimator)
    is_classifier = hasattr(estimator, "classes_")
    every = list(range(estimator.n_features_in_))
    members = []
    for index, (model, columns) in enumerate(zip(estimator.estimators_, estimator.estimators_features_, strict=True)):
        columns = np.asarray(columns).tolist()
        before = () if columns == every else ((f"columns {index}", ColumnPick(columns)),)
        members.append(parts.add(model, f"{'classifier' if is_classifier else 'regressor'} {index}", before))
    whole = np.arange(sum(tensor.width for tensor in parts.tensors))
    twin = parts.twin(estimators_=_stand_ins(parts), estimators_features_=[whole] * len(members), n_features_in_=len(whole))
    weights = [1.0] * len(members)
    if not is_classifier:
        mean = parts.node("weighted_mean", [member.prediction for member in members], weights=weights)
        return parts.exported("regression", mean, estimator=twin)
    labels = _labels(estimator, labels)
    for index, member in enumerate(members):
        if len(member.labels) != len(labels):
            raise refuse(estimator, f"classifier {index} has not seen every class; fit with more rows of each, or a larger max_samples")
    tables = [_both(parts, estimator, member, f"classifier {index}") for index, member in enumerate(members)]
    mean = parts.node("weighted_mean", tables, weights=weights)
    return parts.exported("classification", _decided(parts, labels, mean), mean, labels, estimator=twin)


def _threshold(estimator, labels):
    """Return a classifier whose label is the positive one from a threshold on, and whose probabilities are its classifier's own."""
    parts, labels = _parts(estimator), _labels(estimator, labels)
    inner = getattr(estimator, "estimator_", None) or estimator.estimator
    member = parts.add(inner, "estimator")
    model = parts.members[-1].model
    if len(labels) != 2:
        raise refuse(estimator, "a threshold decides between two classes, and it was fitted on more")
    positive = estimator.pos_label if hasattr(estimator, "pos_label") else estimator._curve_scorer._get_pos_label()
    second = positive is None or positive == estimator.classes_[1]
    wanted = estimator._get_response_method()
    by_chance = "predict_proba" in np.atleast_1d(wanted) and hasattr(model, "predict_proba")
    threshold = getattr(estimator, "best_threshold_", getattr(estimator, "threshold", "auto"))
    if isinstance(threshold, str):
        threshold = 0.5 if by_chance else 0.0
    if by_chance:
        both = _both(parts, estimator, member, "estimator")
        score = parts.node("select_columns", [both], columns=[int(second)])
        dtype = np.asarray(model.predict_proba(np.zeros((2, sum(width for _, width in parts.members[-1].spans))))).dtype
        # NumPy rounds a float of Python's own to the dtype of what it is compared with.
        is_rounded = dtype == np.float32 and not isinstance(threshold, np.floating)
        limit = float(np.float32(threshold)) if is_rounded else float(threshold)
        if not second:
            score = parts.node("linear", [score], coef=[[-1.0]], intercept=[0.0])
    else:
        score, limit = _scores(parts, estimator), float(threshold)
    # The positive class is taken from the threshold on. Of the first class that is all that isn't above its opposite.
    limit = float(np.nextafter(limit, -np.inf)) if second else -limit
    decided = parts.node("label", [score], labels=list(labels), threshold=limit)
    probabilities = member.probabilities and _both(parts, estimator, member, "estimator")
    attribute = "estimator_" if hasattr(estimator, "estimator_") else "estimator"
    return parts.exported("classification", decided, probabilities, labels, estimator=parts.twin(**{attribute: parts.stand_in(0)}))


def _transformed_target(estimator, labels):
    parts = _parts(estimator)
    member = parts.add(estimator.regressor_, "regressor")
    outputs = len(member.names) or 1
    prediction = taken_back(parts, estimator, estimator.transformer_, member.prediction, outputs, _predicted_dtype(parts))
    return parts.exported("regression", prediction, names=member.names, estimator=parts.twin(regressor_=parts.stand_in(0)))


def _predicted_dtype(parts):
    """Return the dtype in which the last member predicts: what takes its target back computes in that."""
    member = parts.members[-1]
    answer = np.asarray(member.model.predict(np.zeros((2, sum(width for _, width in member.spans)))))
    return "float32" if answer.dtype == np.float32 else "float64"


_EXPORTS = {
    "VotingRegressor": _voting_regressor,
    "VotingClassifier": _voting_classifier,
    "CalibratedClassifierCV": _calibrated,
    "StackingRegressor": _stacking,
    "StackingClassifier": _stacking,
    "OneVsRestClassifier": _one_vs_rest,
    "MultiOutputRegressor": _multi_output,
    "MultiOutputClassifier": _several_labels,
    "TransformedTargetRegressor": _transformed_target,
    "BaggingRegressor": _bagging,
    "BaggingClassifier": _bagging,
    "FixedThresholdClassifier": _threshold,
    "TunedThresholdClassifierCV": _threshold,
}
