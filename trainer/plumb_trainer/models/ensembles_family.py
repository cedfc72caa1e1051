"""Models made of models: each in a file of its own, over the same features, and one graph that puts their answers together."""

import numpy as np
import onnx
import scipy
from onnx import TensorProto, helper
from sklearn.frozen import FrozenEstimator

from plumb_trainer.errors import TrainerError
from plumb_trainer.models import linear_family
from plumb_trainer.models.answers import SCIKIT_LEARN, refuse, refuse_output
from plumb_trainer.models.core import ExportedModel, ModelFile, Tensor, label_forms
from plumb_trainer.models.names import INPUT
from plumb_trainer.models.outputs import default_names


def export(estimator, labels=None, output=None):
    """Return a fitted ensemble as it is served; see `export_model`."""
    refuse_output(estimator, output)
    return _EXPORTS[type(estimator).__name__](estimator, labels)


class _Parts:
    """The models that an ensemble is made of, under names of their own, and the graph so far."""

    def __init__(self, ensemble):
        self._ensemble = ensemble
        self.members, self.nodes = [], []

    def add(self, estimator, name):
        """Return an estimator as part of the graph."""
        # Not at the head: the package asks this module, and this module asks it for the members.
        from plumb_trainer.models import export_model

        if estimator is None or estimator == "drop":
            raise refuse(self._ensemble, f'its member "{name}" is missing')
        try:
            member = _renamed(export_model(estimator), f"m{len(self.members)}")
        except TrainerError as error:
            raise refuse(self._ensemble, f'its member "{name}": {error}') from error
        self.members.append(member)
        self.nodes += member.nodes
        return member

    def node(self, operator, sources, **params):
        """Add a node over some tables, and return its id."""
        identifier = f"e{len(self.nodes)}"
        self.nodes.append({"id": identifier, "op": operator, "inputs": list(sources), "params": params})
        return identifier

    def exported(self, task, prediction, probabilities=None, labels=(), names=()):
        """Return the whole, without the nodes that nothing reads."""
        wanted, nodes = {prediction, probabilities}, []
        for part in reversed(self.nodes):
            if part["id"] in wanted:
                wanted |= set(part["inputs"])
                nodes.insert(0, part)
        raws = [member.raw for member in self.members]
        # What one member raises on, the whole raises on.
        strict = [member for member in self.members if member.accepts != "any"]
        looked_at = [member.checked_columns for member in strict]
        tier = max([_tier(part) for part in nodes] + [max(member.tiers.values()) for member in self.members])
        tiers = {"raw": max(member.tiers["raw"] for member in self.members), "prediction": tier}
        return ExportedModel(
            task=task,
            models=tuple(file for member in self.members for file in member.models),
            nodes=tuple(nodes),
            prediction=prediction,
            probabilities=probabilities,
            labels=labels,
            tiers=tiers if probabilities is None else {**tiers, "probabilities": tier},
            raw=lambda features: {name: values for raw in raws for name, values in raw(features).items()},
            accepts=min((member.accepts for member in self.members), key=_STRICTEST.index),
            checked_as="float32" if any(member.checked_as == "float32" for member in strict) else "float64",
            checked_columns=None if None in looked_at else tuple(sorted({column for columns in looked_at for column in columns})),
            libraries=tuple(dict.fromkeys(name for member in self.members for name in (*member.libraries, *SCIKIT_LEARN))),
            names=names,
        )


def _tier(part):
    """Return how true a node of an ensemble's own is to its library."""
    if part["op"] == "linear":
        return "A" if part["params"]["coef"] and len(part["params"]["coef"][0]) == 1 else "C"
    if part["op"] in ("weighted_mean", "vote"):
        # NumPy adds up eight and more in another order.
        return "A" if len(part["params"]["weights"]) < 8 else "C"
    if part["op"] == "proportions":
        return "C"
    return "B" if part["op"] in ("exp", "expm1") or (part["op"] in ("sigmoid", "softmax") and part["params"]["dtype"] == "float64") else "A"


