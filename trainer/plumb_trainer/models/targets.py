"""Takes a target back: what undoes a TransformedTargetRegressor's transformer, as nodes behind its regressor."""

import numpy as np
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import FunctionTransformer

from plumb_trainer.graph.operators.map_values import named_function
from plumb_trainer.models.answers import refuse

_SCALERS = {"StandardScaler": ("scale_", "mean_"), "RobustScaler": ("scale_", "center_"), "MaxAbsScaler": ("scale_", "")}
# As PowerTransformer tells a power of 0, and of 2, from others.
_NO_POWER = np.spacing(1.0)


def taken_back(parts, estimator, transformer, source, outputs, dtype):
    """Return the table in which the predictions are those of the target itself.

    Parameters
    ----------
    parts : Parts
    estimator : TransformedTargetRegressor
        For messages.
    transformer : fitted transformer
    source : str
        The table that the regressor predicts.
    outputs : int
        How many columns it has.
    dtype : {"float32", "float64"}
        In which it predicts.
    """
    if isinstance(transformer, Pipeline):
        for _, step in reversed(transformer.steps):
            if step is not None and step != "passthrough":
                source = taken_back(parts, estimator, step, source, outputs, dtype)
        return source
    name = type(transformer).__name__
    if name == "FunctionTransformer":
        return _inverse_function(parts, estimator, transformer, source, dtype)
    inverse = _INVERSES.get(name)
    if inverse is None:
        expected = f"expected one of {', '.join(_INVERSES)}, a Pipeline of these, or func and inverse_func, such as np.log1p and np.expm1"
        raise refuse(estimator, f"its transformer, a {name}, has no inverse here; {expected}")
    rounded = {"dtype": "float32"} if dtype == "float32" else {}
    columns = []
    for index in range(outputs):
        column = parts.node("select_columns", [source], columns=[index]) if outputs > 1 else source
        columns.append(inverse(_Column(parts, estimator, rounded), transformer, index, column))
    return parts.node("identity", columns) if outputs > 1 else columns[0]


def _inverse_function(parts, estimator, transformer, source, dtype):
    inverse = FunctionTransformer(transformer.inverse_func, kw_args=transformer.inv_kw_args)
    try:
        name, limits = named_function(inverse)
    except ValueError as error:
        raise refuse(estimator, f"its inverse_func: {error}") from error
    if inverse.func is None:
        raise refuse(estimator, "its inverse_func None has no operator; name one of NumPy's, such as numpy.expm1 for numpy.log1p")
    if name in ("exp", "expm1"):
        params = {"dtype": dtype} if name == "exp" or dtype == "float32" else {}
        return parts.node(name, [source], **params)
    if dtype == "float32":
        raise refuse(
            estimator,
            f"its regressor predicts in float32, in which {name} has no form; use numpy.log1p and numpy.expm1, or a regressor of "
            "scikit-learn",
        )
    params = {} if limits is None else {key: value for key, value in zip(("min", "max"), limits, strict=True)}
    return parts.node("function_transformer", [source], function=name, **params)


class _Column:
    """Nodes over one column: each method returns the id of the node that it adds.

    Parameters
    ----------
    parts : Parts
    estimator : TransformedTargetRegressor
    rounded : dict
        What a ``linear`` node says where scikit-learn computes in float32.
    """

    def __init__(self, parts, estimator, rounded):
        self.parts, self.estimator, self.rounded = parts, estimator, rounded

    def line(self, source, coef, intercept, **params):
        return self.parts.node("linear", [source], coef=[[float(coef)]], intercept=[float(intercept)], **params)

    def mapped(self, source, function, **limits):
        return self.parts.node("function_transformer", [source], function=function, **limits)

    def exp(self, source):
        return self.parts.node("exp", [source], dtype="float64")

    def stored(self, source):
        """Round to float32, where scikit-learn's array is of float32."""
        return self.line(source, 1.0, 0.0, **self.rounded) if self.rounded else source

    def added(self, first, second):
        return self.parts.node("linear", [first, second], coef=[[1.0, 1.0]], intercept=[0.0])


def _scaled(nodes, transformer, index, source):
    """Undone as they were done: times the scale, then plus the middle."""
    scale, shift = (getattr(transformer, attribute, None) for attribute in _SCALERS[type(transformer).__name__])
    coef, intercept = 1.0 if scale is None else scale[index], 0.0 if shift is None else shift[index]
    return nodes.line(source, coef, intercept, **nodes.rounded)


def _min_max(nodes, transformer, index, source):
    less = nodes.stored(nodes.line(source, 1.0, -transformer.min_[index]))
    return nodes.stored(nodes.parts.divided(less, transformer.scale_[index]))


def _quantiles(nodes, transformer, index, source):
    if transformer.output_distribution != "uniform":
        raise refuse(
            nodes.estimator,
            'its transformer, a QuantileTransformer of output_distribution="normal", goes through the normal distribution, which has no '
            'operator; fit it with output_distribution="uniform", or a PowerTransformer in its place',
        )
    if len(transformer.references_) < 2:
        raise refuse(nodes.estimator, "its QuantileTransformer has one quantile only; fit it with n_quantiles of 2 or more, or leave it out")
    curve = {"x": transformer.references_.tolist(), "y": transformer.quantiles_[:, index].tolist()}
    return nodes.stored(nodes.parts.node("isotonic", [source], **curve))


def _powers(nodes, transformer, index, source):
    if transformer.standardize:
        source = _scaled(nodes, transformer._scaler, index, source)
    power = float(transformer.lambdas_[index])
    undo = _box_cox if transformer.method == "box-cox" else _yeo_johnson
    return nodes.stored(undo(nodes, power, source))


def _box_cox(nodes, power, source):
    if power == 0:
        return nodes.exp(source)
    return nodes.exp(nodes.parts.divided(nodes.mapped(nodes.line(source, power, 0.0), "log1p"), power))


def _yeo_johnson(nodes, power, source):
    """Both sides of 0, each of which is 0 where the other one holds, and their sum."""
    above = nodes.mapped(source, "clip", min=0.0, max=None)
    below = nodes.mapped(source, "clip", min=None, max=0.0)
    if abs(power) < _NO_POWER:
        upper = nodes.line(nodes.exp(above), 1.0, -1.0)
    else:
        upper = _raised(nodes, above, power, power, 1.0)
    if abs(power - 2) > _NO_POWER:
        lower = _raised(nodes, below, -(2 - power), 2 - power, -1.0)
    else:
        lower = nodes.line(nodes.exp(nodes.line(below, -1.0, 0.0)), -1.0, 1.0)
    return nodes.added(upper, lower)


def _raised(nodes, source, slope, divisor, sign):
    """Return ``sign * ((slope * x + 1) ** (1 / divisor) - 1)``."""
    base = nodes.line(source, slope, 1.0)
    exponent = 1 / divisor
    if exponent == 1:
        return nodes.line(base, sign, -sign)
    if exponent == round(exponent):
        # A whole power of a negative number is a number, and its logarithm is none.
        raise refuse(
            nodes.estimator,
            f"its PowerTransformer has the power {divisor:g}, whose inverse is a whole power and has no operator; fit another power, as "
            "PowerTransformer finds by itself, or give func=np.log1p and inverse_func=np.expm1",
        )
    raised = nodes.exp(nodes.line(nodes.mapped(base, "log"), exponent, 0.0))
    return nodes.line(raised, sign, -sign)


_INVERSES = {
    **dict.fromkeys(_SCALERS, _scaled),
    "MinMaxScaler": _min_max,
    "QuantileTransformer": _quantiles,
    "PowerTransformer": _powers,
}
