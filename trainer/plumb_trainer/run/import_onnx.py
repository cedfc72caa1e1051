"""A ready ONNX file of numbers becomes a bundle, with graphs that follow from the file and the rows."""

import numpy as np
import onnx
import pandas as pd

from plumb_trainer.errors import TrainerError, quote
from plumb_trainer.models.core import FORMAT
from plumb_trainer.run.onnx_bundle import ROWS_MIN, export_onnx, read_onnx

_ROWS = 600


def import_onnx(path, frame, out, *, name, version, schema=None, labels=()):
    """Write a proved bundle of a file whose features are numbers, taken as they are.

    Parameters
    ----------
    path : Path
    frame : DataFrame
        Sample rows; a column is a feature.
    out : str or Path
    name : str
    version : int
    schema : dict, default=None
        schema.json; the order of its properties is that of the features. None is what the columns are.
    labels : tuple of str
        Of a classifier, in the order of the output.

    Returns
    -------
    (Path, str)
        The bundle's folder, and what was inferred.
    """
    file = read_onnx("main", path)
    names = list(frame.columns if schema is None else schema["properties"])
    missing = [column for column in names if column not in frame.columns]
    if missing:
        raise TrainerError(f"--schema: the rows have no column {quote(missing[0])}")
    texts = [column for column in names if not pd.api.types.is_numeric_dtype(frame[column]) or frame[column].isna().any()]
    if texts:
        raise TrainerError(
            f"--rows, column {quote(texts[0])}: an ONNX file is imported with numbers in every row; what else it needs is written with export_onnx"
        )
    tensors = _columns_by_input(path, file, names)
    dtypes = {column: "integer" if pd.api.types.is_integer_dtype(frame[column]) else "number" for column in names}
    if schema is None:
        properties = {column: {"type": dtypes[column]} for column in names}
        schema = {"type": "object", "properties": properties, "required": names, "additionalProperties": False}
    (output, *others) = file.outputs
    if others:
        raise TrainerError(f"{path.name}: it has {len(others) + 1} outputs, and one is imported; of several choose with export_onnx")
    width = int(np.prod(output["shape"][1:], dtype=int))
    links, words = _links(path, output, width, labels)
    rows = _enough(frame[names])
    values = np.array([[row[column] for column in names] for row in rows], dtype=np.float64)
    place = {column: index for index, column in enumerate(names)}
    final = f"main.{output['name']}"
    probabilities = links[-1]["id"] if links else final
    nodes, outputs = list(links), [{"name": "prediction", "from": [final]}]
    if width > 1 and not labels:
        outputs[0]["params"] = {"names": [f"output_{index}" for index in range(width)]}
    if labels:
        limit = {"threshold": 0.5} if width == 1 else {}
        nodes.append({"id": "answer", "op": "label", "inputs": [probabilities], "params": {"labels": list(labels), **limit}})
        outputs = [
            {"name": "prediction", "from": ["answer"]},
            {"name": "probabilities", "from": [probabilities], "params": {"labels": list(labels)}},
        ]

    def proba(raw):
        return _probabilities(raw[final].reshape(len(raw[final]), -1), links[0]["op"] if links else None)

    def predict(raw):
        if labels:
            return np.array(labels, dtype=object)[proba(raw).argmax(axis=1)]
        answers = raw[final].reshape(len(raw[final]), -1).astype(np.float64)
        return answers if width > 1 else answers[:, 0]

    directory = export_onnx(
        {"main": path},
        out,
        name=name,
        version=version,
        schema=schema,
        preprocessing={
            "format": FORMAT,
            "inputs": [{"name": column, "type": _type_of(schema["properties"][column])} for column in names],
            "nodes": [],
            "outputs": [{**tensor, "from": tensors[tensor["name"]]} for tensor in file.inputs],
        },
        postprocessing={
            "format": FORMAT,
            "inputs": [{"name": final, "dtype": output["dtype"], "shape": output["shape"]}],
            "nodes": nodes,
            "outputs": outputs,
        },
        rows=rows,
        features=lambda given: {key: values[:, [place[column] for column in columns]] for key, columns in tensors.items()},
        predict=predict,
        predict_proba=proba if labels else None,
        golden_rows=ROWS_MIN,
    )
    taken = "; ".join(f"{key} takes {', '.join(columns)}" for key, columns in tensors.items())
    return directory, f"ONNX: {taken}; {words}"


def _columns_by_input(path, file, names):
    """Return the columns that each input takes: one input takes all in order, several the column of their name each."""
    sizes = {tensor["name"]: int(np.prod(tensor["shape"][1:], dtype=int)) for tensor in file.inputs}
    if len(sizes) == 1:
        ((only, size),) = sizes.items()
        if size != len(names):
            raise TrainerError(f"{path.name}, input {quote(only)}: it takes {size} numbers a row, and there are {len(names)} features")
        return {only: names}
    if set(sizes) != set(names) or set(sizes.values()) != {1}:
        raise TrainerError(f"{path.name}: of several inputs each has to take one column of its name: {', '.join(sizes)}; else use export_onnx")
    return {name: [name] for name in sizes}


def _links(path, output, width, labels):
    """Return what stands between the output and the probabilities, and what was inferred in words."""
    if not labels:
        return [], f"{output['name']} is the prediction, {'a number' if width == 1 else f'{width} numbers'} (--labels makes a classifier of it)"
    if len(labels) != max(width, 2):
        raise TrainerError(f"--labels: the output has {width} numbers a row, so {max(width, 2)} labels are expected, got {len(labels)}")
    graph = onnx.load(path).graph
    last = next((node.op_type for node in graph.node if output["name"] in node.output), "")
    if last == ("Sigmoid" if width == 1 else "Softmax"):
        return [], f"{output['name']} holds probabilities, since {last} gives it"
    link = "sigmoid" if width == 1 else "softmax"
    node = {"id": "p", "op": link, "inputs": [f"main.{output['name']}"], "params": {"dtype": output["dtype"]}}
    return [node], f"{output['name']} holds logits, since {last or 'no node'} gives it, and {link} makes probabilities of them"


def _probabilities(values, link):
    if link == "softmax":
        powers = np.exp(values - values.max(axis=1, keepdims=True))
        return powers / powers.sum(axis=1, keepdims=True)
    if link == "sigmoid":
        values = 1 / (1 + np.exp(-values))
    return np.hstack([1 - values, values]) if values.shape[1] == 1 else values


def _type_of(rule):
    kind = rule["type"]
    return next(part for part in kind if part != "null") if isinstance(kind, list) else kind


def _enough(frame):
    """Return different rows as callers send them; where there are few, more are mixed of their values and what lies between."""
    found = frame.drop_duplicates().head(_ROWS).to_dict("records")
    random = np.random.default_rng(0)
    seen = {tuple(row.values()) for row in found}
    for _ in range(20 * _ROWS):
        if len(found) >= _ROWS:
            break
        row = {}
        for column in frame.columns:
            one, other = random.choice(frame[column].to_numpy(), 2).tolist()
            row[column] = one if isinstance(one, int) else one + (other - one) * random.uniform()
        if tuple(row.values()) not in seen:
            seen.add(tuple(row.values()))
            found.append(row)
    return found
