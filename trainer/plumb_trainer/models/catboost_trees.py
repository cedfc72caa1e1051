"""Reads a CatBoost model into the neutral tree form, or says why it can't be."""

import json
import tempfile
from pathlib import Path

import numpy as np

from plumb_trainer.errors import TrainerError
from plumb_trainer.models.trees import Tree, TreeEnsemble


def read_catboost(model):
    """Return the trees of a fitted CatBoost model.

    Parameters
    ----------
    model : CatBoost
        Fitted on numbers only.

    Returns
    -------
    TreeEnsemble
        In float64 over values rounded to float32, as CatBoost computes; then its scale and its bias.

    Raises
    ------
    TrainerError
        For features that a plain tree can't split on.
    """
    with tempfile.TemporaryDirectory(prefix="plumb-catboost-") as folder:
        path = Path(folder, "model.json")
        model.save_model(str(path), format="json")
        document = json.loads(path.read_text(encoding="utf-8"))
    features = document["features_info"]
    for kind in ("categorical", "text", "embedding"):
        if features.get(f"{kind}_features"):
            raise TrainerError(
                f"the model can't be exported: it has {kind} features, of which CatBoost makes numbers by rules of its own; "
                "encode them in the preprocessing (a TargetEncoder comes nearest) and give it numbers only"
            )
    # NaN lies above every border only where CatBoost was told so (nan_mode="Max"); a comparison with it is false otherwise.
    missing_left = {feature["feature_index"]: feature["nan_value_treatment"] != "AsTrue" for feature in features["float_features"]}
    columns = {feature["feature_index"]: feature["flat_feature_index"] for feature in features["float_features"]}
    scale, bias = document["scale_and_bias"]
    reader = _Reader(columns, missing_left, len(bias))
    trees = []
    for tree in document.get("oblivious_trees", document.get("trees")):
        trees += reader.oblivious(tree) if "splits" in tree or "leaf_values" in tree else reader.nested(tree)
    return TreeEnsemble(
        trees=trees,
        feature_count=len(columns),
        target_count=len(bias),
        dtype="float64",
        comparison="<=",
        input_dtype="float32",
        after=(("Mul", float(scale)), ("Add", np.array(bias, dtype=np.float64))),
    )


class _Reader:
    """Makes trees of splits and leaves, one for each output where leaves hold several values."""

    def __init__(self, columns, missing_left, outputs):
        self._columns = columns
        self._missing_left = missing_left
        self._outputs = outputs

    def oblivious(self, tree):
        """Return trees of one that asks the same on all branches of a level: the first split is the lowest bit of the leaf's index."""
        splits = tree["splits"] or []
        values = np.array(tree["leaf_values"], dtype=np.float64).reshape(-1, self._outputs)

        def grown(level, index):
            if level < 0:
                return values[index]
            return splits[level], grown(level - 1, index), grown(level - 1, index | 1 << level)

        return self._trees(grown(len(splits) - 1, 0))

    def nested(self, tree):
        """Return trees of one whose branches differ."""

        def grown(node):
            if "split" not in node:
                return np.atleast_1d(np.array(node["value"], dtype=np.float64))
            return node["split"], grown(node["left"]), grown(node["right"])

        return self._trees(grown(tree))

    def _trees(self, root):
        rows, leaves = [], []

        def place(node):
            at = len(rows)
            rows.append((-1, 0.0, -1, -1, False))
            leaves.append(np.zeros(self._outputs))
            if isinstance(node, tuple):
                split, left, right = node
                feature = split["float_feature_index"]
                rows[at] = (self._columns[feature], split["border"], place(left), place(right), self._missing_left[feature])
            else:
                leaves[at] = node
            return at

        place(root)
        feature, threshold, left, right, missing_left = zip(*rows, strict=True)
        values = np.array(leaves)
        return [
            Tree(
                feature=np.array(feature, dtype=np.int64),
                # A border is a float32, written with as many digits as that needs.
                threshold=np.array(threshold, dtype=np.float32).astype(np.float64),
                left=np.array(left, dtype=np.int64),
                right=np.array(right, dtype=np.int64),
                missing_left=np.array(missing_left, dtype=np.bool_),
                value=values[:, output],
                target=output,
            )
            for output in range(self._outputs)
        ]
