"""Makes a bundle of ready ONNX files: for networks that another library trained, with graphs and a schema that are written by hand."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto
from onnx.reference import ReferenceEvaluator

from plumb_trainer import __version__
from plumb_trainer.bundle.manifest import FORMAT, created_at
from plumb_trainer.bundle.publish import published
from plumb_trainer.errors import TrainerError, quote
from plumb_trainer.evaluate.distribution import categorical_distribution, numbers_distribution, numeric_distribution
from plumb_trainer.numbers.json_form import label_text, line, number_form, number_forms, number_value, page
from plumb_trainer.numbers.parity import Parity
from plumb_trainer.numbers.ulp import Worst, ulp_distances, worst_difference
from plumb_trainer.proof.prove import PlumbCommand, told_rows

ROWS_MIN = 256
# What the serving side's runtime takes.
_OPSET_MAX, _IR_MAX = 26, 13
_DTYPES = {TensorProto.FLOAT: "float32", TensorProto.DOUBLE: "float64"}
# Another order of summation moves a result by so much beside the largest of all rows, and no more.
_OTHER_ORDER = {"float32": 1e-5, "float64": 1e-9}


@dataclass(frozen=True)
class _File:
    """A file, with its tensors as the manifest names them."""

    id: str
    content: bytes
    inputs: list
    outputs: list


@dataclass(frozen=True)
class _Expected:
    """What the rows' own pipeline makes of them, by tensor, and its answers."""

    features: dict
    raw: dict
    predictions: list
    probabilities: np.ndarray | None


def export_onnx(
    files,
    out,
    *,
    name,
    version,
    schema,
    preprocessing,
    postprocessing,
    rows,
    features,
    predict,
    predict_proba=None,
    raw=None,
    slo=None,
    limits=None,
    card=None,
    golden_rows=300,
    replace=False,
    judge=None,
):
    """Put ready ONNX files into a proved bundle.

    Parameters
    ----------
    files : dict of str to str or Path
        ONNX files by the id that the graph behind them calls them by (``<id>.<output>``).
    out : str or Path
        The model store; the bundle becomes ``out/<name>/<version>``.
    name : str
    version : int
    schema, preprocessing, postprocessing : dict
        schema.json, preprocessing.json and postprocessing.json. Each input of a file is an output of `preprocessing`, by name, and may have
        several dimensions: a window of steps and channels has the shape ``["rows", steps, channels]``.
    rows : list of dict
        At least 256 valid rows as callers send them, no two the same. The first `golden_rows` are kept in the bundle.
    features : callable
        Training's own preprocessing: rows to a dict of ndarray in float64, by output of `preprocessing`.
    predict, predict_proba : callable
        Training's own answers: the dict of raw outputs to predictions (of several outputs [rows, outputs], in the order of their names),
        and of a classifier to probabilities in order of its labels.
    raw : callable, default=None
        Training's own library: a dict of blocks in the files' dtypes to a dict of raw outputs by ``<id>.<output>``. None is the reference
        implementation of ONNX in NumPy, which is slow but has no other author's shortcuts.
    slo, limits : dict, default=None
        Members of the manifest.
    card : str, default=None
        card.md.
    golden_rows : int, default=300
    replace : bool, default=False
        Whether the version may exist.
    judge : PlumbCommand, default=None

    Returns
    -------
    Path
        The bundle's folder.

    Raises
    ------
    TrainerError
        With sentences; nothing is written then.
    """
    judge, target = judge or PlumbCommand(), Path(out) / name / str(version)
    read = [read_onnx(identifier, Path(path)) for identifier, path in files.items()]
    texts = [line(row) for row in rows]
    if len(set(texts)) < max(ROWS_MIN, golden_rows):
        raise TrainerError(f"rows: expected at least {max(ROWS_MIN, golden_rows)} different ones, got {len(set(texts))}")
    expected = _expected(read, preprocessing, postprocessing, rows, features, predict, predict_proba, raw)
    _refuse_other_width(postprocessing, expected.predictions)
    labels = _labels(postprocessing)
    task = "classification" if any(node["op"] == "label" for node in postprocessing["nodes"]) else "regression"
    documents = {
        "schema.json": page(schema),
        "preprocessing.json": page(preprocessing),
        "postprocessing.json": page(postprocessing),
        "golden.jsonl": _golden(rows[:golden_rows], expected),
        "baseline.json": page(_baseline(schema, rows, expected.predictions, task)),
        "evaluation.json": page(_evaluation(len(rows))),
        "card.md": card or f"# {name}, version {version}\n\nA ready ONNX model. How good it is was measured where it was trained.\n",
    }
    content = {f"{file.id}.onnx": file.content for file in read} | {key: text.encode() for key, text in documents.items()}

    def sealed(parity):
        manifest = _manifest(name, version, task, read, parity, slo, limits, content)
        return {**content, "manifest.json": page(manifest).encode()}

    with published(target, replace) as folder:
        _write(folder, sealed(Parity("C", len(rows))))
        shown = told_rows(rows, {feature for feature, rule in schema["properties"].items() if rule.get("x-pii")})
        parity = _measured(shown, read, expected, labels, judge.answers(folder, rows, shown))
        _write(folder, sealed(parity))
        judge.verify(folder)
    return target


