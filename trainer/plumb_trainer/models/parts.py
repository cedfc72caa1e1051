"""The models that an ensemble is made of, each with what it reads, and the graph behind them."""

import copy
import functools
import math
from dataclasses import dataclass

import numpy as np
import onnx
from onnx import TensorProto, helper

from plumb_trainer.errors import TrainerError
from plumb_trainer.models.answers import SCIKIT_LEARN, refuse
from plumb_trainer.models.core import ExportedModel, ModelFile, ModelInput, Tensor
from plumb_trainer.models.names import INPUT
from plumb_trainer.models.unwrap import unwrapped

_STRICTEST = ("finite", "missing", "any")


@dataclass
class Member:
    """A member of an ensemble.

    Parameters
    ----------
    exported : ExportedModel
        Under names of its own.
    model : object
        What predicts from the member's own features: the model behind the member's pipeline.
    raw : callable
        As of `ExportedModel`, from the member's own features.
    spans : list of (str, int)
        The tensors that are its features, and how wide each is.
    """

    exported: ExportedModel
    model: object
    raw: object
    spans: list


class Parts:
    """The members of an ensemble, under names of their own, and the graph so far.

    Parameters
    ----------
    ensemble : object
        For messages.
    export : callable
        From a model to its `ExportedModel`.
    """

    def __init__(self, ensemble, export):
        self._ensemble = ensemble
        self._export = export
        self._places = {}
        self.members, self.nodes, self.tensors = [], [], []

    def add(self, estimator, name, before=()):
        """Return an estimator, which may be a pipeline, as part of the graph; `before` are steps that the ensemble itself puts first."""
        if estimator is None or (isinstance(estimator, str) and estimator == "drop"):
            raise refuse(self._ensemble, f'its member "{name}" is missing')
        try:
            steps, model, coded = unwrapped(estimator)
            exported = self._export(model, **({"coded": True} if coded else {}))
        except TrainerError as error:
            raise refuse(self._ensemble, f'its member "{name}": {error}') from error
        spans = [self._place(tensor, (*before, *steps)) for tensor in exported.tensors]
        tensors = {tensor.name: place for tensor, (place, _) in zip(exported.tensors, spans, strict=True)}
        raw = exported.raw
        member = Member(None, exported.estimator or model, raw, spans)
        member.exported, member.raw = _renamed(exported, f"m{len(self.members)}", tensors)
        self.members.append(member)
        self.nodes += member.exported.nodes
        return member.exported

    def _place(self, tensor, steps):
        """Return the name of the tensor that is made by these steps, and its width: one for all members that read it."""
        steps = (*steps, *tensor.steps)
        key = tuple(id(step) for _, step in steps)
        if key not in self._places:
            self._places[key] = len(self.tensors)
            name = INPUT if not self.tensors else f"{INPUT}{len(self.tensors)}"
            self.tensors.append(ModelInput(name, "float64", tensor.width, steps, "any"))
        at = self._places[key]
        self.tensors[at] = _stricter(self.tensors[at], tensor)
        return self.tensors[at].name, tensor.width

    def node(self, operator, sources, **params):
        """Add a node over some tables, and return its id."""
        identifier = f"e{len(self.nodes)}"
        self.nodes.append({"id": identifier, "op": operator, "inputs": list(sources), "params": params})
        return identifier

    def divided(self, source, divisor, width=1):
        """Add nodes that divide a table with one rounding: a mean of it and of zeros, whose weights add up to the divisor exactly."""
        size = abs(float(divisor))
        whole = 2.0 ** (math.frexp(size)[1] - 1)
        every = np.eye(width) * (math.copysign(1.0, divisor) / whole)
        scaled = self.node("linear", [source], coef=every.tolist(), intercept=[0.0] * width)
        nothing = self.node("linear", [source], coef=np.zeros((width, width)).tolist(), intercept=[0.0] * width)
        return self.node("weighted_mean", [scaled, nothing], weights=[whole, size - whole])

    @property
    def one_block(self):
        """Whether all members read the features as they come."""
        return all(not tensor.steps for tensor in self.tensors)

    def _columns(self, member):
        """Return the columns of the whole block that are a member's features."""
        starts = dict(zip((tensor.name for tensor in self.tensors), np.cumsum([0, *(t.width for t in self.tensors)])[:-1], strict=True))
        return np.concatenate([np.arange(starts[name], starts[name] + width) for name, width in member.spans])

    def stand_in(self, index):
        """Return what answers as a member does from the whole block of features."""
        member = self.members[index]
        return member.model if self.one_block else OfColumns(member.model, self._columns(member))

    def twin(self, **attributes):
        """Return a copy of the ensemble with other attributes, which predicts from the whole block; None where it does so itself."""
        if self.one_block:
            return None
        made = copy.copy(self._ensemble)
        for name, value in attributes.items():
            setattr(made, name, value)
        return made

    def exported(self, task, prediction, probabilities=None, labels=(), names=(), estimator=None):
        """Return the whole, without the nodes that nothing reads."""
        wanted, nodes = {prediction, probabilities}, []
        for part in reversed(self.nodes):
            if part["id"] in wanted:
                wanted |= set(part["inputs"])
                nodes.insert(0, part)
        members = [member.exported for member in self.members]
        tier = max([_tier(part) for part in nodes] + [max(member.tiers.values()) for member in members])
        tiers = {"raw": max(member.tiers["raw"] for member in members), "prediction": tier}
        # What one member raises on, the whole raises on.
        first = self.tensors[0]
        checks = {name: getattr(first, name) for name in ("accepts", "checked_as", "checked_columns")} if self.one_block else {}
        return ExportedModel(
            task=task,
            models=tuple(file for member in members for file in member.models),
            nodes=tuple(nodes),
            prediction=prediction,
            probabilities=probabilities,
            labels=labels,
            tiers=tiers if probabilities is None else {**tiers, "probabilities": tier},
            raw=self._raw(),
            libraries=tuple(dict.fromkeys(name for member in members for name in (*member.libraries, *SCIKIT_LEARN))),
            names=names,
            inputs=() if self.one_block else tuple(self.tensors),
            estimator=estimator,
            **checks,
        )

    def _raw(self):
        if self.one_block:
            raws = [(member.raw, None) for member in self.members]
        else:
            raws = [(member.raw, self._columns(member)) for member in self.members]

        def raw(features):
            found = {}
            for function, columns in raws:
                found |= function(features if columns is None else np.ascontiguousarray(features[:, columns]))
            return found

        return raw


