"""Write a reference bundle for the load test's scenario "overload", with rows to send.

- ``spin``: an ONNX Loop whose work is the same for each row, about 1 ms, whatever the batch. A load generator is never the slow part.
- ``forest``: 2,000 trees of depth 12, as scikit-learn grows them. The tree kernel runs it, or ONNX Runtime where that is asked for.

The bundle becomes ``OUT/<kind>/1``, the rows ``OUT/<kind>.jsonl``. ``npm run loadtest -- --scenario overload --reference spin`` runs this
where it is needed; by hand, in the folder ``trainer``: ``.venv/bin/python reference_overload.py spin OUT``.
"""

import argparse
import sys
import tempfile
from pathlib import Path

import numpy as np
import onnx
import pandas as pd
from onnx import TensorProto, helper, numpy_helper
from sklearn.ensemble import RandomForestRegressor

from plumb_trainer.errors import TrainerError
from plumb_trainer.numbers.json_form import line
from plumb_trainer.run.export import export_bundle
from plumb_trainer.run.onnx_bundle import export_onnx

ROWS = 4_096
SLO = {"p95_ms": 200, "rps": 200}

# An iteration multiplies two matrices of 64 by 64: 10 us to 20 us on a processor of 2023, of which the Loop itself takes a third.
ITERATIONS = 64
_SIDE = 64
_WEIGHTS = {"length": 0.5, "speed": -1.25, "load": 2.0, "slope": 0.75}

_TREES, _DEPTH = 2_000, 12
_TRAINING_ROWS = 4_000


def spin_graph(iterations):
    """Return an ONNX model whose time is `iterations` turns of a Loop for each row of a batch.

    Parameters
    ----------
    iterations : int

    Returns
    -------
    onnx.ModelProto
        float32 [rows, 4] to float32 [rows, 1], a weighted sum.

    Notes
    -----
    The loop multiplies a matrix of zeros, which takes as long as any other. Its result, exactly zero, is added to the sum: so the runtime
    can't leave the loop out, and the answer is known without running it.
    """
    matrix = np.full((_SIDE, _SIDE), 1 / _SIDE, dtype=np.float32)
    state = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [_SIDE, _SIDE]) for name in ("state", "next")]
    body = helper.make_graph(
        [
            helper.make_node("MatMul", ["state", "matrix"], ["product"]),
            helper.make_node("Tanh", ["product"], ["next"]),
            helper.make_node("Identity", ["going"], ["goes_on"]),
        ],
        "turn",
        [
            helper.make_tensor_value_info("turn", TensorProto.INT64, []),
            helper.make_tensor_value_info("going", TensorProto.BOOL, []),
            state[0],
        ],
        [helper.make_tensor_value_info("goes_on", TensorProto.BOOL, []), state[1]],
    )
    constants = {
        "matrix": matrix,
        "zeros": np.zeros((_SIDE, _SIDE), dtype=np.float32),
        "weights": np.array(list(_WEIGHTS.values()), dtype=np.float32).reshape(-1, 1),
        "turns_a_row": np.array(iterations, dtype=np.int64),
        "first": np.array(0, dtype=np.int64),
        "yes": np.array(True),
    }
    graph = helper.make_graph(
        [
            helper.make_node("Shape", ["X"], ["shape"]),
            helper.make_node("Gather", ["shape", "first"], ["rows"]),
            helper.make_node("Mul", ["rows", "turns_a_row"], ["turns"]),
            helper.make_node("Loop", ["turns", "yes", "zeros"], ["last"], body=body),
            helper.make_node("ReduceMax", ["last"], ["zero"], keepdims=0),
            helper.make_node("MatMul", ["X", "weights"], ["sum"]),
            helper.make_node("Add", ["sum", "zero"], ["Y"]),
        ],
        "spin",
        [helper.make_tensor_value_info("X", TensorProto.FLOAT, ["rows", len(_WEIGHTS)])],
        [helper.make_tensor_value_info("Y", TensorProto.FLOAT, ["rows", 1])],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=10, producer_name="plumb_trainer")
    onnx.checker.check_model(model, full_check=True)
    return model


def spin_rows(count, seed=3):
    """Return rows for `spin`, no two alike."""
    values = np.random.RandomState(seed).normal(10, 4, size=(count, len(_WEIGHTS))).round(3)
    return [dict(zip(_WEIGHTS, row, strict=True)) for row in values.tolist()]


