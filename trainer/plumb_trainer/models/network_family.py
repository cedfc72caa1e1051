"""Multi-layer perceptrons: a Gemm for each layer, and the output's link in the graph behind it."""

from plumb_trainer.models.answers import measured_classifier, measured_regressor, refuse, refuse_output
from plumb_trainer.models.layers import layer_model_bytes
from plumb_trainer.models.mlp_layers import read_mlp

_LINKS = {"identity": (), "exp": ("exp",), "logistic": ("sigmoid",), "softmax": ("softmax",)}


def export(estimator, labels=None, output=None):
    """Return a fitted MLPRegressor or MLPClassifier as it is served; see `export_model`."""
    layers = read_mlp(estimator)
    onnx, link = layer_model_bytes(layers), _LINKS[estimator.out_activation_]
    if type(estimator).__name__ == "MLPRegressor":
        return measured_regressor(estimator, onnx, layers.width, layers.raw, link, layers.outputs, output)
    refuse_output(estimator, output)
    if layers.outputs > 1 and estimator.out_activation_ == "logistic":
        raise refuse(estimator, "it was fitted on several targets, and a row has one label; fit one model for each")
    return measured_classifier(onnx, layers.width, layers.outputs, layers.raw, estimator.classes_, labels, link)