def read_onnx(identifier, path):
    """Return a file whose tensors are all float32 or float64, with rows first."""
    content = path.read_bytes()
    try:
        model = onnx.load_from_string(content)
        onnx.checker.check_model(model)
    except Exception as error:
        raise TrainerError(f"{path.name}: this is no sound ONNX file: {error}") from error
    opset = max((entry.version for entry in model.opset_import if entry.domain in ("", "ai.onnx")), default=0)
    if opset > _OPSET_MAX or model.ir_version > _IR_MAX:
        found = f"opset {opset} and IR {model.ir_version}"
        raise TrainerError(
            f"{path.name}: it has {found}, and the runtime takes {_OPSET_MAX} and {_IR_MAX} at most; export it with an older opset"
        )
    constants = {tensor.name for tensor in model.graph.initializer}
    inputs = [_tensor(path, "input", value) for value in model.graph.input if value.name not in constants]
    return _File(identifier, content, inputs, [_tensor(path, "output", value) for value in model.graph.output])


def _tensor(path, kind, value):
    tensor = value.type.tensor_type
    if tensor.elem_type not in _DTYPES:
        got = TensorProto.DataType.Name(tensor.elem_type).lower()
        way = "turn it into numbers in preprocessing.json, and cast inside the model"
        raise TrainerError(f"{path.name}, {kind} {quote(value.name)}: expected float32 or float64, got {got}; {way}")
    _, *sizes = tensor.shape.dim or [None]
    if not tensor.shape.dim or tensor.shape.dim[0].HasField("dim_value") or not all(size.dim_value > 0 for size in sizes):
        shape = [size.dim_value or size.dim_param or "?" for size in tensor.shape.dim]
        raise TrainerError(
            f"{path.name}, {kind} {quote(value.name)}: expected any number of rows and then sizes that are fixed, got {shape}"
        )
    return {"name": value.name, "dtype": _DTYPES[tensor.elem_type], "shape": ["rows", *(size.dim_value for size in sizes)]}


def _expected(files, preprocessing, postprocessing, rows, features, predict, predict_proba, raw):
    tables = {key: np.asarray(values, dtype=np.float64).reshape(len(rows), -1) for key, values in features(rows).items()}
    shapes = {output["name"]: output for output in preprocessing["outputs"]}
    if tables.keys() != shapes.keys():
        raise TrainerError(f"features: expected tables of {', '.join(map(quote, shapes))}, got {', '.join(map(quote, tables))}")
    blocks = {key: values.astype(shapes[key]["dtype"]).reshape(len(rows), *shapes[key]["shape"][1:]) for key, values in tables.items()}
    outputs = _reference(files, blocks) if raw is None else raw(blocks)
    read = [entry["name"] for entry in postprocessing["inputs"]]
    missing = [key for key in read if key not in outputs]
    if missing:
        raise TrainerError(
            f"postprocessing, inputs: there is no output {quote(missing[0])}; expected some of {', '.join(map(quote, outputs))}"
        )
    outputs = {key: np.asarray(outputs[key]).reshape(len(rows), -1) for key in read}
    probabilities = None if predict_proba is None else np.asarray(predict_proba(outputs), dtype=np.float64)
    return _Expected(tables, outputs, list(np.asarray(predict(outputs)).tolist()), probabilities)


