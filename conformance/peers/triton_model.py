"""The models of the conformance report for Triton's Python backend: each adds the elements of a row.

`python triton_model.py FOLDER` writes a model repository of `sum` (an input of each data type that JSON has), `half`
(FP16) and `vector` (one input, for raw requests).
"""

import json
import shutil
import sys
from pathlib import Path

import numpy as np

JSON_TYPES = "FP32 BOOL UINT8 UINT16 UINT32 UINT64 INT8 INT16 INT32 INT64 FP64 STRING".split()

MODELS = {
    "sum": (
        [(f"in_{kind}", kind, 2) for kind in JSON_TYPES],
        [("sum", "FP64", 1), ("scores", "FP32", 3), ("text", "STRING", 1)],
    ),
    "half": ([("x", "FP16", 2)], [("sum", "FP16", 1)]),
    "vector": ([("x", "FP32", 3)], [("sum", "FP64", 1)]),
}


class TritonPythonModel:
    """What Triton's Python backend calls."""

    def initialize(self, args):
        """Keep the names and types of the outputs."""
        self.outputs = {output["name"]: output["data_type"] for output in json.loads(args["model_config"])["output"]}

    def execute(self, requests):
        """Answer each request with the sums of its rows."""
        import triton_python_backend_utils as backend

        responses = []
        for request in requests:
            rows = [add_rows(tensor.as_numpy()) for tensor in request.inputs()]
            sums = np.sum(rows, axis=0)
            tensors = [backend.Tensor(name, answer(name, kind, sums)) for name, kind in self.outputs.items()]
            responses.append(backend.InferenceResponse(output_tensors=tensors))
        return responses


def add_rows(values):
    """Add the elements of each row; texts are numbers in words of digits."""
    numbers = np.array([float(value) for value in values.reshape(-1)], dtype=np.float64)
    return numbers.reshape(values.shape[0], -1).sum(axis=1)


def answer(name, kind, sums):
    """Return an output's elements for the sums of the rows."""
    column = sums.reshape(-1, 1)
    if name == "scores":
        return np.concatenate([-column, 2 * column, column], axis=1).astype(np.float32)
    if name == "text":
        return np.array([[f"sum {value}".encode()] for value in sums], dtype=np.object_)
    return column.astype(np.float16 if kind == "TYPE_FP16" else np.float64)


def configuration(name, inputs, outputs):
    """Return the text of a config.pbtxt."""

    def tensor(entry):
        return f'{{ name: "{entry[0]}" data_type: TYPE_{entry[1]} dims: [ {entry[2]} ] }}'

    def listed(tensors):
        return ",\n  ".join(map(tensor, tensors))

    return (
        f'name: "{name}"\nbackend: "python"\nmax_batch_size: 8\n'
        f"input [\n  {listed(inputs)}\n]\noutput [\n  {listed(outputs)}\n]\n"
        "instance_group [ { count: 1 kind: KIND_CPU } ]\n"
    )


def write_repository(folder):
    """Write a folder that `tritonserver --model-repository` takes."""
    for name, (inputs, outputs) in MODELS.items():
        version = Path(folder) / name / "1"
        version.mkdir(parents=True, exist_ok=True)
        (version.parent / "config.pbtxt").write_text(configuration(name, inputs, outputs))
        shutil.copy(__file__, version / "model.py")


if __name__ == "__main__":
    write_repository(sys.argv[1])
