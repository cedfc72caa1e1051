"""Grow a tree model on made-up data, for the benchmark of engines: python grow_trees.py FOLDER < spec.json (bench/engines/grid.ts has the specs).

Writes model.onnx by the trainer's own exporter, the model in its library's form for the peers, rows.bin (rows to ask for, drawn as the
training rows were, row-major, in the dtype that the model takes), and grown.json: what the model's ends look like and how large it came out.
"""

import json
import sys
from pathlib import Path

import joblib
import lightgbm
import numpy as np
import xgboost
from sklearn.ensemble import RandomForestRegressor

from plumb_trainer.models import sklearn_trees
from plumb_trainer.models.lightgbm_trees import read_lightgbm
from plumb_trainer.models.tree_onnx import tree_model_bytes
from plumb_trainer.models.xgboost_trees import read_xgboost

MISSING_SHARE = 0.05
ROWS = 4096
# One thread, and half of the features for each tree: it is soon done, and comes out the same again.
BOOSTED = {"learning_rate": 0.05, "colsample_bytree": 0.5, "random_state": 1, "n_jobs": 1}


def draw(generator, count, features):
    """Return rows of normal values, one in twenty of them missing."""
    rows = generator.normal(size=(count, features)).astype(np.float32)
    rows[generator.random(rows.shape) < MISSING_SHARE] = np.nan
    return rows


def answers(generator, rows, classes):
    """Return what the models learn: signals over some of the features, and noise, so that trees grow to their limits."""
    known = np.nan_to_num(rows)
    signals = known @ generator.normal(size=(rows.shape[1], max(classes, 1))) + np.sin(3 * known[:, :1]) * 2
    noisy = signals + generator.normal(size=signals.shape)
    return noisy.argmax(axis=1) if classes > 1 else noisy[:, 0]


def grow_xgboost(spec, rows, targets, folder):
    """Grow to a depth."""
    kind = xgboost.XGBClassifier if spec["classes"] > 1 else xgboost.XGBRegressor
    model = kind(n_estimators=spec["trees"] // max(spec["classes"], 1), max_depth=spec["depth"], **BOOSTED)
    model.fit(rows, targets)
    model.save_model(folder / "model.json")
    return read_xgboost(model)


def grow_demand(spec, folder):
    """Grow the demand example's model again: a peer needs it in its library's form. Its answers are compared before anything is timed."""
    from fit import fit_pipeline

    model = fit_pipeline(spec["data"]).named_steps["model"]
    model.save_model(folder / "model.json")
    return read_xgboost(model)


def grow_lightgbm(spec, rows, targets, folder):
    """Grow leaf by leaf."""
    model = lightgbm.LGBMRegressor(n_estimators=spec["trees"], num_leaves=spec["leaves"], min_child_samples=5, verbose=-1, **BOOSTED)
    booster = model.fit(rows.astype(np.float64), targets).booster_
    booster.save_model(folder / "model.txt")
    return read_lightgbm(booster)[0]


def grow_forest(spec, rows, targets, folder):
    """Grow until every leaf is pure."""
    model = RandomForestRegressor(n_estimators=spec["trees"], max_features=0.3, n_jobs=1, random_state=1).fit(rows, targets)
    joblib.dump(model, folder / "model.joblib")
    return sklearn_trees.read_means(model.estimators_, model.n_features_in_, 1, float(len(model.estimators_)))


def main(folder):
    """Grow what the specification on stdin asks for."""
    spec = json.load(sys.stdin)
    generator = np.random.default_rng(1)
    if spec["library"] == "demand":
        ensemble = grow_demand(spec, folder)
    else:
        rows = draw(generator, spec["trainingRows"], spec["features"])
        grow = {"xgboost": grow_xgboost, "lightgbm": grow_lightgbm, "forest": grow_forest}[spec["library"]]
        ensemble = grow(spec, rows, answers(generator, rows, spec["classes"]), folder)
        input_dtype = ensemble.input_dtype or ensemble.dtype
        draw(generator, ROWS, spec["features"]).astype(input_dtype).tofile(folder / "rows.bin")
    (folder / "model.onnx").write_bytes(tree_model_bytes(ensemble))
    leaves = [int((tree.feature < 0).sum()) for tree in ensemble.trees if len(tree.feature) > 1]
    grown = {
        "inputDtype": ensemble.input_dtype or ensemble.dtype,
        "outputDtype": ensemble.dtype,
        "features": ensemble.feature_count,
        "targets": ensemble.target_count,
        "trees": len(leaves),
        "leaves": sum(leaves),
        "levels": max(depth_of(tree) for tree in ensemble.trees),
    }
    (folder / "grown.json").write_text(json.dumps(grown))


def depth_of(tree):
    """Return how many comparisons the longest way to a leaf has."""
    levels, here = 0, np.array([0])
    while len(here := here[tree.feature[here] >= 0]) > 0:
        here = np.concatenate([tree.left[here], tree.right[here]])
        levels += 1
    return levels


if __name__ == "__main__":
    main(Path(sys.argv[1]))
