"""The models that a recipe can name: how each is made, exported, and asked for what its export will give."""

from collections.abc import Callable
from dataclasses import dataclass

import sklearn
import xgboost
from sklearn.neural_network import MLPClassifier
from xgboost import XGBClassifier, XGBRegressor

from plumb_trainer.errors import TrainerError
from plumb_trainer.graph.links import postprocessing_document
from plumb_trainer.models.core import ExportedModel, model_file
from plumb_trainer.models.layers import layer_model_bytes
from plumb_trainer.models.mlp_layers import read_mlp
from plumb_trainer.models.names import RAW
from plumb_trainer.models.tree_answers import trees_file
from plumb_trainer.models.xgboost_trees import read_xgboost


@dataclass(frozen=True)
class ModelKind:
    """A kind of model.

    Parameters
    ----------
    task : {"regression", "classification"}
    estimator : class
        Of scikit-learn's form.
    fixed : dict
        Constructor's parameters that a recipe can't set.
    export : callable
        Takes the fitted estimator and the labels of a classifier, which learnt them by their index, to an `ExportedModel`.
    limits : str
        What somebody who uses it should know, a sentence.
    """

    task: str
    estimator: type
    fixed: dict
    export: Callable
    limits: str


def _export_trees(model, labels):
    ensemble = read_xgboost(model)
    if ensemble.target_count > 1 and ensemble.link != "softmax":
        raise TrainerError(f"the model can't be exported: it has {ensemble.target_count} outputs, and a recipe's prediction is one number")
    return _exported(
        trees_file(ensemble),
        ensemble.link,
        labels,
        raw=lambda features: model.predict(features, output_margin=True),
        tier="A",
        libraries=(f"xgboost {xgboost.__version__}", _SCIKIT_LEARN),
    )


def _export_layers(model, labels):
    layers = read_mlp(model)
    return _exported(
        model_file(layer_model_bytes(layers), "float64", layers.width, layers.outputs),
        "sigmoid" if layers.outputs == 1 else "softmax",
        labels,
        raw=layers.raw,
        tier="C",
        libraries=(_SCIKIT_LEARN,),
        accepts="finite",
    )


def _exported(file, link, labels, *, raw, tier, **options):
    """Return a model whose answer is a link of its one output; the graph behind it is that of every recipe."""
    (output,) = file.outputs
    graph = postprocessing_document(RAW, output.dtype, output.width, link, labels)
    sources = {answer["name"]: answer["from"][0] for answer in graph["outputs"]}
    return ExportedModel(
        task="classification" if labels else "regression",
        models=(file,),
        nodes=tuple(graph["nodes"]),
        prediction=sources["prediction"],
        probabilities=sources.get("probabilities"),
        labels=tuple(labels),
        tiers={"raw": tier, **dict.fromkeys(sources, tier)},
        raw=lambda features: {RAW: raw(features).reshape(len(features), -1)},
        answer_dtype=output.dtype,
        **options,
    )


_SCIKIT_LEARN = f"scikit-learn {sklearn.__version__}"
_XGBOOST = {
    # One thread: XGBoost adds gradients in the order in which its threads come, and the model must come out the same again.
    "fixed": {"n_jobs": 1},
    "export": _export_trees,
    "limits": "A tree ensemble doesn't extrapolate: beyond the values it has seen, its answer stays the same.",
}

MODELS = {
    "xgboost_regressor": ModelKind("regression", XGBRegressor, **_XGBOOST),
    "xgboost_classifier": ModelKind("classification", XGBClassifier, **_XGBOOST),
    "mlp_classifier": ModelKind(
        "classification",
        MLPClassifier,
        fixed={},
        export=_export_layers,
        limits="A network extrapolates: on rows unlike any it has seen it may be wrong and sure of it.",
    ),
}