def _refuse_other_width(postprocessing, predictions):
    """Raise TrainerError where `predict` gives a row more or fewer numbers than its prediction has names."""
    names = next((output.get("params", {}).get("names", []) for output in postprocessing["outputs"] if output["name"] == "prediction"), [])
    found = len(predictions[0]) if isinstance(predictions[0], list) else 0
    if found != len(names):
        expected = f"{len(names)} numbers a row, one for each name" if names else "one value a row, since postprocessing.json has no names"
        raise TrainerError(f"predict: expected {expected}, got {f'a list of {found}' if found else 'one value'}")


def _reference(files, blocks):
    results = {}
    for file in files:
        evaluator = ReferenceEvaluator(onnx.load_from_string(file.content))
        given = {tensor["name"]: blocks[tensor["name"]] for tensor in file.inputs if tensor["name"] in blocks}
        names = [tensor["name"] for tensor in file.outputs]
        results |= {f"{file.id}.{key}": values for key, values in zip(names, evaluator.run(names, given), strict=True)}
    return results


def _measured(rows, files, expected, labels, answers):
    """Return how far the answers are from what was expected; stop where that is more than another order of summation makes."""
    refused = next((index for index, answer in enumerate(answers) if "error" in answer), None)
    if refused is not None:
        message = answers[refused]["error"].get("message")
        raise TrainerError(f"the bundle is not written: row {refused + 1}, {line(rows[refused])}: Plumb refuses it: {message}")
    dtypes = {f"{file.id}.{tensor['name']}": tensor["dtype"] for file in files for tensor in file.outputs}
    # The command shows the blocks, after the cast.
    inputs = {tensor["name"]: tensor["dtype"] for file in files for tensor in file.inputs}
    cast = np.concatenate([values.astype(inputs[key]).astype(np.float64) for key, values in expected.features.items()], axis=1)
    _compare(rows, "feature", cast, _table([answer["features"] for answer in answers]), "float64", 0)
    margins, first = [], 0
    whole = _table([answer["raw"] for answer in answers])
    for key, values in expected.raw.items():
        part = whole[:, first : first + values.shape[1]]
        margins.append(_compare(rows, key, values, part, dtypes[key], _OTHER_ORDER[dtypes[key]]))
        first += values.shape[1]
    order = max(_OTHER_ORDER[dtype] for dtype in dtypes.values())
    if not labels:
        found = np.array([answer["prediction"] for answer in answers], dtype=np.float64).reshape(len(rows), -1)
        answered = _compare(rows, "prediction", np.array(expected.predictions).reshape(len(rows), -1), found, _dtype_of(found), order)
    else:
        other = next((index for index, answer in enumerate(answers) if answer["prediction"] != expected.predictions[index]), None)
        if other is not None:
            got = answers[other]["prediction"]
            raise TrainerError(f"the bundle is not written: row {other + 1}: expected {expected.predictions[other]!r}, got {got!r}")
        answered = Worst()
        if expected.probabilities is not None:
            found = _table([[answer["probabilities"][label_text(label)] for label in labels] for answer in answers])
            answered = _compare(rows, "probability", expected.probabilities, found, _dtype_of(found), order)
    return Parity("C", len(rows), Worst.of(margins), answered)


def _dtype_of(answers):
    """Return the dtype that answers were computed in: no float64 has the bits of a float32 in every row."""
    return "float32" if np.array_equal(answers, answers.astype(np.float32), equal_nan=True) else "float64"


