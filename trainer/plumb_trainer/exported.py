"""A fitted model in the form that is served, whatever library fitted it."""

from dataclasses import dataclass

from plumb_trainer.graph_export import postprocessing_document

# The model's id in the bundle, and its output as postprocessing.json reads it.
MODEL = "main"
INPUT, OUTPUT = "X", "Y"
RAW = f"{MODEL}.{OUTPUT}"
MODEL_FILE = "model.onnx"


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

    @property
    def names(self):
        """Of a model that predicts several numbers, what they are called: a recipe's predicts one."""
        return ()

    @property
    def raw_widths(self):
        """By name of an output, how many values of a row's raw ones are its, in order."""
        return {RAW: self.outputs}

    @property
    def raw_dtype(self):
        """Of the outputs."""
        return self.dtype

    @property
    def answer_dtype(self):
        """Of predictions and probabilities."""
        return self.dtype

    @property
    def raw_tier(self):
        """How true the outputs are; `tier` is of the answers too."""
        return self.tier

    @property
    def files(self):
        """The models' files, by name."""
        return {MODEL_FILE: self.onnx}

    def models_document(self):
        """Return the manifest's ``models``."""
        inputs = [{"name": INPUT, "dtype": self.dtype, "shape": ["rows", self.width]}]
        outputs = [{"name": OUTPUT, "dtype": self.dtype, "shape": ["rows", self.outputs]}]
        return [{"id": MODEL, "file": MODEL_FILE, "inputs": inputs, "outputs": outputs}]

    def postprocessing(self, labels):
        """Return postprocessing.json."""
        return postprocessing_document(RAW, self.dtype, self.outputs, self.link, labels)
