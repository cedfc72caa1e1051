"""The model of the conformance report for MLServer: adds the elements of a row of twelve inputs.

`python mlserver_model.py FOLDER` writes what `mlserver start FOLDER` takes. The runtime checks names, data types and
shapes against the metadata, which MLServer leaves to runtimes; what it doesn't check is MLServer's own.
"""

import json
import shutil
import sys
from pathlib import Path

import numpy as np
from mlserver import MLModel
from mlserver.codecs import NumpyCodec, StringCodec
from mlserver.errors import InferenceError
from mlserver.types import InferenceRequest, InferenceResponse

JSON_TYPES = "FP32 BOOL UINT8 UINT16 UINT32 UINT64 INT8 INT16 INT32 INT64 FP64 BYTES".split()
OUTPUTS = {"sum": ("FP64", 1), "scores": ("FP32", 3), "text": ("BYTES", 1)}


class Sum(MLModel):
    """A runtime as MLServer's documentation has it."""

    async def predict(self, payload: InferenceRequest) -> InferenceResponse:
        """Answer a request with the sums of its rows."""
        sent = {tensor.name: tensor for tensor in payload.inputs}
        wanted = {f"in_{kind}": kind for kind in JSON_TYPES}
        if sent.keys() != wanted.keys():
            raise InferenceError(f"expected the inputs {sorted(wanted)}, got {sorted(sent)}")
        sums = np.sum([add_rows(sent[name], kind) for name, kind in wanted.items()], axis=0)
        named = [output.name for output in payload.outputs or []] or list(OUTPUTS)
        if not OUTPUTS.keys() >= set(named):
            raise InferenceError(f"expected outputs of {sorted(OUTPUTS)}, got {named}")
        outputs = [encode(name, sums) for name in named]
        return InferenceResponse(model_name=self.name, model_version=self.version, id=payload.id, outputs=outputs)


def add_rows(tensor, kind):
    """Add the elements of each row."""
    shape = tensor.shape
    if tensor.datatype != kind or len(shape) != 2 or shape[1] != 2:
        raise InferenceError(f"{tensor.name}: expected {kind} of shape [-1, 2]")
    values = StringCodec.decode_input(tensor) if kind == "BYTES" else NumpyCodec.decode_input(tensor)
    numbers = np.array([float(value) for value in np.asarray(values).reshape(-1)], dtype=np.float64)
    return numbers.reshape(shape[0], -1).sum(axis=1)


def encode(name, sums):
    """Return an output for the sums of the rows."""
    column = sums.reshape(-1, 1)
    if name == "text":
        return StringCodec.encode_output(name, [f"sum {value}" for value in sums])
    if name == "scores":
        return NumpyCodec.encode_output(name, np.concatenate([-column, 2 * column, column], axis=1).astype(np.float32))
    return NumpyCodec.encode_output(name, column)


def write_folder(folder):
    """Write the settings of the server and of the model."""
    model = Path(folder) / "sum"
    model.mkdir(parents=True, exist_ok=True)
    shutil.copy(__file__, model / "mlserver_model.py")
    inputs = [{"name": f"in_{kind}", "datatype": kind, "shape": [-1, 2]} for kind in JSON_TYPES]
    outputs = [{"name": name, "datatype": kind, "shape": [-1, size]} for name, (kind, size) in OUTPUTS.items()]
    settings = {
        "name": "sum",
        "implementation": "mlserver_model.Sum",
        "inputs": inputs,
        "outputs": outputs,
        "parameters": {"version": "1"},
    }
    (model / "model-settings.json").write_text(json.dumps(settings, indent=2))
    server = {"host": "127.0.0.1", "parallel_workers": 0, "debug": False, "metrics_endpoint": None}
    (Path(folder) / "settings.json").write_text(json.dumps(server, indent=2))


if __name__ == "__main__":
    write_folder(sys.argv[1])
