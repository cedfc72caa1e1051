"""XGBoost's models: float32 trees, and the links in float32 as XGBoost computes them."""

import xgboost

from plumb_trainer.exported import RAW
from plumb_trainer.models.core import ExportedModel, label_forms, model_file, node
from plumb_trainer.tree_onnx import tree_model_bytes
from plumb_trainer.trees import thresholds_by_feature
from plumb_trainer.xgboost_trees import read_xgboost


def export(estimator, labels=None):
    """Return a fitted XGBRegressor or XGBClassifier as it is served; see `export_model`."""
    ensemble = read_xgboost(estimator)
    thresholds = thresholds_by_feature(ensemble)
    file = model_file(tree_model_bytes(ensemble), ensemble.dtype, ensemble.feature_count, ensemble.target_count, thresholds)
    shared = {
        "models": (file,),
        "raw": lambda features: {RAW: estimator.predict(features, output_margin=True).reshape(len(features), -1)},
        "libraries": (f"xgboost {xgboost.__version__}",),
    }
    if ensemble.link == "identity":
        return ExportedModel("regression", nodes=(), prediction=RAW, probabilities=None, labels=(), tiers={"raw": "A", "prediction": "A"}, **shared)
    labels = label_forms(estimator.classes_ if labels is None else labels)
    threshold = {"threshold": 0.5} if ensemble.link == "sigmoid" else {}
    return ExportedModel(
        "classification",
        nodes=(node("p1", ensemble.link, RAW, dtype="float32"), node("p2", "label", "p1", labels=list(labels), **threshold)),
        prediction="p2",
        probabilities="p1",
        labels=labels,
        tiers={"raw": "A", "prediction": "A", "probabilities": "A"},
        **shared,
    )
