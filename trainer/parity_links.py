"""Make the parity cases of link functions: what XGBoost and NumPy make of margins, for ``parity_cases.py``."""

import numpy as np
from parity_export import category, numbers
from xgboost import XGBClassifier


def margins(seed, n_rows, n_columns):
    """Return margins in float32: random ones of several sizes, and the edges of the exponential."""
    rng = np.random.default_rng(seed)
    sizes = np.array([0.01, 1.0, 5.0, 30.0, 100.0])[rng.integers(0, 5, size=(n_rows, 1))]
    values = (rng.normal(size=(n_rows, n_columns)) * sizes).astype(np.float32)
    edges = np.float32([0, -0.0, 88.7, 88.8, -88.7, -88.8, 103.9, -104, 1e-8, 16.6355, 17.3, 3e38, -3e38])
    values[: len(edges), 0] = edges
    return values


def answer_graph(dtype, width, nodes, labels):
    """Return a graph document from one tensor of margins to predictions and probabilities."""
    return {
        "format": "plumb-graph/1",
        "inputs": [{"name": "main.Y", "dtype": dtype, "shape": ["rows", width]}],
        "nodes": nodes,
        "outputs": [
            {"name": "prediction", "from": ["answer"]},
            {"name": "probabilities", "from": ["p"], "params": {"labels": labels}},
        ],
    }


def link_case(dtype, raw, link, label_params, labels, probabilities, predictions):
    """Return a case of postprocessing: raw margins, and the library's probabilities and predictions."""
    nodes = [
        {"id": "p", "op": link, "inputs": ["main.Y"], "params": {"dtype": dtype}},
        {"id": "answer", "op": "label", "inputs": ["p"], "params": {"labels": labels} | label_params},
    ]
    return {
        "graph": answer_graph(dtype, raw.shape[1], nodes, labels),
        "raw": numbers(raw.ravel()),
        "probabilities": numbers(np.asarray(probabilities).ravel()),
        "predictions": [category(value) for value in predictions],
    }


def xgboost_case(n_classes, raw, link, label_params):
    """Let XGBoost turn given margins into probabilities and predictions: a model without trees, so the base margin is the margin."""
    n_columns = raw.shape[1]
    x = np.zeros((n_classes, 1), dtype=np.float32)
    objective = "binary:logistic" if n_columns == 1 else "multi:softprob"
    base = np.zeros((n_classes, n_columns), dtype=np.float32)
    # A huge minimum child weight leaves one leaf of weight 0 per tree, and base_score 0.5 is a margin of 0.
    model = XGBClassifier(n_estimators=1, min_child_weight=1e9, objective=objective, base_score=0.5, reg_lambda=1, n_jobs=1)
    model.fit(x, np.arange(n_classes), base_margin=base if n_columns > 1 else base[:, 0])
    served = np.zeros((len(raw), 1), dtype=np.float32)
    base_margin = raw if n_columns > 1 else raw[:, 0]
    margin = model.predict(served, output_margin=True, base_margin=base_margin)
    assert np.array_equal(margin.reshape(raw.shape), raw), "the margins were changed on their way"
    probabilities = model.predict_proba(served, base_margin=base_margin)
    predictions = model.predict(served, base_margin=base_margin)
    return link_case("float32", raw, link, label_params, list(range(n_classes)), probabilities, predictions)


def numpy_case(raw, link, label_params, labels):
    """Let NumPy turn float64 margins into probabilities and predictions."""
    if raw.shape[1] == 1:
        p = 1 / (1 + np.exp(-raw))
        probabilities = np.hstack([1 - p, p])
        predictions = np.array(labels)[(p[:, 0] > 0.5).astype(int)]
    else:
        shifted = np.exp(raw - raw.max(axis=1, keepdims=True))
        probabilities = shifted / shifted.sum(axis=1, keepdims=True)
        predictions = np.array(labels)[probabilities.argmax(axis=1)]
    return link_case("float64", raw, link, label_params, labels, probabilities, predictions)


def link_cases():
    """Sigmoid and softmax as XGBoost computes them in float32, and as NumPy does in float64."""
    yield "link-xgboost-sigmoid", xgboost_case(2, margins(6, 1500, 1), "sigmoid", {"threshold": 0.5})
    yield "link-xgboost-softmax", xgboost_case(3, margins(7, 600, 3), "softmax", {})
    yield "link-numpy-sigmoid", numpy_case(margins(8, 400, 1).astype(float), "sigmoid", {"threshold": 0.5}, ["no", "yes"])
    yield "link-numpy-softmax", numpy_case(margins(9, 200, 4).astype(float), "softmax", {}, list("abcd"))
