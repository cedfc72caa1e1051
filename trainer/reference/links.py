"""Cases of what stands after a model: what XGBoost, NumPy and scikit-learn make of its outputs."""

import numpy as np
from sklearn.linear_model import LinearRegression, LogisticRegression
from xgboost import XGBClassifier

from plumb_trainer.graph.operators import category_form
from plumb_trainer.numbers.json_form import number_forms


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
        "raw": number_forms(raw.ravel()),
        "probabilities": number_forms(np.asarray(probabilities).ravel()),
        "predictions": [category_form(value) for value in predictions],
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


def linear_sum(raw, coef, intercept):
    """Return weighted sums in the dtype of the arguments, in the order that the operator ``linear`` promises.

    Parameters
    ----------
    raw : ndarray of shape (n_rows, n_inputs)
        Values of each row.
    coef : ndarray of shape (n_outputs, n_inputs)
        Weights of each sum.
    intercept : ndarray of shape (n_outputs,)
        What is added to each sum at the end.

    Returns
    -------
    ndarray of shape (n_rows, n_outputs)
        The products added from the first input to the last, starting with the first product, then the intercept. NumPy's ``multiply``
        and ``add`` round each step by itself; ``raw @ coef.T`` would leave order and rounding to the BLAS library.
    """
    sums = np.empty((len(raw), len(coef)), dtype=raw.dtype)
    for output, weights in enumerate(coef):
        total = np.multiply(raw[:, 0], weights[0])
        for column in range(1, raw.shape[1]):
            total = np.add(total, np.multiply(raw[:, column], weights[column]))
        sums[:, output] = np.add(total, intercept[output])
    return sums


def linear_node(model, **params):
    """Return the node ``linear`` of a fitted model of scikit-learn."""
    coef = np.atleast_2d(model.coef_)
    intercept = np.broadcast_to(model.intercept_, len(coef))
    constants = {"coef": [number_forms(row) for row in coef], "intercept": number_forms(intercept)}
    return {"id": "sum", "op": "linear", "inputs": ["main.Y"], "params": constants | params}


def linear_training(seed, n_rows, n_columns):
    """Return values of several sizes, and a target that is nearly linear in them."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n_rows, n_columns)) * 10.0 ** rng.integers(-3, 4, size=(1, n_columns))
    return x, x @ rng.normal(size=n_columns) + rng.normal(size=n_rows)


def linear_regression_case(seed, n_columns, dtype):
    """Let a fitted LinearRegression's constants be applied, by the operator's order of summation, in a dtype."""
    x, y = linear_training(seed, 300, n_columns)
    model = LinearRegression().fit(x, y)
    raw = x.astype(dtype)
    raw[:9, 0] = np.array([0, -0.0, 1e-30, -1e-30, 1e30, -1e30, np.nan, np.inf, -np.inf], dtype=dtype)
    answers = linear_sum(raw, np.atleast_2d(model.coef_).astype(dtype), np.atleast_1d(model.intercept_).astype(dtype))[:, 0]
    library = model.predict(x[9:])
    size = np.abs(x[9:]) @ np.abs(model.coef_) + abs(model.intercept_)
    assert np.all(np.abs(answers[9:] - library) <= 2 * (n_columns + 1) * np.finfo(dtype).eps * size), "the library computes something else"
    # A single product leaves no order to choose, so the library's own bits are these.
    assert n_columns > 1 or dtype != "float64" or np.array_equal(answers[9:], library)
    graph = {
        "format": "plumb-graph/1",
        "inputs": [{"name": "main.Y", "dtype": dtype, "shape": ["rows", n_columns]}],
        "nodes": [linear_node(model, **({} if dtype == "float64" else {"dtype": dtype}))],
        "outputs": [{"name": "prediction", "from": ["sum"]}],
    }
    return {"graph": graph, "raw": number_forms(raw.ravel()), "predictions": number_forms(answers)}


def linear_classes_case():
    """Let a LogisticRegression of three classes answer: sums by the operator's order, then softmax and label."""
    x, y = linear_training(12, 240, 4)
    labels = np.array(["high", "low", "middle"])
    model = LogisticRegression(max_iter=5000).fit(x, labels[np.digitize(y, np.quantile(y, [1 / 3, 2 / 3]))])
    case = numpy_case(linear_sum(x, model.coef_, model.intercept_), "softmax", {}, model.classes_.tolist())
    assert case["predictions"] == model.predict(x).tolist()
    graph = case["graph"]
    graph["inputs"][0]["shape"] = ["rows", 4]
    graph["nodes"][0]["inputs"] = ["sum"]
    graph["nodes"].insert(0, linear_node(model))
    return case | {"raw": number_forms(x.ravel())}


def sorted_case():
    """Let NumPy put the values of each row in ascending order, as quantiles that crossed are put."""
    raw = margins(13, 300, 5)
    raw[20:30, 1], raw[25:35, 4], raw[40:45, 2] = np.nan, np.inf, -np.inf
    names = [f"quantile {index}" for index in range(raw.shape[1])]
    graph = {
        "format": "plumb-graph/1",
        "inputs": [{"name": "main.Y", "dtype": "float32", "shape": ["rows", raw.shape[1]]}],
        "nodes": [{"id": "sorted", "op": "sort_ascending", "inputs": ["main.Y"], "params": {}}],
        "outputs": [{"name": "prediction", "from": ["sorted"], "params": {"names": names}}],
    }
    return {"graph": graph, "raw": number_forms(raw.ravel()), "predictions": [number_forms(row) for row in np.sort(raw, axis=1)]}


def cases():
    """Sigmoid and softmax as XGBoost computes them in float32 and as NumPy does in float64, and weighted sums before them or alone."""
    yield "link-linear-one-input", linear_regression_case(10, 1, "float64")
    yield "link-linear-float64", linear_regression_case(11, 7, "float64")
    yield "link-linear-float32", linear_regression_case(11, 7, "float32")
    yield "link-numpy-linear-softmax", linear_classes_case()
    yield "link-numpy-sort", sorted_case()
    yield "link-xgboost-sigmoid", xgboost_case(2, margins(6, 1500, 1), "sigmoid", {"threshold": 0.5})
    yield "link-xgboost-softmax", xgboost_case(3, margins(7, 600, 3), "softmax", {})
    yield "link-numpy-sigmoid", numpy_case(margins(8, 400, 1).astype(float), "sigmoid", {"threshold": 0.5}, ["no", "yes"])
    yield "link-numpy-softmax", numpy_case(margins(9, 200, 4).astype(float), "softmax", {}, list("abcd"))
