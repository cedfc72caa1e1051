"""A model in a bundle of its own, behind features that go straight through, answered by the code that serves."""

import hashlib
import json
import subprocess
import warnings

import numpy as np

from plumb_trainer.evaluate.distribution import numbers_distribution
from plumb_trainer.numbers.json_form import line, number_forms, number_value, page
from plumb_trainer.numbers.ulp import ulp_distances
from plumb_trainer.proof.command import found_command

GOLDEN = 300


class Bundled:
    """The answers to rows.

    Parameters
    ----------
    raw : dict of str to ndarray
        By ``<id>.<output>``.
    predictions : list
    probabilities : ndarray or None
    """

    def __init__(self, exported, lines):
        self.predictions = [answer["prediction"] for answer in lines]
        self.probabilities = None
        if exported.probabilities is not None:
            texts = [label if isinstance(label, str) else json.dumps(label) for label in exported.labels]
            self.probabilities = np.array([[number_value(answer["probabilities"][text]) for text in texts] for answer in lines])
        table = np.array([[number_value(value) for value in answer["raw"]] for answer in lines])
        tensors = [(f"{model.id}.{tensor.name}", tensor.width) for model in exported.models for tensor in model.outputs]
        ends = np.cumsum([width for _, width in tensors])
        self.raw = {name: table[:, end - width : end] for (name, width), end in zip(tensors, ends, strict=True)}


def quietly(function, *arguments):
    """Return what a function of scikit-learn gives, without its advice."""
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        return function(*arguments)


def bundled(folder, estimator, exported, features, verify=False):
    """Write a bundle with golden rows by the estimator itself, and return what it answers.

    Parameters
    ----------
    folder : Path
        Where ``model/1`` is made.
    estimator : fitted estimator
    exported : ExportedModel
    features : ndarray of shape (n_rows, width), dtype=float64
    verify : bool, default=False
        Whether the golden rows must also come out at every batch size, within 8 times the measured distance, at least 64 ulp.
    """
    directory = folder / "model" / "1"
    directory.mkdir(parents=True)
    _write(directory, bundle_files(estimator, exported, features[:GOLDEN]))
    questions, answers = folder / "rows.jsonl", folder / "answers.jsonl"
    questions.write_text("".join(f"{line(row)}\n" for row in rows_of(features)), encoding="utf-8")
    plumb("predict", directory, "--input", questions, "--output", answers, "--raw")
    lines = [json.loads(text) for text in answers.read_text(encoding="utf-8").splitlines()]
    assert [answer["error"] for answer in lines if "error" in answer][:1] == []
    found = Bundled(exported, lines)
    if verify:
        tolerance = [max(64, 8 * int(ulp)) for ulp in ulps(estimator, exported, features, found)]
        _write(directory, bundle_files(estimator, exported, features[:GOLDEN], *tolerance))
        plumb("verify", directory)
    return found


def ulps(estimator, exported, features, found):
    """Return the worst distances of the raw outputs, and of the predictions or probabilities."""
    raw = max(distance(values, found.raw[name])[0] for name, values in quietly(exported.raw, features).items())
    if exported.probabilities is not None:
        return raw, distance(quietly(estimator.predict_proba, features), found.probabilities)[0]
    return raw, 0 if exported.labels else distance(quietly(estimator.predict, features), found.predictions)[0]


def distance(expected, got):
    """Return the worst distance of two tables in float64: in units in the last place, and beside the largest number expected."""
    expected = np.asarray(expected, dtype=np.float64).reshape(len(got), -1)
    got = np.asarray(got, dtype=np.float64).reshape(expected.shape)
    return float(ulp_distances(expected, got).max()), float(np.abs(expected - got).max() / max(np.abs(expected).max(), 1e-300))


