"""A ready ONNX file with a schema and graphs of its own becomes a proved bundle: an LSTM over a window, and files with several tensors."""

import json

import numpy as np
import onnx
import pytest
from bundled_model import plumb
from onnx import TensorProto, helper

from plumb_trainer.errors import TrainerError
from plumb_trainer.proof.command import PROJECT
from plumb_trainer.run.onnx_bundle import export_onnx

LSTM = PROJECT / "trainer" / "examples" / "sequence" / "lstm.onnx"
STEPS = 12
CHANNELS = ("temperature", "load")


def sequence_rows(count):
    """Return rows with a list for each channel, oldest first."""
    random = np.random.default_rng(7)
    times = random.uniform(0, 6.3, size=(count, 1)) + np.arange(STEPS) * 0.5
    channels = np.sin(times) + 0.1 * random.normal(size=times.shape), 0.5 * np.sin(times) + 0.5 * np.cos(times / 2)
    return [{name: channel[row].tolist() for name, channel in zip(CHANNELS, channels, strict=True)} for row in range(count)]


def sequence(**changes):
    """Return what `export_onnx` is told of the LSTM."""
    list_of_numbers = {"type": "array", "items": {"type": "number"}, "minItems": STEPS, "maxItems": STEPS}
    steps = [*(f"lag_{back}" for back in range(STEPS - 1, 0, -1)), "last"]
    # From a channel after the other to a step after the other.
    by_step = [channel * STEPS + step for step in range(STEPS) for channel in range(len(CHANNELS))]
    told = {
        "name": "forecast",
        "version": 1,
        "schema": {
            "type": "object",
            "properties": dict.fromkeys(CHANNELS, list_of_numbers),
            "required": list(CHANNELS),
            "additionalProperties": False,
        },
        "preprocessing": {
            "format": "plumb-graph/1",
            "inputs": [{"name": name, "type": "numbers"} for name in CHANNELS],
            "nodes": [
                {"id": "steps", "op": "row_window", "inputs": list(CHANNELS), "params": {"statistics": steps, "min_items": 1, "ddof": 0}},
                {"id": "window", "op": "select_columns", "inputs": ["steps"], "params": {"columns": by_step}},
            ],
            "outputs": [{"name": "window", "dtype": "float32", "shape": ["rows", STEPS, len(CHANNELS)], "from": ["window"]}],
        },
        "postprocessing": {
            "format": "plumb-graph/1",
            "inputs": [{"name": "lstm.load", "dtype": "float32", "shape": ["rows", 1]}],
            "nodes": [],
            "outputs": [{"name": "prediction", "from": ["lstm.load"]}],
        },
        "rows": sequence_rows(2_000),
        "features": lambda rows: {"window": np.array([[row[name] for name in CHANNELS] for row in rows]).transpose(0, 2, 1)},
        "predict": lambda raw: raw["lstm.load"][:, 0].astype(float),
    }
    return told | changes


def test_an_lstm_over_a_window_is_served(tmp_path):
    bundle = export_onnx({"lstm": LSTM}, tmp_path, **sequence())
    plumb("verify", bundle)
    manifest = json.loads((bundle / "manifest.json").read_text())
    assert manifest["models"][0]["inputs"] == [{"name": "window", "dtype": "float32", "shape": ["rows", STEPS, 2]}]
    # Beside a zero a sum in another order is many units in the last place away.
    assert manifest["parity"]["margin_ulp_max"] < 2**17
    assert manifest["parity"]["tolerance"]["prediction_ulp"] < 2**20
    golden = [json.loads(line) for line in (bundle / "golden.jsonl").read_text().splitlines()]
    predictions = np.array([row["prediction"] for row in golden])
    # The network has learnt something: the next load follows from the last one.
    assert np.corrcoef(predictions, [row["row"]["load"][-1] for row in golden])[0, 1] > 0.8
    assert len(LSTM.read_bytes()) < 50_000


def test_a_difference_writes_nothing(tmp_path):
    right = sequence()["features"]
    told = sequence(features=lambda rows: {"window": right(rows)["window"] + 1e-3})
    with pytest.raises(TrainerError, match="the bundle is not written, because it answers otherwise"):
        export_onnx({"lstm": LSTM}, tmp_path, **told)
    assert list(tmp_path.rglob("*.onnx")) == []


