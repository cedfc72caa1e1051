"""Writes a tree ensemble as an ONNX model that answers as the training library does, bit for bit.

Operator ``TreeEnsemble`` of ai.onnx.ml 5, in the ensemble's own dtype. The usual converters write the older
``TreeEnsembleRegressor`` and leave the base score to an attribute, which ONNX Runtime adds last; for most rows the last bits differ then.
"""

import numpy as np
import onnx
from onnx import TensorProto, helper

# The newest versions that the serving side's runtime takes; onnx itself would write newer ones.
IR_VERSION = 10
OPSET = 21
ML_OPSET = 5

_SUM = 1
_NO_LINK = 0
_MODES = {"<=": 0, "<": 1}
_TENSOR_TYPES = {"float32": TensorProto.FLOAT, "float64": TensorProto.DOUBLE}

INPUT, OUTPUT = "X", "Y"
# The model's id in the bundle, and its output as postprocessing.json reads it.
MODEL = "main"
RAW = f"{MODEL}.{OUTPUT}"


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
    dtype = _TENSOR_TYPES[ensemble.dtype]
    node = helper.make_node(
        "TreeEnsemble",
        [INPUT],
        [OUTPUT],
        name="trees",
        domain="ai.onnx.ml",
        n_targets=ensemble.target_count,
        aggregate_function=_SUM,
        post_transform=_NO_LINK,
        **_attributes(ensemble),
    )
    graph = helper.make_graph(
        [node],
        "trees",
        [helper.make_tensor_value_info(INPUT, dtype, ["rows", ensemble.feature_count])],
        [helper.make_tensor_value_info(OUTPUT, dtype, ["rows", ensemble.target_count])],
    )
    # No version in the producer: the file changes only when the model does.
    model = helper.make_model(
        graph,
        opset_imports=[helper.make_opsetid("", OPSET), helper.make_opsetid("ai.onnx.ml", ML_OPSET)],
        ir_version=IR_VERSION,
        producer_name="plumb_trainer",
        producer_version="",
    )
    onnx.checker.check_model(model, full_check=True)
    return model.SerializeToString(deterministic=True)


def _attributes(ensemble):
    """Return the operator's attributes: inner nodes and leaves are two lists, and each child says in which of them it is."""
    roots, nodes, leaves = [], [], []
    for tree in ensemble.trees:
        is_leaf = tree.feature < 0
        order = _depth_first(tree)
        node_at, leaf_at = {}, {}
        for index in order:
            place, count = (leaf_at, len(leaves)) if is_leaf[index] else (node_at, len(nodes))
            place[index] = count + len(place)
        roots.append(len(nodes))
        leaves.extend((tree.target, tree.value[index]) for index in order if is_leaf[index])
        if is_leaf[0]:
            # The operator has no tree without a node: one whose both branches end in the same leaf stands for it.
            nodes.append((0, tree.threshold[0], False, leaf_at[0], True, leaf_at[0], True))
            continue
        for index in order:
            if not is_leaf[index]:
                children = ((leaf_at[child], True) if is_leaf[child] else (node_at[child], False) for child in (tree.left[index], tree.right[index]))
                (true_id, true_leaf), (false_id, false_leaf) = children
                nodes.append((tree.feature[index], tree.threshold[index], tree.missing_left[index], true_id, true_leaf, false_id, false_leaf))
    feature, threshold, missing_left, true_id, true_leaf, false_id, false_leaf = zip(*nodes, strict=True)
    target, value = zip(*leaves, strict=True)
    return {
        "tree_roots": roots,
        "nodes_featureids": _ints(feature),
        "nodes_modes": _tensor("nodes_modes", [_MODES[ensemble.comparison]] * len(nodes), "uint8"),
        "nodes_splits": _tensor("nodes_splits", threshold, ensemble.dtype),
        "nodes_missing_value_tracks_true": _ints(missing_left),
        "nodes_truenodeids": _ints(true_id),
        "nodes_trueleafs": _ints(true_leaf),
        "nodes_falsenodeids": _ints(false_id),
        "nodes_falseleafs": _ints(false_leaf),
        "leaf_targetids": _ints(target),
        "leaf_weights": _tensor("leaf_weights", value, ensemble.dtype),
    }


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
    return order


def _ints(values):
    return [int(value) for value in values]


def _tensor(name, values, dtype):
    return onnx.numpy_helper.from_array(np.array(values, dtype=dtype), name)