def _table(lists):
    return np.array([[number_value(form) for form in values] for values in lists], dtype=np.float64)


def _compare(rows, what, expected, got, dtype, order):
    """Return the worst difference."""
    if expected.shape != got.shape:
        raise TrainerError(f"the bundle is not written: {what}: expected {expected.shape[1]} values a row, got {got.shape[1]}")
    expected, got = expected.astype(dtype), got.astype(dtype)
    distances = ulp_distances(expected, got)
    largest = np.abs(expected[np.isfinite(expected)]).max(initial=0)
    with np.errstate(invalid="ignore"):
        near = np.abs(expected - got) <= order * largest
    beyond = np.argwhere((distances > 0) & ~near)
    if len(beyond):
        row, column = beyond[0]
        where = f"row {row + 1}, {line(rows[row])}: {what} {column}"
        found = f"expected {expected[row, column]!r}, got {got[row, column]!r}, {distances[row, column]:.0f} ulp ({dtype}) apart"
        raise TrainerError(f"the bundle is not written, because it answers otherwise than training: {where}: {found}")
    return worst_difference(expected, got, largest if order > 0 else 0)


def _labels(postprocessing):
    return next((tuple(node["params"]["labels"]) for node in reversed(postprocessing["nodes"]) if node["op"] == "label"), ())


def _golden(rows, expected):
    lines = []
    for index, row in enumerate(rows):
        prediction = expected.predictions[index]
        answer = {
            "kind": "sample",
            "row": row,
            "features": {key: number_forms(values[index]) for key, values in expected.features.items()},
            "raw": {key: number_forms(values[index].astype(np.float64)) for key, values in expected.raw.items()},
            "prediction": _prediction_form(prediction),
        }
        if expected.probabilities is not None:
            answer["probabilities"] = number_forms(expected.probabilities[index])
        lines.append(f"{line(answer)}\n")
    return "".join(lines)


def _prediction_form(prediction):
    if isinstance(prediction, list):
        return number_forms(prediction)
    return number_form(prediction) if isinstance(prediction, float) else prediction


def _baseline(schema, rows, predictions, task):
    """Return baseline.json: of the scalars that no row is without."""
    features = {}
    for name, rule in schema["properties"].items():
        values = [row.get(name) for row in rows]
        kind = rule["type"]
        if rule.get("x-pii"):
            features[name] = {"kind": "hidden", "missing": sum(value is None for value in values)}
        elif kind in ("number", "integer") and None not in values:
            features[name] = numeric_distribution(np.array(values, dtype=np.float64))
        elif kind in ("string", "boolean") and None not in values:
            features[name] = categorical_distribution(np.array(values))
    measure = numbers_distribution if task == "regression" else categorical_distribution
    return {"format": "plumb-baseline/1", "rows": len(rows), "features": features, "prediction": measure(np.array(predictions))}


def _evaluation(count):
    return {"format": "plumb-evaluation/1", "splits": [{"name": "proof", "rows": count}], "metrics": {}, "baselines": {}}


def _manifest(name, version, task, files, parity, slo, limits, content):
    return {
        "format": FORMAT,
        "name": name,
        "version": version,
        "created": created_at(),
        "task": task,
        "models": [{"id": file.id, "file": f"{file.id}.onnx", "inputs": file.inputs, "outputs": file.outputs} for file in files],
        "parity": parity.document(f"onnx {onnx.__version__}"),
        "slo": slo or {"p95_ms": 200, "rps": 200},
        "limits": limits or {"rows_max": 10_000, "body_bytes_max": 1_048_576},
        "fallback": {"kind": "none"},
        "lineage": {
            "data_sha256": None,
            "code_commit": None,
            "trainer": f"plumb_trainer {__version__}",
            "libraries": {"onnx": onnx.__version__, "numpy": np.__version__},
            "seed": None,
        },
        "files": {key: {"sha256": hashlib.sha256(text).hexdigest(), "bytes": len(text)} for key, text in sorted(content.items())},
    }


def _write(folder, files):
    for key, content in files.items():
        (folder / key).write_bytes(content)
