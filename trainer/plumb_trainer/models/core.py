"""What every family of models is exported as: files that run, a graph that makes answers of what they give, and how true both are."""

import math
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from plumb_trainer.errors import TrainerError
from plumb_trainer.models.names import INPUT, MODEL, OUTPUT
from plumb_trainer.numbers.json_form import INTEGER_MAX, number_form

FORMAT = "plumb-graph/1"


@dataclass(frozen=True)
class Tensor:
    """A table of numbers that goes into a model or comes out of it.

    Parameters
    ----------
    name : str
    dtype : {"float32", "float64"}
    width : int
        Values per row.
    """

    name: str
    dtype: str
    width: int


@dataclass(frozen=True)
class ModelFile:
    """One ONNX model.

    Parameters
    ----------
    id : str
        In the bundle: its output ``Y`` is called ``<id>.Y`` in the graph behind it.
    onnx : bytes
    inputs, outputs : tuple of Tensor
    thresholds : list of ndarray
        By column of the first input, the values at which the answer jumps, ascending; empty where it never does.
    """

    id: str
    onnx: bytes
    inputs: tuple
    outputs: tuple
    thresholds: list


@dataclass(frozen=True)
class ModelInput:
    """A tensor that the preprocessing gives, and what the models that read it take.

    Parameters
    ----------
    name : str
    dtype : {"float32", "float64"}
    width : int
    steps : tuple of (str, transformer)
        Fitted, between the pipeline's own preprocessing and the tensor: those of members that are pipelines.
    accepts, checked_as, checked_columns
        As of `ExportedModel`.
    """

    name: str
    dtype: str
    width: int
    steps: tuple = ()
    accepts: str = "any"
    checked_as: str = "float64"
    checked_columns: tuple | None = None

    @property
    def check(self):
        """The parameters of the ``check_finite`` that refuses what the library raises on; None where it takes everything."""
        if self.accepts == "any":
            return None
        params = {"allow_nan": True} if self.accepts == "missing" else {}
        params |= {"dtype": "float32"} if self.checked_as == "float32" else {}
        return params if self.checked_columns is None else params | {"columns": list(self.checked_columns)}

    def raises_on(self, features):
        """Tell of each row of the tensor whether the library raises on it."""
        if self.accepts == "any":
            return np.zeros(len(features), dtype=bool)
        with np.errstate(over="ignore"):
            seen = features[:, slice(None) if self.checked_columns is None else self.checked_columns].astype(self.checked_as)
        return (np.isinf(seen) if self.accepts == "missing" else ~np.isfinite(seen)).any(axis=1)