def test_a_difference_tells_no_personal_data(tmp_path):
    right = sequence()["features"]
    schema = sequence()["schema"]
    schema["properties"] = {name: rule | {"x-pii": True} for name, rule in schema["properties"].items()}
    with pytest.raises(TrainerError) as stopped:
        export_onnx({"lstm": LSTM}, tmp_path, **sequence(schema=schema, features=lambda rows: {"window": right(rows)["window"] + 1e-3}))
    assert '{"temperature":"hidden: personal data","load":"hidden: personal data"}' in str(stopped.value)


def onnx_file(path, inputs, nodes, outputs, opset=17, ir=8):
    """Write a model: tensors are (name, type, shape)."""
    graph = helper.make_graph(
        nodes,
        "graph",
        [helper.make_tensor_value_info(*value) for value in inputs],
        [helper.make_tensor_value_info(*value) for value in outputs],
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=ir), path)
    return path


def test_files_with_several_inputs_and_outputs_feed_one_graph(tmp_path):
    double = TensorProto.DOUBLE
    pair = onnx_file(
        tmp_path / "pair.onnx",
        [("A", double, ["rows", 2]), ("B", double, ["rows", 2])],
        [helper.make_node("Add", ["A", "B"], ["sum"]), helper.make_node("Mul", ["A", "B"], ["product"])],
        [("sum", double, ["rows", 2]), ("product", double, ["rows", 2])],
    )
    one = onnx_file(
        tmp_path / "one.onnx", [("A", double, ["rows", 2])], [helper.make_node("Neg", ["A"], ["Y"])], [("Y", double, ["rows", 2])]
    )
    names = ["a", "b", "c", "d"]
    random = np.random.default_rng(3)
    rows = [dict(zip(names, values, strict=True)) for values in random.normal(size=(600, 4)).tolist()]
    tensors = ("pair.sum", "pair.product", "one.Y")
    bundle = export_onnx(
        {"pair": pair, "one": one},
        tmp_path / "store",
        name="pairs",
        version=2,
        schema={
            "type": "object",
            "properties": {name: {"type": "number"} for name in names},
            "required": names,
            "additionalProperties": False,
        },
        preprocessing={
            "format": "plumb-graph/1",
            "inputs": [{"name": name, "type": "number"} for name in names],
            "nodes": [],
            "outputs": [
                {"name": "A", "dtype": "float64", "shape": ["rows", 2], "from": ["a", "b"]},
                {"name": "B", "dtype": "float64", "shape": ["rows", 2], "from": ["c", "d"]},
            ],
        },
        postprocessing={
            "format": "plumb-graph/1",
            "inputs": [{"name": name, "dtype": "float64", "shape": ["rows", 2]} for name in tensors],
            "nodes": [
                {"id": "mean", "op": "weighted_mean", "inputs": list(tensors), "params": {"weights": [1, 1, 2]}},
                {"id": "p", "op": "softmax", "inputs": ["mean"], "params": {"dtype": "float64"}},
                {"id": "answer", "op": "label", "inputs": ["p"], "params": {"labels": ["left", "right"]}},
            ],
            "outputs": [
                {"name": "prediction", "from": ["answer"]},
                {"name": "probabilities", "from": ["p"], "params": {"labels": ["left", "right"]}},
            ],
        },
        rows=rows,
        features=lambda rows: {key: [[row[name] for name in pick] for row in rows] for key, pick in (("A", names[:2]), ("B", names[2:]))},
        predict=lambda raw: np.array(["left", "right"])[chances(raw).argmax(axis=1)],
        predict_proba=lambda raw: chances(raw),
    )
    plumb("verify", bundle)
    assert json.loads((bundle / "manifest.json").read_text())["parity"]["margin_ulp_max"] == 0


