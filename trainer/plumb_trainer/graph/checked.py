"""Puts a check before the models: a graph that refuses the rows on which the model's library raises."""


def checked(document, checks):
    """Return preprocessing.json with ``check_finite`` before its outputs.

    Parameters
    ----------
    document : dict
    checks : sequence of (dict or None)
        For each output, the parameters of ``check_finite``; None where the models take every number, and nothing is added.

    Returns
    -------
    dict
    """
    # A feature may be called so too.
    used = {node["id"] for node in document["nodes"]} | {feature["name"] for feature in document["inputs"]}
    names = (name for name in ("finite", *(f"finite{index}" for index in range(len(used) + len(checks) + 1))) if name not in used)
    nodes, outputs = list(document["nodes"]), []
    for output, params in zip(document["outputs"], checks, strict=True):
        if params is not None:
            nodes.append({"id": next(names), "op": "check_finite", "inputs": output["from"], "params": params})
            output = {**output, "from": [nodes[-1]["id"]]}
        outputs.append(output)
    return {**document, "nodes": nodes, "outputs": outputs}
