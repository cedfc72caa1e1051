"""Files that libraries save become bundles: what is inferred, what is refused."""

import json

import joblib
import numpy as np
import onnx
import pandas as pd
import pytest
from onnx import TensorProto, helper, numpy_helper
from sklearn.linear_model import LinearRegression
from xgboost import XGBClassifier

from plumb_trainer.run.cli import main

NAMES = ["a", "b", "c"]


@pytest.fixture
def rows(tmp_path):
    """Return the path of sample rows, and the rows."""
    frame = pd.DataFrame(np.random.default_rng(5).normal(size=(200, 3)), columns=NAMES)
    frame.to_csv(tmp_path / "rows.csv", index=False)
    return tmp_path / "rows.csv", frame


def imported(tmp_path, file, rows, *more):
    return main(["import", str(file), "--rows", str(rows), "--out", str(tmp_path / "store"), *more])


def network(path, form, width):
    """Write a layer in the form in which an exporter names and lays out its tensors: PyTorch's Gemm, Keras's MatMul and Add."""
    random = np.random.default_rng(2)
    weights, bias = random.normal(size=(3, width)).astype(np.float32), random.normal(size=width).astype(np.float32)
    if form == "pytorch":
        nodes = [helper.make_node("Gemm", ["input", "fc.weight", "fc.bias"], ["output"], transB=1)]
        constants, names = {"fc.weight": weights.T.copy(), "fc.bias": bias}, ("input", "output")
    else:
        nodes = [
            helper.make_node("MatMul", ["keras_tensor", "dense/kernel"], ["dense/MatMul"]),
            helper.make_node("Add", ["dense/MatMul", "dense/bias"], ["dense/Add"]),
            helper.make_node("Softmax", ["dense/Add"], ["output_0"], axis=-1),
        ]
        constants, names = {"dense/kernel": weights, "dense/bias": bias}, ("keras_tensor", "output_0")
    tensors = [helper.make_tensor_value_info(name, TensorProto.FLOAT, ["batch", n]) for name, n in zip(names, (3, width), strict=True)]
    graph = helper.make_graph(nodes, "main_graph", tensors[:1], tensors[1:], [numpy_helper.from_array(v, k) for k, v in constants.items()])
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9), path)


def test_a_layer_as_pytorch_writes_it_is_a_regressor(tmp_path, rows, capsys):
    network(tmp_path / "Net.onnx", "pytorch", 1)
    assert imported(tmp_path, tmp_path / "Net.onnx", rows[0]) == 0
    assert "input takes a, b, c; output is the prediction, a number" in capsys.readouterr().out
    assert (tmp_path / "store" / "net" / "1" / "manifest.json").is_file()


def test_a_softmax_as_keras_writes_it_is_a_classifier(tmp_path, rows, capsys):
    network(tmp_path / "k.onnx", "keras", 3)
    assert imported(tmp_path, tmp_path / "k.onnx", rows[0], "--labels", "x,y,z", "--name", "kinds") == 0
    assert "output_0 holds probabilities, since Softmax gives it" in capsys.readouterr().out
    golden = (tmp_path / "store" / "kinds" / "1" / "golden.jsonl").read_text().splitlines()
    answers = [json.loads(line) for line in golden]
    assert {answer["prediction"] for answer in answers} > {"x"}
    assert all("xyz"[np.argmax(answer["probabilities"])] == answer["prediction"] for answer in answers)


def test_a_saved_booster_is_what_its_objective_says(tmp_path, rows, capsys):
    frame = rows[1]
    model = XGBClassifier(n_estimators=3, max_depth=2).fit(frame, frame["a"] > frame["b"])
    model.save_model(tmp_path / "m.ubj")
    assert imported(tmp_path, tmp_path / "m.ubj", rows[0]) == 0
    assert "objective binary:logistic: a classifier of 2 classes" in capsys.readouterr().out


def test_a_pickle_is_loaded_only_by_those_who_trust_it(tmp_path, rows, capsys):
    frame = rows[1]
    joblib.dump(LinearRegression().fit(frame, frame["a"]), tmp_path / "line.joblib")
    assert imported(tmp_path, tmp_path / "line.joblib", rows[0]) == 1
    assert "--trust does, if you trust the file" in capsys.readouterr().err
    assert imported(tmp_path, tmp_path / "line.joblib", rows[0], "--trust") == 0


@pytest.mark.parametrize(
    "name, options, sentence",
    [
        ("gone.json", [], "there is no such file"),
        ("odd.bin", [], "expected one of .json, .ubj"),
        ("odd.json", [], "this is no model that XGBoost saved"),
        ("odd.bin", ["--target", "d"], 'the rows have no column "d"'),
    ],
)
def test_what_cannot_be_imported_is_told(tmp_path, rows, capsys, name, options, sentence):
    if name.startswith("odd"):
        (tmp_path / name).write_text("{}")
    assert imported(tmp_path, tmp_path / name, rows[0], *options) == 1
    assert sentence in capsys.readouterr().err