def pairs_of_sums(**changes):
    """Return what `export_onnx` needs of a file that gives a row two numbers."""
    rows = [{"a": a, "b": b} for a, b in np.random.default_rng(4).normal(size=(400, 2)).tolist()]
    return {
        "name": "two",
        "version": 1,
        "schema": {
            "type": "object",
            "properties": {"a": {"type": "number"}, "b": {"type": "number"}},
            "required": ["a", "b"],
            "additionalProperties": False,
        },
        "preprocessing": {
            "format": "plumb-graph/1",
            "inputs": [{"name": "a", "type": "number"}, {"name": "b", "type": "number"}],
            "nodes": [],
            "outputs": [{"name": "A", "dtype": "float64", "shape": ["rows", 2], "from": ["a", "b"]}],
        },
        "postprocessing": {
            "format": "plumb-graph/1",
            "inputs": [{"name": "two.Y", "dtype": "float64", "shape": ["rows", 2]}],
            "nodes": [],
            "outputs": [{"name": "prediction", "from": ["two.Y"], "params": {"names": ["double a", "double b"]}}],
        },
        "rows": rows,
        "features": lambda rows: {"A": [[row["a"], row["b"]] for row in rows]},
        "predict": lambda raw: raw["two.Y"],
        **changes,
    }


def test_a_file_of_several_outputs_answers_with_a_list(tmp_path):
    double = TensorProto.DOUBLE
    path = onnx_file(
        tmp_path / "two.onnx", [("A", double, ["rows", 2])], [helper.make_node("Add", ["A", "A"], ["Y"])], [("Y", double, ["rows", 2])]
    )
    bundle = export_onnx({"two": path}, tmp_path / "store", **pairs_of_sums())
    plumb("verify", bundle)
    golden = json.loads((bundle / "golden.jsonl").read_text().split("\n")[0])
    assert golden["prediction"] == [2 * golden["row"]["a"], 2 * golden["row"]["b"]]
    assert len(json.loads((bundle / "baseline.json").read_text())["prediction"]) == 2
    with pytest.raises(TrainerError, match="prediction 1: expected"):
        export_onnx({"two": path}, tmp_path / "other", **pairs_of_sums(predict=lambda raw: raw["two.Y"] + [0, 1e-3]))
    with pytest.raises(TrainerError, match="predict: expected 2 numbers a row, one for each name, got one value"):
        export_onnx({"two": path}, tmp_path / "other", **pairs_of_sums(predict=lambda raw: raw["two.Y"][:, 0]))
    one = {**pairs_of_sums()["postprocessing"], "outputs": [{"name": "prediction", "from": ["two.Y"]}]}
    with pytest.raises(TrainerError, match="predict: expected one value a row, since postprocessing.json has no names, got a list of 2"):
        export_onnx({"two": path}, tmp_path / "other", **pairs_of_sums(postprocessing=one))


def chances(raw):
    """Return the softmax of the mean of the three tables of raw outputs."""
    mean = np.average([raw["pair.sum"], raw["pair.product"], raw["one.Y"]], axis=0, weights=[1, 1, 2])
    scaled = np.exp(mean - mean.max(axis=1, keepdims=True))
    return scaled / scaled.sum(axis=1, keepdims=True)


@pytest.mark.parametrize(
    ("value", "versions", "sentence"),
    [
        (("A", TensorProto.INT64, ["rows", 2]), {}, 'input "A": expected float32 or float64, got int64; turn it into numbers'),
        (("A", TensorProto.STRING, ["rows", 2]), {}, 'input "A": expected float32 or float64, got string'),
        (("A", TensorProto.FLOAT, ["rows", "columns"]), {}, "expected any number of rows and then sizes that are fixed"),
        (("A", TensorProto.FLOAT, [1, 2]), {}, "expected any number of rows"),
        (("A", TensorProto.FLOAT, ["rows", 2]), {"opset": 27, "ir": 13}, "the runtime takes 26 and 13 at most"),
    ],
)
def test_a_file_that_cannot_be_served_is_refused(tmp_path, value, versions, sentence):
    path = onnx_file(tmp_path / "m.onnx", [value], [helper.make_node("Identity", ["A"], ["Y"])], [("Y", *value[1:])], **versions)
    with pytest.raises(TrainerError, match=sentence):
        export_onnx({"m": path}, tmp_path, **sequence())


def test_what_is_no_model_or_too_few_rows_is_refused(tmp_path):
    (tmp_path / "m.onnx").write_bytes(b"no model")
    with pytest.raises(TrainerError, match="this is no sound ONNX file"):
        export_onnx({"m": tmp_path / "m.onnx"}, tmp_path, **sequence())
    with pytest.raises(TrainerError, match="expected at least 300 different ones, got 1"):
        export_onnx({"lstm": LSTM}, tmp_path, **sequence(rows=sequence_rows(1) * 400))
