"""Cases of what puts models together and corrects them: what NumPy and scikit-learn make of given outputs."""

import numpy as np
from sklearn.isotonic import IsotonicRegression

from plumb_trainer import portable
from plumb_trainer.graph.operators import category_form
from plumb_trainer.models.ensembles_family import float32_interpolation, interpolation_parameter
from plumb_trainer.numbers.json_form import number_forms
from reference.links import answer_graph

# SciPy to 1.17, and from 1.18 on: an environment has one of them, and the other's case is what another environment wrote.
ISOTONIC_FLOAT32 = {"slope": "link-isotonic-float32", "weights": "link-isotonic-float32-weights"}


def number_case(raw, operator, params, answers):
    """Return a case with one node and a number as the answer."""
    return {
        "graph": {
            "format": "plumb-graph/1",
            "inputs": [{"name": "main.Y", "dtype": raw.dtype.name, "shape": ["rows", raw.shape[1]]}],
            "nodes": [{"id": "p", "op": operator, "inputs": ["main.Y"], "params": params}],
            "outputs": [{"name": "prediction", "from": ["p"]}],
        },
        "raw": number_forms(raw.ravel()),
        "predictions": number_forms(answers),
    }


def classes_case(raw, nodes, labels, probabilities, winners):
    """Return a case whose node "p" gives probabilities and whose label is that of the largest."""
    answer = {"id": "answer", "op": "label", "inputs": ["p"], "params": {"labels": labels}}
    return {
        "graph": answer_graph(raw.dtype.name, raw.shape[1], [*nodes, answer], labels),
        "raw": number_forms(raw.ravel()),
        "probabilities": number_forms(np.asarray(probabilities, dtype=np.float64).ravel()),
        "predictions": [category_form(labels[index]) for index in winners],
    }


def isotonic_case(seed, increasing, points, dtype="float64"):
    """Let a fitted IsotonicRegression answer: at its points, beside them, between and beyond them."""
    rng = np.random.default_rng(seed)
    x = np.round(rng.normal(size=points), 2).astype(dtype)
    model = IsotonicRegression(increasing=increasing, out_of_bounds="clip").fit(x, (x if increasing else -x) + rng.normal(size=points) / 2)
    knots = model.X_thresholds_
    far = knots.dtype.type(np.inf)
    edges = np.concatenate([knots, np.nextafter(knots, far), np.nextafter(knots, -far), [0, -0.0, 1e30, -1e30]])
    raw = np.concatenate([edges, rng.normal(size=200) * 2]).astype(dtype)[:, None]
    rounded = {"dtype": dtype, **interpolation_parameter()} if dtype == "float32" else {}
    params = {"x": number_forms(knots), "y": number_forms(model.y_thresholds_), **rounded}
    return number_case(raw, "isotonic", params, model.predict(raw[:, 0]))


def mean_case(dtype, weights):
    """Let ``numpy.average`` put the numbers of five models together, or, unweighted, their mean."""
    raw = (np.random.default_rng(21).normal(size=(300, 5)) * [1, 1e3, 1e-3, 1, 1]).astype(dtype)
    # As the ensembles of scikit-learn lay them out: one array per model.
    answers = np.average(np.asarray([np.ascontiguousarray(column) for column in raw.T]), axis=0, weights=weights)
    params = {"weights": number_forms([1.0] * 5 if weights is None else weights), **({"dtype": dtype} if dtype == "float32" else {})}
    return number_case(raw, "weighted_mean", params, answers)


def soft_vote_case():
    """Let ``numpy.average`` put the probabilities of three models together, of which each gives the second class's only."""
    raw = np.random.default_rng(22).uniform(size=(300, 3))
    weights = [0.2, 1.5, 3.0]
    probabilities = np.average(np.asarray([np.column_stack([1 - p, p]) for p in raw.T]), axis=0, weights=weights)
    nodes = []
    for index in range(3):
        nodes += [
            {"id": f"one{index}", "op": "select_columns", "inputs": ["main.Y"], "params": {"columns": [index]}},
            {"id": f"both{index}", "op": "both_classes", "inputs": [f"one{index}"], "params": {}},
        ]
    nodes.append({"id": "p", "op": "weighted_mean", "inputs": [f"both{index}" for index in range(3)], "params": {"weights": weights}})
    return classes_case(raw, nodes, ["no", "yes"], probabilities, probabilities.argmax(axis=1))


def hard_vote_case():
    """Let ``numpy.bincount`` count the votes of three models for three classes; each predicts by the larger of its columns."""
    raw = np.random.default_rng(23).normal(size=(300, 9))
    labels, weights = [1, 2, 3], [2.0, 1.0, 1.0]
    nodes = []
    for index in range(3):
        columns = [3 * index, 3 * index + 1, 3 * index + 2]
        nodes += [
            {"id": f"own{index}", "op": "select_columns", "inputs": ["main.Y"], "params": {"columns": columns}},
            {"id": f"label{index}", "op": "label", "inputs": [f"own{index}"], "params": {"labels": labels}},
        ]
    nodes.append(
        {"id": "p", "op": "vote", "inputs": [f"label{index}" for index in range(3)], "params": {"labels": labels, "weights": weights}}
    )
    voted = np.column_stack([raw[:, 3 * index : 3 * index + 3].argmax(axis=1) for index in range(3)])
    counts = np.array([np.bincount(row, weights=weights, minlength=3) for row in voted])
    return classes_case(raw, nodes, labels, counts, counts.argmax(axis=1))


def proportions_case():
    """Let NumPy divide scores of four classes by their sum, as scikit-learn does, with rows of zeros among them."""
    raw = np.random.default_rng(24).uniform(size=(200, 4))
    raw[::20] = 0
    sums = raw.sum(axis=1, keepdims=True)
    probabilities = np.divide(raw, sums, out=np.full_like(raw, 0.25), where=sums != 0)
    nodes = [{"id": "p", "op": "proportions", "inputs": ["main.Y"], "params": {}}]
    return classes_case(raw, nodes, list("abcd"), probabilities, probabilities.argmax(axis=1))


def cases():
    """Curves, means, votes and proportions by scikit-learn and NumPy, and the exponentials by the portable math."""
    yield "link-isotonic-rising", isotonic_case(18, True, 60)
    yield "link-isotonic-falling", isotonic_case(19, False, 60)
    yield ISOTONIC_FLOAT32[float32_interpolation()], isotonic_case(26, True, 60, "float32")
    yield "link-isotonic-one-point", isotonic_case(20, True, 1)
    yield "link-mean", mean_case("float64", None)
    yield "link-mean-float32", mean_case("float32", None)
    yield "link-mean-weighted", mean_case("float64", [0.3, 1.0, 7.0, 0.1, 2.0])
    yield "link-vote-soft", soft_vote_case()
    yield "link-vote-hard", hard_vote_case()
    yield "link-proportions", proportions_case()
    values = np.concatenate([np.random.default_rng(25).normal(size=200) * 20, [0, -0.0, 1, 709.9, -746, 1e-20]])[:, None]
    yield "link-portable-exp", number_case(values, "exp", {"dtype": "float64"}, portable.exp(values[:, 0]))
    yield "link-portable-expm1", number_case(values, "expm1", {}, portable.expm1(values[:, 0]))
