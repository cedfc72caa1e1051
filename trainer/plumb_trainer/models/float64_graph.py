"""Writes an ONNX model node by node, in float64 from ``X`` to ``Y``."""

import numpy as np
from onnx import TensorProto, helper, numpy_helper

from plumb_trainer.models.names import INPUT, OUTPUT
from plumb_trainer.models.onnx_model import onnx_bytes


class Float64Graph:
    """A graph under construction.

    Parameters
    ----------
    name : str
    width : int
        Columns of ``X``.
    """

    def __init__(self, name, width):
        self._name = name
        self._width = width
        self._nodes = []
        self._constants = []

    def constant(self, values, dtype=np.float64):
        """Return the name of an array that is part of the model."""
        name = f"c{len(self._constants)}"
        self._constants.append(numpy_helper.from_array(np.array(values, dtype=dtype, order="C"), name))
        return name

    def add(self, operator, *inputs, outputs=1, **attributes):
        """Return the name of an operator's output, or a list of them."""
        name = f"n{len(self._nodes)}"
        names = [f"{name}_{index}" for index in range(outputs)]
        self._nodes.append(helper.make_node(operator, list(inputs), names, name=name, **attributes))
        return names[0] if outputs == 1 else names

    def distances(self, points, power):
        """Return the name of distances to the power that they come from, [rows, points].

        The terms are added feature by feature, as the loops of scikit-learn's trees and of libsvm add them: the sum of equal terms in
        equal order has equal bits. A matrix product would be shorter, but it subtracts large squares from each other.

        Parameters
        ----------
        points : ndarray of shape (n_points, width)
        power : {1, 2}
        """
        # The body sees one feature of all rows and of all points, and carries the sums.
        operator, operands = ("Mul", ["gap", "gap"]) if power == 2 else ("Abs", ["gap"])
        nodes = [
            helper.make_node("Sub", ["column", "values"], ["gap"], name="gap"),
            helper.make_node(operator, operands, ["term"], name="term"),
            helper.make_node("Add", ["sums", "term"], ["added"], name="added"),
        ]
        value = helper.make_tensor_value_info
        body = helper.make_graph(
            nodes,
            "feature",
            [
                value("sums", TensorProto.DOUBLE, ["rows", len(points)]),
                value("column", TensorProto.DOUBLE, ["rows", 1]),
                value("values", TensorProto.DOUBLE, [1, len(points)]),
            ],
            [value("added", TensorProto.DOUBLE, ["rows", len(points)])],
        )
        columns = self.add("Unsqueeze", self.add("Transpose", INPUT, perm=[1, 0]), self.constant([2], np.int64))
        shape = self.add("Concat", self.rows(), self.constant([len(points)], np.int64), axis=0)
        zeros = self.add("Expand", self.constant([[0.0]]), shape)
        return self.add("Scan", zeros, columns, self.constant(points.T[:, None, :]), body=body, num_scan_inputs=2)

    def rows(self):
        """Return the name of the number of rows, a list of one."""
        return self.add("Shape", INPUT, start=0, end=1)

    def bytes(self, source, outputs):
        """Return the model, whose ``Y`` is the output called `source`, with that many columns."""
        for node in self._nodes:
            node.output[:] = [OUTPUT if name == source else name for name in node.output]
            node.input[:] = [OUTPUT if name == source else name for name in node.input]
        return onnx_bytes(self._name, self._nodes, "float64", self._width, outputs, self._constants)