def _renamed(member, prefix):
    """Return a model whose files and nodes begin with a prefix, and whose files take float64."""
    ids = {file.id: prefix if len(member.models) == 1 else f"{prefix}_{file.id}" for file in member.models}
    names = {f"{file.id}.{tensor.name}": f"{ids[file.id]}.{tensor.name}" for file in member.models for tensor in file.outputs}
    names |= {part["id"]: f"{prefix}_{part['id']}" for part in member.nodes}
    raw = member.raw
    return ExportedModel(
        task=member.task,
        models=tuple(_taking_float64(file, ids[file.id]) for file in member.models),
        nodes=tuple({**part, "id": names[part["id"]], "inputs": [names[name] for name in part["inputs"]]} for part in member.nodes),
        prediction=names[member.prediction],
        probabilities=names.get(member.probabilities),
        labels=member.labels,
        tiers=member.tiers,
        raw=lambda features: {names[name]: values for name, values in raw(features).items()},
        libraries=member.libraries,
        accepts=member.accepts,
        checked_as=member.checked_as,
        checked_columns=member.checked_columns,
        names=member.names,
        quantiles=member.quantiles,
    )


def _taking_float64(file, identifier):
    """Return a file under another id that takes the features in float64, and rounds them itself where it works in float32."""
    (tensor,) = file.inputs
    content = file.onnx
    if tensor.dtype != "float64":
        model = onnx.load_from_string(content)
        for part in model.graph.node:
            part.input[:] = ["rounded" if name == INPUT else name for name in part.input]
        model.graph.node.insert(0, helper.make_node("Cast", [INPUT], ["rounded"], name="round", to=TensorProto.FLOAT))
        model.graph.input[0].type.tensor_type.elem_type = TensorProto.DOUBLE
        onnx.checker.check_model(model, full_check=True)
        content = model.SerializeToString(deterministic=True)
    return ModelFile(identifier, content, (Tensor(INPUT, "float64", tensor.width),), file.outputs, file.thresholds)


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


def _scores(parts, estimator, member, model):
    """Return the name of a member's decision_function, which is a raw output of every model here that has one."""
    probe = np.random.default_rng(0).normal(size=(8, member.width))
    expected = np.asarray(model.decision_function(probe), dtype=np.float64).reshape(8, -1)
    for name, values in member.raw(probe).items():
        if values.shape == expected.shape and np.allclose(values, expected, rtol=1e-5, atol=1e-8):
            return name
    raise refuse(estimator, f"the decision_function of {type(model).__name__} is not what its trees or sums give")


def _voting_regressor(estimator, labels):
    parts = _Parts(estimator)
    predictions = [parts.add(model, name).prediction for name, model in _named(estimator)]
    return parts.exported("regression", parts.node("weighted_mean", predictions, weights=_weights(estimator, len(predictions))))


def _voting_classifier(estimator, labels):
    parts, labels = _Parts(estimator), _labels(estimator, labels)
    members = [(name, parts.add(model, name)) for name, model in _named(estimator)]
    weights = _weights(estimator, len(members))
    if estimator.voting == "hard":
        # The members learnt the classes by their index.
        votes = parts.node("vote", [member.prediction for _, member in members], labels=list(range(len(labels))), weights=weights)
        return parts.exported("classification", _decided(parts, labels, votes), None, labels)
    tables = [_both(parts, estimator, member, name) for name, member in members]
    mean = parts.node("weighted_mean", tables, weights=weights)
    return parts.exported("classification", _decided(parts, labels, mean), mean, labels)


def _named(estimator):
    names = [name for name, model in estimator.estimators if model != "drop"]
    return list(zip(names, estimator.estimators_, strict=True))


def _weights(estimator, count):
    weights = estimator._weights_not_none
    return [1.0] * count if weights is None else [float(weight) for weight in weights]


def _calibrated(estimator, labels):
    parts, labels = _Parts(estimator), _labels(estimator, labels)
    tables = []
    for index, calibrated in enumerate(estimator.calibrated_classifiers_):
        if calibrated.method not in ("sigmoid", "isotonic"):
            raise refuse(estimator, f'method "{calibrated.method}" has no operator; expected "sigmoid" or "isotonic"')
        model = calibrated.estimator
        if isinstance(model, FrozenEstimator):
            model = model.estimator
        member = parts.add(model, f"classifier {index}")
        if not np.array_equal(model.classes_, estimator.classes_):
            raise refuse(estimator, f"classifier {index} has not seen every class; fit with more rows of each, or fewer folds")
        two = len(labels) == 2
        if hasattr(model, "decision_function"):
            scores = _scores(parts, estimator, member, model)
        else:
            both = _both(parts, estimator, member, f"classifier {index}")
            scores = parts.node("select_columns", [both], columns=[1]) if two else both
        curves = []
        for column, calibrator in enumerate(calibrated.calibrators):
            score = scores if two else parts.node("select_columns", [scores], columns=[column])
            curves.append(_curve(parts, calibrator, score))
        tables.append(parts.node("both_classes", curves) if two else parts.node("proportions", curves))
    mean = parts.node("weighted_mean", tables, weights=[1.0] * len(tables))
    return parts.exported("classification", _decided(parts, labels, mean), mean, labels)


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
    parts = _Parts(estimator)
    final = estimator.final_estimator_
    known = {*linear_family.CLASSIFIERS, *linear_family.GENERALIZED}
    if type(final).__name__ not in known and not hasattr(final, "coef_"):
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
            sources.append(_scores(parts, estimator, member, model))
        elif member.task == "regression":
            sources.append(member.prediction)
        else:
            raise refuse(estimator, f'its member "{name}" gives labels to the final estimator; give it one with probabilities or scores')
    nodes, sums, result = linear_family.nodes_of(final, sources, "final_")
    parts.nodes += nodes
    if not hasattr(estimator, "classes_"):
        return parts.exported("regression", result)
    labels = _labels(estimator, labels)
    one = {"threshold": 0.0} if len(labels) == 2 else {}
    return parts.exported("classification", parts.node("label", [sums], labels=list(labels), **one), result, labels)


