"""A fitted model in the form that is served, whatever library fitted it."""

from dataclasses import dataclass

# The model's id in the bundle, and its output as postprocessing.json reads it.
MODEL = "main"
INPUT, OUTPUT = "X", "Y"
RAW = f"{MODEL}.{OUTPUT}"


@dataclass(frozen=True)
class Exported:
    """What the rest of the trainer needs to know of a model.

    Parameters
    ----------
    onnx : bytes
        Input ``X`` [rows, width], output ``Y`` [rows, outputs].
    dtype : {"float32", "float64"}
        Of both.
    width, outputs : int
    link : {"identity", "sigmoid", "softmax", "exp"}
        What turns the outputs into the answer. It runs after the model, in `dtype`.
    tier : {"A", "C"}
        A where the serving runtime gives the library's bits, C where it adds up in another order.
    thresholds : list of ndarray
        By input column, the values at which the answer jumps, ascending.
    """

    onnx: bytes
    dtype: str
    width: int
    outputs: int
    link: str
    tier: str
    thresholds: list
