"""Puts nodes together to an ONNX model with one input and one output."""

import onnx
from onnx import TensorProto, helper

from plumb_trainer.models.names import INPUT, OUTPUT

# The newest versions that the serving side's runtime takes; onnx itself would write newer ones.
IR_VERSION = 10
OPSET = 21
ML_OPSET = 5

TENSOR_TYPES = {"float32": TensorProto.FLOAT, "float64": TensorProto.DOUBLE}


def onnx_bytes(name, nodes, dtype, width, outputs, initializers=(), output_dtype=None):
    """Return a model as bytes; the same nodes give the same bytes.

    Parameters
    ----------
    name : str
        Of the graph.
    nodes : list of NodeProto
        From ``X`` to ``Y``.
    dtype : {"float32", "float64"}
        Of both, if there is no `output_dtype`.
    width, outputs : int
        Columns of ``X`` and of ``Y``.
    initializers : sequence of TensorProto, default=()
    output_dtype : {"float32", "float64"}, default=None
        Of ``Y``, where it is another one.

    Returns
    -------
    bytes
    """
    graph = helper.make_graph(
        nodes,
        name,
        [helper.make_tensor_value_info(INPUT, TENSOR_TYPES[dtype], ["rows", width])],
        [helper.make_tensor_value_info(OUTPUT, TENSOR_TYPES[output_dtype or dtype], ["rows", outputs])],
        initializer=list(initializers),
    )
    domains = {node.domain for node in nodes}
    ml = [helper.make_opsetid("ai.onnx.ml", ML_OPSET)] if "ai.onnx.ml" in domains else []
    # No version in the producer: the file changes only when the model does.
    model = helper.make_model(
        graph,
        opset_imports=[helper.make_opsetid("", OPSET), *ml],
        ir_version=IR_VERSION,
        producer_name="plumb_trainer",
        producer_version="",
    )
    onnx.checker.check_model(model, full_check=True)
    return model.SerializeToString(deterministic=True)