def _one_vs_rest(estimator, labels):
    parts, labels = _Parts(estimator), _labels(estimator, labels)
    if estimator.multilabel_ or len(labels) == 2:
        raise refuse(estimator, "it is exported for one target of three classes or more; for two, export the classifier itself")
    scores, chances = [], []
    for index, model in enumerate(estimator.estimators_):
        member = parts.add(model, f"classifier {index}")
        if member.probabilities is not None:
            chances.append(parts.node("select_columns", [_both(parts, estimator, member, index)], columns=[1]))
        scores.append(_scores(parts, estimator, member, model) if hasattr(model, "decision_function") else chances[-1])
    probabilities = parts.node("proportions", chances) if len(chances) == len(scores) else None
    decided = parts.node("label", scores, labels=list(labels))
    return parts.exported("classification", decided, probabilities, labels)


def _multi_output(estimator, labels):
    parts = _Parts(estimator)
    predictions = [parts.add(model, f"output {index}").prediction for index, model in enumerate(estimator.estimators_)]
    return parts.exported("regression", parts.node("identity", predictions), names=default_names(len(predictions)))


def _transformed_target(estimator, labels):
    parts = _Parts(estimator)
    member = parts.add(estimator.regressor_, "regressor")
    transformer = estimator.transformer_
    name = type(transformer).__name__
    if name == "FunctionTransformer":
        inverse = transformer.inverse_func
        operator = next((operator for function, operator in _INVERSES if inverse is function), None)
        if operator is None:
            named = getattr(inverse, "__name__", inverse)
            raise refuse(estimator, f"its inverse_func {named} has no operator; expected numpy.exp or numpy.expm1")
        params = {"dtype": "float64"} if operator == "exp" else {}
        prediction = parts.node(operator, [member.prediction], **params)
    elif name in _SCALERS:
        scale, shift = (getattr(transformer, attribute, None) for attribute in _SCALERS[name])
        # Undone as they were done: times the scale, then plus the middle, each output by its own.
        columns = []
        for index in range(len(member.names) or 1):
            coef, intercept = 1.0 if scale is None else float(scale[index]), 0.0 if shift is None else float(shift[index])
            column = parts.node("select_columns", [member.prediction], columns=[index]) if member.names else member.prediction
            columns.append(parts.node("linear", [column], coef=[[coef]], intercept=[intercept]))
        prediction = parts.node("identity", columns) if member.names else columns[0]
    else:
        expected = f"expected one of {', '.join(_SCALERS)}, or func and inverse_func"
        raise refuse(estimator, f"its transformer, a {name}, has no inverse here; {expected}")
    return parts.exported("regression", prediction, names=member.names)


_STRICTEST = ("finite", "missing", "any")
_INVERSES = ((np.exp, "exp"), (np.expm1, "expm1"))
_SCALERS = {"StandardScaler": ("scale_", "mean_"), "RobustScaler": ("scale_", "center_"), "MaxAbsScaler": ("scale_", "")}
_EXPORTS = {
    "VotingRegressor": _voting_regressor,
    "VotingClassifier": _voting_classifier,
    "CalibratedClassifierCV": _calibrated,
    "StackingRegressor": _stacking,
    "StackingClassifier": _stacking,
    "OneVsRestClassifier": _one_vs_rest,
    "MultiOutputRegressor": _multi_output,
    "TransformedTargetRegressor": _transformed_target,
}
