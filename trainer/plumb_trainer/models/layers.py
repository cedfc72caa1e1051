"""A network of dense layers in a neutral form, and its ONNX model."""

from dataclasses import dataclass

import numpy as np
from onnx import helper, numpy_helper
from scipy.special import expit

from plumb_trainer.models.names import INPUT, OUTPUT
from plumb_trainer.models.onnx_model import onnx_bytes

# What may stand between two layers: its ONNX operator, and as scikit-learn computes it.
ACTIVATIONS = {
    "relu": ("Relu", lambda block: np.maximum(block, 0)),
    "identity": (None, lambda block: block),
    "tanh": ("Tanh", np.tanh),
    "logistic": ("Sigmoid", expit),
}


@dataclass(frozen=True)
class Layers:
    """Layers ``x @ weights + bias`` in float64, with one activation between them and none after the last.

    Parameters
    ----------
    weights : list of ndarray of shape (n_inputs, n_outputs), dtype=float64
    biases : list of ndarray of shape (n_outputs,), dtype=float64
    activation : {"relu", "identity", "tanh", "logistic"}
    """

    weights: list
    biases: list
    activation: str

    @property
    def width(self):
        return self.weights[0].shape[0]

    @property
    def outputs(self):
        return self.weights[-1].shape[1]

    def raw(self, block):
        """Return what the last layer gives, ndarray of shape (n_rows, outputs), computed as scikit-learn does."""
        for index, (weights, bias) in enumerate(zip(self.weights, self.biases, strict=True)):
            if index > 0:
                block = ACTIVATIONS[self.activation][1](block)
            block = block @ weights + bias
        return block


def layer_model_bytes(layers):
    """Return a network as the bytes of an ONNX model: a Gemm for each layer, all in float64.

    Parameters
    ----------
    layers : Layers

    Returns
    -------
    bytes
        Input ``X`` [rows, width], output ``Y`` [rows, outputs].
    """
    nodes, initializers, last = [], [], len(layers.weights) - 1
    block = INPUT
    for index, (weights, bias) in enumerate(zip(layers.weights, layers.biases, strict=True)):
        initializers += [numpy_helper.from_array(weights, f"W{index}"), numpy_helper.from_array(bias, f"B{index}")]
        operator, _ = ACTIVATIONS[layers.activation]
        if index > 0 and operator is not None:
            nodes.append(helper.make_node(operator, [block], [f"A{index}"], name=f"activation{index}"))
            block = f"A{index}"
        result = OUTPUT if index == last else f"H{index}"
        nodes.append(helper.make_node("Gemm", [block, f"W{index}", f"B{index}"], [result], name=f"layer{index}"))
        block = result
    return onnx_bytes("layers", nodes, "float64", layers.width, layers.outputs, initializers)