class OfColumns:
    """A fitted model that is given some columns of a block of features, as scikit-learn asks it: by the methods that it has."""

    def __init__(self, model, columns):
        self._model, self._columns = model, columns

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        found = getattr(self._model, name)
        if name not in ("predict", "predict_proba", "decision_function"):
            return found

        # scikit-learn asks a method for its name.
        @functools.wraps(found)
        def asked(features):
            return found(np.ascontiguousarray(features[:, self._columns]))

        return asked

    def __sklearn_tags__(self):
        return self._model.__sklearn_tags__()

    def __sklearn_is_fitted__(self):
        return True


def _stricter(tensor, other):
    """Return a tensor with what is refused in it where another model reads it too."""
    accepts = min((tensor.accepts, other.accepts), key=_STRICTEST.index)
    strict = [each for each in (tensor, other) if each.accepts != "any"]
    looked_at = [each.checked_columns for each in strict]
    return ModelInput(
        tensor.name,
        tensor.dtype,
        tensor.width,
        tensor.steps,
        accepts,
        "float32" if any(each.checked_as == "float32" for each in strict) else "float64",
        None if None in looked_at else tuple(sorted({column for columns in looked_at for column in columns})),
    )


def _tier(part):
    """Return how true a node of an ensemble's own is to its library."""
    if part["op"] == "linear":
        return "A" if part["params"]["coef"] and len(part["params"]["coef"][0]) == 1 else "C"
    if part["op"] in ("weighted_mean", "vote"):
        # NumPy adds up eight and more in another order.
        return "A" if len(part["params"]["weights"]) < 8 else "C"
    if part["op"] == "proportions":
        return "C"
    portable = ("exp", "expm1", "function_transformer")
    return "B" if part["op"] in portable or (part["op"] in ("sigmoid", "softmax") and part["params"]["dtype"] == "float64") else "A"


def _renamed(member, prefix, tensors):
    """Return a model whose files and nodes begin with a prefix and whose files read `tensors` in float64, and its raw outputs."""
    ids = {file.id: prefix if len(member.models) == 1 else f"{prefix}_{file.id}" for file in member.models}
    names = {f"{file.id}.{tensor.name}": f"{ids[file.id]}.{tensor.name}" for file in member.models for tensor in file.outputs}
    names |= {part["id"]: f"{prefix}_{part['id']}" for part in member.nodes}
    own_raw = member.raw

    def raw(features):
        return {names[name]: values for name, values in own_raw(features).items()}

    renamed = ExportedModel(
        task=member.task,
        models=tuple(_taking_float64(file, ids[file.id], tensors[file.inputs[0].name]) for file in member.models),
        nodes=tuple({**part, "id": names[part["id"]], "inputs": [names[name] for name in part["inputs"]]} for part in member.nodes),
        prediction=names[member.prediction],
        probabilities=names.get(member.probabilities),
        labels=member.labels,
        tiers=member.tiers,
        raw=raw,
        libraries=member.libraries,
        names=member.names,
        quantiles=member.quantiles,
    )
    return renamed, raw


def _taking_float64(file, identifier, name):
    """Return a file under another id that takes a tensor in float64, and rounds it itself where it works in float32."""
    (tensor,) = file.inputs
    content = file.onnx
    if tensor.dtype != "float64" or tensor.name != name:
        model = onnx.load_from_string(content)
        read = name if tensor.dtype == "float64" else "rounded"
        for part in model.graph.node:
            part.input[:] = [read if source == tensor.name else source for source in part.input]
        if tensor.dtype != "float64":
            model.graph.node.insert(0, helper.make_node("Cast", [name], ["rounded"], name="round", to=TensorProto.FLOAT))
        model.graph.input[0].name = name
        model.graph.input[0].type.tensor_type.elem_type = TensorProto.DOUBLE
        onnx.checker.check_model(model, full_check=True)
        content = model.SerializeToString(deterministic=True)
    return ModelFile(identifier, content, (Tensor(name, "float64", tensor.width),), file.outputs, file.thresholds)
