"""Puts a check before the models: a graph that refuses the rows on which the model's library raises."""


def checked(document, params):
    """Return preprocessing.json with ``check_finite`` at its end.

    Parameters
    ----------
    document : dict
        With one output.
    params : dict or None
        Of ``check_finite``; None where the model takes every number, and nothing is added.

    Returns
    -------
    dict
    """
    if params is None:
        return document
    (output,) = document["outputs"]
    # A feature may be called so too.
    used = {node["id"] for node in document["nodes"]} | {feature["name"] for feature in document["inputs"]}
    name = next(name for name in ("finite", *(f"finite{index}" for index in range(len(used) + 1))) if name not in used)
    check = {"id": name, "op": "check_finite", "inputs": output["from"], "params": params}
    return {**document, "nodes": [*document["nodes"], check], "outputs": [{**output, "from": [name]}]}
