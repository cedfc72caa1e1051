"""scikit-learn's AdaBoost: of a classifier the weighed labels, of a regressor the weighed median of its members' answers."""

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from plumb_trainer.models.answers import SCIKIT_LEARN, refuse, refuse_output
from plumb_trainer.models.core import ExportedModel, label_forms, model_file
from plumb_trainer.models.names import OUTPUT, RAW
from plumb_trainer.models.parts import Parts
from plumb_trainer.models.sklearn_trees import forest, read_tree
from plumb_trainer.models.tree_answers import classification, refuse_labels
from plumb_trainer.models.tree_onnx import tree_model_bytes
from plumb_trainer.models.trees import thresholds_by_feature

_TREES = ("DecisionTreeClassifier", "DecisionTreeRegressor", "ExtraTreeClassifier", "ExtraTreeRegressor")


def export(estimator, labels=None, output=None):
    """Return a fitted AdaBoostClassifier or AdaBoostRegressor as it is served; see `export_model`."""
    refuse_output(estimator, output)
    of_trees = all(type(member).__name__ in _TREES for member in estimator.estimators_)
    if hasattr(estimator, "classes_"):
        return _trees(estimator, labels) if of_trees else _labels_weighed(estimator, labels)
    refuse_labels(labels)
    if not of_trees:
        name = type(estimator.estimators_[0]).__name__
        raise refuse(
            estimator,
            f"its answer is a weighted median, which is served of DecisionTreeRegressors only, and its members are {name}s; fit it over "
            f"DecisionTreeRegressor, or a BaggingRegressor of {name}",
        )
    return _median(estimator)


def _shares(estimator):
    """Return what each member gives to the class that it names, and what it gives to each other one."""
    count = len(estimator.classes_)
    weights = [float(weight) for weight, _ in zip(estimator.estimator_weights_, estimator.estimators_, strict=False)]
    return [(weight, -1 / (count - 1) * weight) for weight in weights]


def _links(count):
    """Return the nodes from the decision_function to the probabilities."""
    coef = [[-0.5], [0.5]] if count == 2 else (np.eye(count) / (count - 1)).tolist()
    return [("linear", {"coef": coef, "intercept": [0.0] * count}), ("softmax", {"dtype": "float64"})]


def _trees(estimator, labels):
    """Return trees whose leaves hold the shares of the classes, so that their sum is the decision_function."""
    count = len(estimator.classes_)
    # Of two classes the first has the opposite of the second, and the difference is what is decided by.
    targets = [1] if count == 2 else list(range(count))
    trees = []
    for member, (named, other) in zip(estimator.estimators_, _shares(estimator), strict=True):
        values = member.tree_.value.reshape(member.tree_.node_count, -1)
        named_class = np.searchsorted(estimator.classes_, member.classes_)[values.argmax(axis=1)]
        for place, target in enumerate(targets):
            trees.append(read_tree(member.tree_, np.where(named_class == target, named, other), place))
    after = [("Div", float(estimator.estimator_weights_.sum())), *([("Mul", 2.0)] if count == 2 else [])]
    ensemble = forest(trees, estimator.n_features_in_, len(targets), tuple(after))
    return classification(
        ensemble,
        estimator.decision_function,
        SCIKIT_LEARN[0],
        estimator.classes_ if labels is None else labels,
        _links(count),
        0.0 if count == 2 else None,
        decides_by="raw",
        tier="B" if count == 2 else "C",
        accepts="finite",
    )


