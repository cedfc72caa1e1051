"""Writes a tree ensemble as an ONNX model that answers as the training library does, bit for bit.

Operator ``TreeEnsemble`` of ai.onnx.ml 5, in the ensemble's own dtype. The usual converters write the older
``TreeEnsembleRegressor`` and leave the base score to an attribute, which ONNX Runtime adds last; for most rows the last bits differ then.
"""

import numpy as np
from onnx import helper, numpy_helper

from plumb_trainer.exported import INPUT, OUTPUT
from plumb_trainer.onnx_model import TENSOR_TYPES, onnx_bytes
from plumb_trainer.trees import Tree

_SUM = 1
_NO_LINK = 0
_MODES = {"<=": 0, "<": 1}


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
    for grown in ensemble.trees:
        tree = _without_intervals(grown, ensemble.comparison)
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
        roots.append(node_count)
        nodes.append(
            {
                "nodes_featureids": np.maximum(tree.feature[inner], 0),
                "nodes_splits": tree.threshold[inner],
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
    attributes["nodes_modes"] = np.full(node_count, _MODES[ensemble.comparison], dtype=np.uint8)
    tensors = {"nodes_modes": np.uint8, "nodes_splits": ensemble.dtype, "leaf_weights": ensemble.dtype}
    return {"tree_roots": roots} | {
        name: numpy_helper.from_array(values.astype(tensors[name]), name) if name in tensors else values.astype(np.int64).tolist()
        for name, values in attributes.items()
    }


def _joined(parts):
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def _depth_first(tree):
    """Return the nodes that the root leads to, each once, the left one's side first.

    Nodes that pruning left behind are not among them.
    """
    order, waiting, seen = [], [0], set()
    while waiting:
        index = waiting.pop()
        if index in seen:
            continue
        seen.add(index)
        order.append(index)
        if tree.feature[index] >= 0:
            waiting += [tree.right[index], tree.left[index]]
    return np.array(order, dtype=np.int64)


def _without_intervals(tree, comparison):
    """Return a tree that asks for numbers only: in place of a node with intervals stands a chain, a link for each bound.

    A link's left side is the child that its interval leads to, its right side the next link, so children have several parents. The
    operator's own test for members of a set compares exactly, one member after the other, which is more links for the same answer.
    """
    if not tree.intervals:
        return tree
    columns = {name: list(getattr(tree, name)) for name in ("feature", "threshold", "left", "right", "missing_left", "value")}
    for node, intervals in tree.intervals.items():
        children = {True: tree.left[node], False: tree.right[node]}
        # A value is below a bound where it is at most the float before it.
        bounds = intervals.bounds if comparison == "<" else np.nextafter(intervals.bounds, intervals.bounds.dtype.type(-np.inf))
        # NaN leaves the chain by the first link that leads to its side; neighbours differ, so one of the ends does.
        waits = True
        at = node
        for index, bound in enumerate(bounds):
            side = bool(intervals.goes_left[index])
            is_last = index == len(bounds) - 1
            leaves = waits and side == bool(tree.missing_left[node])
            waits = waits and not leaves
            onward = children[not side] if is_last else len(columns["feature"])
            link = {
                "feature": tree.feature[node],
                "threshold": bound,
                "left": children[side],
                "right": onward,
                "missing_left": leaves,
                "value": tree.value[node],
            }
            for name, values in columns.items():
                if at == len(values):
                    values.append(link[name])
                else:
                    values[at] = link[name]
            at = onward
    return Tree(
        **{name: np.array(values, dtype=getattr(tree, name).dtype) for name, values in columns.items()},
        target=tree.target,
    )
