"""Writes a tree ensemble as an ONNX model that answers as the training library does, bit for bit.

Operator ``TreeEnsemble`` of ai.onnx.ml 5, in the ensemble's own dtype. The usual converters write the older
``TreeEnsembleRegressor`` and leave the base score to an attribute, which ONNX Runtime adds last; for most rows the last bits differ then.
"""

import numpy as np
from onnx import helper, numpy_helper

from plumb_trainer.models.names import INPUT, OUTPUT
from plumb_trainer.models.onnx_model import TENSOR_TYPES, onnx_bytes
from plumb_trainer.models.trees import columns_of_categories

_SUM = 1
_NO_LINK = 0
_MODES = {"<=": 0, "<": 1}
_MEMBER = 6


def tree_model_bytes(ensemble):
    """Return an ensemble as the bytes of an ONNX model.

    Parameters
    ----------
    ensemble : TreeEnsemble

    Returns
    -------
    bytes
        Input ``X`` [rows, feature_count], output ``Y`` [rows, target_count]. The same ensemble gives the same bytes.
    """
    nodes, initializers, block = [], [], INPUT
    input_dtype = ensemble.input_dtype or ensemble.dtype
    if input_dtype != ensemble.dtype:
        nodes.append(helper.make_node("Cast", [block], ["C"], name="cast", to=TENSOR_TYPES[ensemble.dtype]))
        block = "C"
    if ensemble.whole:
        block = _whole_categories(ensemble, block, nodes, initializers)
    results = [f"T{index}" for index in range(len(ensemble.after))] + [OUTPUT]
    nodes.append(
        helper.make_node(
            "TreeEnsemble",
            [block],
            results[:1],
            name="trees",
            domain="ai.onnx.ml",
            n_targets=ensemble.target_count,
            aggregate_function=_SUM,
            post_transform=_NO_LINK,
            **_attributes(ensemble),
        )
    )
    for index, (operator, operand) in enumerate(ensemble.after):
        initializers.append(numpy_helper.from_array(np.asarray(operand, dtype=ensemble.dtype), f"O{index}"))
        nodes.append(helper.make_node(operator, [results[index], f"O{index}"], [results[index + 1]], name=f"after{index}"))
    return onnx_bytes("trees", nodes, input_dtype, ensemble.feature_count, ensemble.target_count, initializers, ensemble.dtype)


def _attributes(ensemble):
    """Return the operator's attributes: inner nodes and leaves are two lists, and each child says in which of them it is."""
    roots, nodes, leaves = [], [], []
    node_count = leaf_count = 0
    # A split by categories has its members in a list of their own, each split's ended by NaN.
    members = []
    for tree in ensemble.trees:
        order = _depth_first(tree)
        is_leaf = tree.feature < 0
        leaf, inner = order[is_leaf[order]], order[~is_leaf[order]]
        left, right = tree.left[inner], tree.right[inner]
        place = np.zeros(len(tree.feature), dtype=np.int64)
        place[inner] = node_count + np.arange(len(inner))
        place[leaf] = leaf_count + np.arange(len(leaf))
        if is_leaf[0]:
            # The operator has no tree without a node: one whose both branches end in the same leaf stands for it.
            inner = left = right = leaf
        modes = np.full(len(tree.feature), _MODES[ensemble.comparison])
        modes[list(tree.members)] = _MEMBER
        members += [np.append(tree.members[node], np.nan) for node in inner.tolist() if node in tree.members]
        roots.append(node_count)
        nodes.append(
            {
                "nodes_featureids": np.maximum(tree.feature[inner], 0),
                "nodes_splits": tree.threshold[inner],
                "nodes_modes": modes[inner],
                "nodes_missing_value_tracks_true": tree.missing_left[inner],
                "nodes_truenodeids": place[left],
                "nodes_trueleafs": is_leaf[left],
                "nodes_falsenodeids": place[right],
                "nodes_falseleafs": is_leaf[right],
            }
        )
        leaves.append({"leaf_targetids": np.full(len(leaf), tree.target), "leaf_weights": tree.value[leaf]})
        node_count += len(inner)
        leaf_count += len(leaf)
    attributes = _joined(nodes) | _joined(leaves)
    if members:
        attributes["membership_values"] = np.concatenate(members)
    tensors = {"nodes_modes": np.uint8, **dict.fromkeys(("nodes_splits", "leaf_weights", "membership_values"), ensemble.dtype)}
    return {"tree_roots": roots} | {
        name: numpy_helper.from_array(values.astype(tensors[name]), name) if name in tensors else values.astype(np.int64).tolist()
        for name, values in attributes.items()
    }


def _joined(parts):
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def _depth_first(tree):
    """Return the nodes that the root leads to, each before its children, the left one's side first.

    Nodes that pruning left behind are not among them.
    """
    order, waiting = [], [0]
    while waiting:
        index = waiting.pop()
        order.append(index)
        if tree.feature[index] >= 0:
            waiting += [tree.right[index], tree.left[index]]
    return np.array(order, dtype=np.int64)


def _whole_categories(ensemble, block, nodes, initializers):
    """Append what makes whole numbers of the columns of categories, and return its name.

    The runtime looks for a member by a value's integer part, where the operator's definition has equality. On whole numbers both agree.
    """

    def add(operator, inputs, result):
        nodes.append(helper.make_node(operator, inputs, [result], name=f"whole_{result}"))
        return result

    def constant(value, name):
        initializers.append(numpy_helper.from_array(np.asarray(value), name))
        return name

    dtype = np.dtype(ensemble.dtype).type
    whole = add("Floor", [block], "F")
    if ensemble.whole == "truncate":
        whole = add("Where", [add("Less", [block, constant(dtype(0), "Z")], "N"), add("Ceil", [block], "U"), whole], "W")
    if ensemble.whole == "or missing":
        whole = add("Where", [add("Equal", [block, whole], "E"), block, constant(dtype(np.nan), "Q")], "W")
    return add("Where", [constant(columns_of_categories(ensemble), "M"), whole, block], "K")