def write_spin(out, iterations=ITERATIONS):
    """Write the bundle ``out/spin/1``, and return rows to send."""
    names, rows = list(_WEIGHTS), spin_rows(ROWS)
    weights = np.array(list(_WEIGHTS.values()), dtype=np.float32).reshape(-1, 1)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "main.onnx"
        path.write_bytes(spin_graph(iterations).SerializeToString())
        export_onnx(
            {"main": path},
            out,
            name="spin",
            version=1,
            schema={
                "type": "object",
                "title": "Spin",
                "description": "A model for load tests: each row costs the same time.",
                "properties": {name: {"type": "number"} for name in names},
                "required": names,
                "additionalProperties": False,
            },
            preprocessing={
                "format": "plumb-graph/1",
                "inputs": [{"name": name, "type": "number"} for name in names],
                "nodes": [],
                "outputs": [{"name": "X", "dtype": "float32", "shape": ["rows", len(names)], "from": names}],
            },
            postprocessing={
                "format": "plumb-graph/1",
                "inputs": [{"name": "main.Y", "dtype": "float32", "shape": ["rows", 1]}],
                "nodes": [],
                "outputs": [{"name": "prediction", "from": ["main.Y"]}],
            },
            # The proof runs them all, and each takes a millisecond.
            rows=rows[:1_000],
            features=lambda given: {"X": np.array([[row[name] for name in names] for row in given])},
            predict=lambda raw: raw["main.Y"][:, 0].astype(float),
            raw=lambda blocks: {"main.Y": blocks["X"] @ weights},
            slo=SLO,
            replace=True,
        )
    return rows


def forest_table(count, seed):
    """Return rows for `forest` as a DataFrame, and what is to be predicted: hourly rentals, made up."""
    random = np.random.RandomState(seed)
    hour = random.randint(0, 24, count)
    temperature = (12 + 10 * np.sin(random.uniform(0, 6.3, count)) + 3 * random.randn(count)).round(1)
    columns = {
        "hour": hour,
        "weekday": random.randint(0, 7, count),
        "temperature": temperature,
        "humidity": np.clip(65 - temperature + 15 * random.randn(count), 5, 100).round(1),
        "wind": random.gamma(2, 6, count).round(1),
        "stations": random.randint(20, 60, count),
        "price": (2.5 + 0.5 * random.rand(count)).round(2),
        "events": random.poisson(0.4, count),
    }
    frame = pd.DataFrame(columns)
    rush = np.exp(-((hour - 8) ** 2) / 6) + np.exp(-((hour - 17.5) ** 2) / 8)
    base = 40 + 180 * rush * (frame["weekday"] < 5) + 4 * temperature - 0.5 * frame["wind"] + 25 * frame["events"]
    rentals = base * frame["stations"] / 40 - 20 * frame["price"] + 15 * random.randn(count)
    return frame, rentals.to_numpy()


def write_forest(out):
    """Write the bundle ``out/forest/1``, and return rows to send."""
    frame, rentals = forest_table(_TRAINING_ROWS, seed=5)
    model = RandomForestRegressor(n_estimators=_TREES, max_depth=_DEPTH, min_samples_leaf=4, random_state=0, n_jobs=1)
    model.fit(frame, rentals)
    metadata = {"title": "Rentals of an hour", "description": "A forest for load tests, of made-up data.", "target": "rentals", "seed": 0}
    export_bundle(model, frame, out, name="forest", version=1, slo=SLO, golden_rows=2_000, metadata=metadata)
    sent, _ = forest_table(ROWS, seed=6)
    return sent.to_dict("records")


KINDS = {"spin": write_spin, "forest": write_forest}


def main(argv=None):
    """Write one bundle and its rows."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("kind", choices=KINDS)
    parser.add_argument("out", type=Path, help="the model store; its other bundles stay")
    parser.add_argument("--iterations", type=int, default=ITERATIONS, help="of spin: turns of its loop for a row (%(default)s, about 1 ms)")
    options = parser.parse_args(argv)
    options.out.mkdir(parents=True, exist_ok=True)
    try:
        rows = write_spin(options.out, options.iterations) if options.kind == "spin" else write_forest(options.out)
    except TrainerError as error:
        print(stop, file=sys.stderr)
        return 1
    file = options.out / f"{options.kind}.jsonl"
    file.write_text("".join(f"{line(row)}\n" for row in rows), encoding="utf-8")
    print(f"{options.out / options.kind / '1'}, and rows in {file}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
