"""Runs a model in ONNX Runtime for Node.js, which is what serves it."""

import subprocess
from pathlib import Path

import numpy as np

_SCRIPT = Path(__file__).parent / "onnx_answers.mjs"


def onnx_answers(folder, model, block, batch=1000):
    """Return the outputs of a model, ndarray of shape (n_rows,).

    Parameters
    ----------
    folder : Path
        Where files may be written.
    model : bytes
    block : ndarray of shape (n_rows, width), dtype=float32 or float64
    batch : int, default=1000
        Rows in one run.
    """
    (folder / "model.onnx").write_bytes(model)
    (folder / "block.bin").write_bytes(np.ascontiguousarray(block).tobytes())
    command = ["node", _SCRIPT, folder / "model.onnx", folder / "block.bin", block.dtype.name, str(block.shape[1]), str(batch)]
    return np.frombuffer(subprocess.run(command, capture_output=True, check=True).stdout, dtype=block.dtype)
