"""A model of any family, in the form that golden rows, the proof and the manifest ask for."""

from dataclasses import dataclass

import numpy as np

from plumb_trainer.models import ExportedModel


@dataclass(frozen=True)
class GivenModel:
    """An exported model with the members of `Exported`.

    Parameters
    ----------
    model : ExportedModel
    answer_dtype : {"float32", "float64"}
        Of the library's predictions and probabilities.
    """

    model: ExportedModel
    answer_dtype: str

    @property
    def _outputs(self):
        return [(f"{file.id}.{tensor.name}", tensor) for file in self.model.models for tensor in file.outputs]

    @property
    def dtype(self):
        """Of what goes into the models; where there are several, all read the same features."""
        return self.model.models[0].inputs[0].dtype

    @property
    def width(self):
        """How many features a row has."""
        return self.model.width

    @property
    def raw_widths(self):
        """As of `Exported`."""
        return {name: tensor.width for name, tensor in self._outputs}

    @property
    def raw_dtype(self):
        """As of `Exported`; float64 holds the outputs of both dtypes."""
        dtypes = {tensor.dtype for _, tensor in self._outputs}
        return dtypes.pop() if len(dtypes) == 1 else "float64"

    @property
    def tier(self):
        """As of `Exported`. A link whose bits are the portable mathematics' is compared with the library's own: within a bound."""
        return "A" if set(self.model.tiers.values()) == {"A"} else "C"

    @property
    def raw_tier(self):
        """As of `Exported`."""
        return self.model.tiers["raw"]

    @property
    def files(self):
        """As of `Exported`."""
        return {_file_name(file.id): file.onnx for file in self.model.models}

    @property
    def thresholds(self):
        """As of `Exported`: of all models, by column."""
        columns = zip(*(file.thresholds for file in self.model.models), strict=True)
        return [np.unique(np.concatenate([np.asarray(values, dtype=self.dtype) for values in column])) for column in columns]

    @property
    def names(self):
        """Of a model that predicts several numbers, what they are called; none where it predicts one."""
        return self.model.names

    def models_document(self):
        """As of `Exported`."""
        return [
            {"id": file.id, "file": _file_name(file.id), "inputs": _specs(file.inputs), "outputs": _specs(file.outputs)}
            for file in self.model.models
        ]

    def postprocessing(self, _labels):
        """As of `Exported`."""
        return self.model.postprocessing()


def _file_name(identifier):
    return "model.onnx" if identifier == "main" else f"{identifier}.onnx"


def _specs(tensors):
    return [{"name": tensor.name, "dtype": tensor.dtype, "shape": ["rows", tensor.width]} for tensor in tensors]