def plumb(*arguments):
    """Run a command of the serving side."""
    done = subprocess.run([*found_command(), *map(str, arguments)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr or done.stdout


def rows_of(features):
    """Return rows of features f0, f1, ..."""
    return [{f"f{index}": value for index, value in enumerate(row)} for row in features.tolist()]


def bundle_files(estimator, exported, features, margin_ulp=0, prediction_ulp=0):
    """Return the files of a bundle whose golden rows are the estimator's own answers, and whose proof grants that many ulp."""
    names = [f"f{index}" for index in range(features.shape[1])]
    inputs = sorted({(tensor.name, tensor.dtype) for model in exported.models for tensor in model.inputs})
    golden, raw = [], quietly(exported.raw, features)
    predictions = quietly(estimator.predict, features)
    probabilities = None if exported.probabilities is None else quietly(estimator.predict_proba, features)
    for index, row in enumerate(rows_of(features)):
        answer = {
            "kind": "sample",
            "row": row,
            "features": {name: number_forms(features[index]) for name, _ in inputs},
            "raw": {name: number_forms(values[index]) for name, values in raw.items()},
            "prediction": _form(estimator, exported, predictions[index]),
        }
        golden.append(answer if probabilities is None else {**answer, "probabilities": number_forms(probabilities[index].astype(float))})
    documents = {
        "schema.json": {
            "type": "object",
            "properties": {name: {"type": "number"} for name in names},
            "required": names,
            "additionalProperties": False,
        },
        "preprocessing.json": {
            "format": "plumb-graph/1",
            "inputs": [{"name": name, "type": "number"} for name in names],
            "nodes": [],
            "outputs": [{"name": name, "dtype": dtype, "shape": ["rows", len(names)], "from": names} for name, dtype in inputs],
        },
        "postprocessing.json": exported.postprocessing(),
        "baseline.json": {"format": "plumb-baseline/1", "rows": len(golden), "features": {}, "prediction": _histogram(exported, golden)},
        "evaluation.json": {
            "format": "plumb-evaluation/1",
            "splits": [{"name": "train", "rows": len(golden)}],
            "metrics": {},
            "baselines": {},
        },
    }
    files = {name: page(document).encode() for name, document in documents.items()}
    files["golden.jsonl"] = "".join(f"{line(answer)}\n" for answer in golden).encode()
    files["card.md"] = b"# A model under test\n"
    files |= {f"{model.id}.onnx": model.onnx for model in exported.models}
    manifest = {
        "format": "plumb-bundle/1",
        "name": "model",
        "version": 1,
        "created": "2026-01-01T00:00:00Z",
        "task": exported.task,
        "models": [
            {"id": model.id, "file": f"{model.id}.onnx", "inputs": _specs(model.inputs), "outputs": _specs(model.outputs)}
            for model in exported.models
        ],
        "parity": {
            "tier": max(exported.tiers.values()),
            "reference": ", ".join(exported.libraries),
            "rows": len(golden),
            "features_ulp_max": 0,
            "margin_ulp_max": 0,
            "tolerance": {"features_ulp": 0, "margin_ulp": margin_ulp, "prediction_ulp": prediction_ulp},
        },
        "slo": {"p95_ms": 200, "rps": 200},
        "limits": {"rows_max": 10000, "body_bytes_max": 1048576},
        "fallback": {"kind": "none"},
        "lineage": {"data_sha256": None, "code_commit": None, "trainer": "plumb_trainer", "libraries": {}, "seed": None},
        "files": {name: {"sha256": hashlib.sha256(content).hexdigest(), "bytes": len(content)} for name, content in files.items()},
    }
    return {**files, "manifest.json": page(manifest).encode()}


def _write(directory, files):
    for name, content in files.items():
        (directory / name).write_bytes(content)


def _form(estimator, exported, prediction):
    if exported.labels:
        return exported.labels[_place(estimator, prediction)]
    return number_forms(prediction) if exported.names else float(np.ravel(prediction)[0])


def _place(estimator, prediction):
    return list(estimator.classes_).index(prediction)


def _specs(tensors):
    return [{"name": tensor.name, "dtype": tensor.dtype, "shape": ["rows", tensor.width]} for tensor in tensors]


def _histogram(exported, golden):
    if exported.labels:
        counts = [sum(answer["prediction"] == label for answer in golden) for label in exported.labels]
        return {"kind": "categorical", "missing": 0, "categories": list(exported.labels), "counts": counts, "other": 0}
    return numbers_distribution(np.array([answer["prediction"] for answer in golden], dtype=np.float64))