def _labels_weighed(estimator, labels):
    """Return any classifiers, a file each, and the graph that weighs their labels in the library's own order."""
    # Not at the head: the package asks this module, and this module asks it for the members.
    from plumb_trainer.models import export_model

    parts = Parts(estimator, export_model)
    classes = label_forms(estimator.classes_)
    labels = classes if labels is None else label_forms(labels)
    if len(labels) != len(classes):
        raise refuse(estimator, f"it knows {len(classes)} classes, and {len(labels)} labels were given")
    count = len(classes)
    tables, coef = [], [[] for _ in classes]
    for index, (member, shares) in enumerate(zip(estimator.estimators_, _shares(estimator), strict=True)):
        prediction = parts.add(member, f"classifier {index}").prediction
        named = parts.node("vote", [prediction], labels=list(classes), weights=[1.0])
        others = parts.node("linear", [named], coef=(-np.eye(count)).tolist(), intercept=[1.0] * count)
        tables += [named, others]
        # A zero changes no sum: what is added is what the library adds, member after member.
        for place, weights in enumerate(coef):
            for share in shares:
                weights += [share if column == place else 0.0 for column in range(count)]
    sums = parts.node("linear", tables, coef=coef, intercept=[0.0] * count)
    decision = parts.divided(sums, float(estimator.estimator_weights_.sum()), count)
    if count == 2:
        decision = parts.node("select_columns", [decision], columns=[1])
        decision = parts.node("linear", [decision], coef=[[2.0]], intercept=[0.0])
    chances = decision
    for operator, params in _links(count):
        chances = parts.node(operator, [chances], **params)
    decided = parts.node("label", [decision], labels=list(labels), **({"threshold": 0.0} if count == 2 else {}))
    twin = parts.twin(estimators_=[parts.stand_in(index) for index in range(len(parts.members))])
    return parts.exported("classification", decided, chances, labels, estimator=twin)


def _median(estimator):
    """Return trees with an output each, and behind them, in the same file, the median by the members' weights."""
    members = estimator.estimators_
    trees = [read_tree(member.tree_, member.tree_.value.reshape(-1), target) for target, member in enumerate(members)]
    ensemble = forest(trees, estimator.n_features_in_, len(trees))
    onnx_model = _with_median(tree_model_bytes(ensemble), estimator.estimator_weights_[: len(members)])
    return ExportedModel(
        "regression",
        models=(
            model_file(
                onnx_model, ensemble.input_dtype, ensemble.feature_count, 1, thresholds_by_feature(ensemble), output_dtype=ensemble.dtype
            ),
        ),
        nodes=(),
        prediction=RAW,
        probabilities=None,
        labels=(),
        tiers={"raw": "A", "prediction": "A"},
        raw=lambda features: {RAW: estimator.predict(features).reshape(-1, 1)},
        libraries=SCIKIT_LEARN,
        accepts="finite",
        checked_as=ensemble.input_dtype,
    )


def _with_median(content, weights):
    """Return a model with several outputs per row as one that gives the first from which their weights, in order, make half of all."""
    model = onnx.load_from_string(content)
    graph, count = model.graph, len(weights)
    for part in graph.node:
        part.output[:] = ["each" if name == OUTPUT else name for name in part.output]
    constants = {
        "count": np.array([count]),
        "last": np.array([count - 1]),
        "axis": np.array(1),
        "half": np.array([0.5]),
        "weights": np.asarray(weights, dtype=np.float64),
    }
    graph.initializer.extend(numpy_helper.from_array(values, name) for name, values in constants.items())
    steps = [
        ("TopK", ["each", "count"], ["sorted", "order"], {"axis": 1, "largest": 0, "sorted": 1}),
        ("Gather", ["weights", "order"], ["weighed"], {}),
        ("CumSum", ["weighed", "axis"], ["reached"], {}),
        ("Gather", ["reached", "last"], ["all"], {"axis": 1}),
        ("Mul", ["all", "half"], ["middle"], {}),
        ("GreaterOrEqual", ["reached", "middle"], ["above"], {}),
        ("Cast", ["above"], ["flags"], {"to": TensorProto.FLOAT}),
        ("ArgMax", ["flags"], ["first"], {"axis": 1, "keepdims": 1}),
        ("GatherElements", ["sorted", "first"], [OUTPUT], {"axis": 1}),
    ]
    graph.node.extend(helper.make_node(operator, inputs, outputs, name=outputs[0], **more) for operator, inputs, outputs, more in steps)
    graph.output[0].type.tensor_type.shape.dim[1].dim_value = 1
    onnx.checker.check_model(model, full_check=True)
    return model.SerializeToString(deterministic=True)
