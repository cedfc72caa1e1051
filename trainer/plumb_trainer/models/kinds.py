"""The models that a recipe can name: how each is made, exported, and asked for what its export will give."""

from collections.abc import Callable
from dataclasses import dataclass

import sklearn
import xgboost
from sklearn.neural_network import MLPClassifier
from xgboost import XGBClassifier, XGBRegressor

from plumb_trainer.exported import Exported
from plumb_trainer.layers import layer_model_bytes
from plumb_trainer.mlp_layers import read_mlp
from plumb_trainer.stop import Stop
from plumb_trainer.tree_onnx import tree_model_bytes
from plumb_trainer.trees import thresholds_by_feature
from plumb_trainer.xgboost_trees import read_xgboost


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
        Takes the fitted estimator to an `Exported`.
    raw : callable
        Takes the fitted estimator and a block of features to what the library's own code gives before the link function.
    libraries : tuple of str
        What computes its answers, with versions, as the manifest names it.
    limits : str
        What somebody who uses it should know, a sentence.
    check : dict, default=None
        As of `ExportedModel`.
    """

    task: str
    estimator: type
    fixed: dict
    export: Callable
    raw: Callable
    libraries: tuple
    limits: str
    check: dict | None = None


def _export_trees(model):
    ensemble = read_xgboost(model)
    if ensemble.target_count > 1 and ensemble.link != "softmax":
        raise Stop(f"the model can't be exported: it has {ensemble.target_count} outputs, and a recipe's prediction is one number")
    return Exported(
        onnx=tree_model_bytes(ensemble),
        dtype=ensemble.dtype,
        width=ensemble.feature_count,
        outputs=ensemble.target_count,
        link=ensemble.link,
        tier="A",
        thresholds=thresholds_by_feature(ensemble),
    )


def _export_layers(model):
    layers = read_mlp(model)
    return Exported(
        onnx=layer_model_bytes(layers),
        dtype="float64",
        width=layers.width,
        outputs=layers.outputs,
        link="sigmoid" if layers.outputs == 1 else "softmax",
        tier="C",
        thresholds=[[]] * layers.width,
    )


_SCIKIT_LEARN = f"scikit-learn {sklearn.__version__}"
_XGBOOST = {
    # One thread: XGBoost adds gradients in the order in which its threads come, and the model must come out the same again.
    "fixed": {"n_jobs": 1},
    "export": _export_trees,
    "raw": lambda model, features: model.predict(features, output_margin=True),
    "libraries": (f"xgboost {xgboost.__version__}", _SCIKIT_LEARN),
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
        raw=lambda model, features: read_mlp(model).raw(features),
        libraries=(_SCIKIT_LEARN,),
        limits="A network extrapolates: on rows unlike any it has seen it may be wrong and sure of it.",
        check={},
    ),
}