@dataclass(frozen=True)
class ExportedModel:
    """A fitted model in the form that is served, whatever library fitted it.

    Parameters
    ----------
    task : {"regression", "classification"}
    models : tuple of ModelFile
    nodes : tuple of dict
        The postprocessing graph's, in order; they read ``<id>.<output>`` and each other.
    prediction : str
        The name of what gives the prediction: an id of `nodes` or ``<id>.<output>``.
    probabilities : str or None
        Of a classifier that has them.
    labels : tuple
        Of a classifier, in order of the probabilities.
    tiers : dict
        Of "raw", "prediction" and "probabilities", each "A" (the library's bits), "B" (the bits of the portable math; the library's own
        may differ in the last ones) or "C" (another order of summation).
    raw : callable
        From a block of features (float64, [rows, width]) to what the library's own code gives for each output: dict of ``<id>.<output>``
        to ndarray [rows, width], in the output's dtype.
    libraries : tuple of str
        What computes the answers in training, with versions.
    accepts : {"any", "missing", "finite"}, default="any"
        What the library takes among its features beside finite numbers: NaN and infinities, NaN alone, or neither. It raises on others,
        and the bundle has to refuse such rows too.
    checked_as : {"float32", "float64"}, default="float64"
        The dtype in which it looks for infinities: a number beyond its range is one.
    checked_columns : tuple of int, default=None
        The columns at which it looks; None is all of them.
    names : tuple of str, default=()
        Of a regressor that predicts several numbers, what they are called, in order; none where it predicts one.
    quantiles : tuple of float, default=()
        The levels, where these numbers are quantiles of one target.
    answer_dtype : {"float32", "float64"}, default="float64"
        Of the library's predictions and probabilities.
    inputs : tuple of ModelInput, default=()
        Where members have a preprocessing of their own, what they read: tensors side by side, which are the block of features then.
    estimator : object, default=None
        What predicts from a block of features, where the fitted model itself doesn't.
    """

    task: str
    models: tuple
    nodes: tuple
    prediction: str
    probabilities: str | None
    labels: tuple
    tiers: dict
    raw: Callable
    libraries: tuple
    accepts: str = "any"
    checked_as: str = "float64"
    checked_columns: tuple | None = None
    names: tuple = ()
    quantiles: tuple = ()
    answer_dtype: str = "float64"
    inputs: tuple = ()
    estimator: object = None

    @property
    def tensors(self):
        """What the preprocessing gives, a `ModelInput` each: one that all models read, or several."""
        if self.inputs:
            return self.inputs
        (tensor,) = self.models[0].inputs
        return (ModelInput(tensor.name, tensor.dtype, tensor.width, (), self.accepts, self.checked_as, self.checked_columns),)

    @property
    def width(self):
        """How many features a row has."""
        return sum(tensor.width for tensor in self.tensors)

    def by_tensor(self, features):
        """Return a block of features as (ModelInput, its columns) pairs."""
        ends = np.cumsum([tensor.width for tensor in self.tensors])
        return [(tensor, features[:, end - tensor.width : end]) for tensor, end in zip(self.tensors, ends, strict=True)]

    @property
    def dtype(self):
        """Of what goes into the models: the same for all of them."""
        return self.models[0].inputs[0].dtype

    @property
    def _outputs(self):
        return [(f"{file.id}.{tensor.name}", tensor) for file in self.models for tensor in file.outputs]

    @property
    def raw_widths(self):
        """By name of an output, how many values of a row's raw ones are its, in order."""
        return {name: tensor.width for name, tensor in self._outputs}

    @property
    def raw_dtype(self):
        """Of the outputs; float64 holds those of both dtypes."""
        dtypes = {tensor.dtype for _, tensor in self._outputs}
        return dtypes.pop() if len(dtypes) == 1 else "float64"

    @property
    def tier(self):
        """How true the answers are. A link whose bits are the portable mathematics' is compared with the library's own: within a bound."""
        return "A" if set(self.tiers.values()) == {"A"} else "C"

    @property
    def raw_tier(self):
        """How true the outputs are."""
        return self.tiers["raw"]

    @cached_property
    def thresholds(self):
        """Of all models, by input column, the values at which the answer jumps, ascending."""
        found = []
        for tensor in self.tensors:
            columns = zip(*(file.thresholds for file in self.models if file.inputs[0].name == tensor.name), strict=True)
            found += [np.unique(np.concatenate([np.asarray(values, dtype=self.dtype) for values in column])) for column in columns]
        return found

    @property
    def files(self):
        """The models' files, by name."""
        return {_file_name(file.id): file.onnx for file in self.models}

    def models_document(self):
        """Return the manifest's ``models``."""
        return [
            {"id": file.id, "file": _file_name(file.id), "inputs": _specs(file.inputs), "outputs": _specs(file.outputs)}
            for file in self.models
        ]

    def raises_on(self, features):
        """Tell of each row of a block of features whether the library raises on it."""
        return np.any([tensor.raises_on(part) for tensor, part in self.by_tensor(features)], axis=0)

    def postprocessing(self):
        """Return postprocessing.json."""
        named = {"params": {"names": list(self.names)}} if self.names else {}
        outputs = [{"name": "prediction", "from": [self.prediction], **named}]
        if self.probabilities is not None:
            outputs.append({"name": "probabilities", "from": [self.probabilities], "params": {"labels": list(self.labels)}})
        return {
            "format": FORMAT,
            "inputs": [
                {"name": f"{model.id}.{tensor.name}", "dtype": tensor.dtype, "shape": ["rows", tensor.width]}
                for model in self.models
                for tensor in model.outputs
            ],
            "nodes": list(self.nodes),
            "outputs": outputs,
        }


def _file_name(identifier):
    return "model.onnx" if identifier == MODEL else f"{identifier}.onnx"


def _specs(tensors):
    return [{"name": tensor.name, "dtype": tensor.dtype, "shape": ["rows", tensor.width]} for tensor in tensors]


def model_file(onnx, dtype, width, outputs, thresholds=None, identifier=MODEL, output_dtype=None):
    """Return the file of a model with input ``X`` and output ``Y``."""
    return ModelFile(
        id=identifier,
        onnx=onnx,
        inputs=(Tensor(INPUT, dtype, width),),
        outputs=(Tensor(OUTPUT, output_dtype or dtype, outputs),),
        thresholds=[np.zeros(0)] * width if thresholds is None else thresholds,
    )


def node(identifier, operator, source, **params):
    """Return a node of a postprocessing graph over one table."""
    return {"id": identifier, "op": operator, "inputs": [source], "params": params}


def label_forms(classes):
    """Return classes as labels of a bundle.

    Raises
    ------
    TrainerError
        For a class that JSON has no scalar for.
    """
    return tuple(map(_label_form, classes))


def _label_form(value):
    if isinstance(value, bool | np.bool_):
        return bool(value)
    if isinstance(value, str):
        if not value.isprintable() and any(unicodedata.category(character) == "Cs" for character in value):
            raise TrainerError(
                f"the model can't be exported: class {value!a} isn't Unicode text (half a code point); repair the target, and fit again"
            )
        return str(value)
    if isinstance(value, int | np.integer) and abs(int(value)) > INTEGER_MAX:
        raise TrainerError(
            f"the model can't be exported: class {value} is over 2^53, where JSON loses the last digits; make strings of the target, or "
            "the indexes that a LabelEncoder gives, and fit again"
        )
    if isinstance(value, int | float | np.integer | np.floating) and math.isfinite(value):
        # A class of -0.0 is the one of 0.
        return number_form(value + 0)
    raise TrainerError(f"the model can't be exported: class {value!r} is no text, number or boolean; encode the target before fitting")
