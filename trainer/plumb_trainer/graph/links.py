"""The graph behind a recipe's model, and behind a fallback's rule: a link function, and of a classifier the label."""

from plumb_trainer.graph.export import FORMAT


def postprocessing_document(raw, dtype, outputs, link, labels, nodes=()):
    """Return postprocessing.json: the link function and, of a classifier, the label and the probabilities.

    Parameters
    ----------
    raw : str
        Name of the tensor that comes in.
    dtype : {"float32", "float64"}
        Of the tensor, and of the link function.
    outputs : int
        Columns of the tensor.
    link : {"identity", "sigmoid", "softmax"}
    labels : tuple
        Of a classifier, in order of the columns; with "sigmoid" the one column is the second label's.
    nodes : sequence of dict, default=()
        What runs before the link function, which reads the last of them.

    Returns
    -------
    dict
    """
    source = nodes[-1]["id"] if nodes else raw
    nodes = [*nodes, {"id": "p1", "op": link, "inputs": [source], "params": {} if link == "identity" else {"dtype": dtype}}]
    answers = [{"name": "prediction", "from": ["p1"]}]
    if labels:
        params = {"labels": list(labels), **({"threshold": 0.5} if link == "sigmoid" else {})}
        nodes.append({"id": "p2", "op": "label", "inputs": ["p1"], "params": params})
        answers = [
            {"name": "prediction", "from": ["p2"]},
            {"name": "probabilities", "from": ["p1"], "params": {"labels": list(labels)}},
        ]
    return {
        "format": FORMAT,
        "inputs": [{"name": raw, "dtype": dtype, "shape": ["rows", outputs]}],
        "nodes": nodes,
        "outputs": answers,
    }
