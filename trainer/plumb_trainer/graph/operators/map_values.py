"""Operators that map each number to another: powers, places among quantiles, functions.

Those that need logarithms and the like are served on the portable mathematics; each has a twin here that computes what is served.
"""

import numpy as np
import pandas as pd
from sklearn.preprocessing import FunctionTransformer, PowerTransformer, QuantileTransformer
from sklearn.utils.validation import check_is_fitted

from plumb_trainer import portable
from plumb_trainer.errors import TrainerError, quote
from plumb_trainer.graph.operators.core import Operator, feature_count
from plumb_trainer.libraries import validate_data
from plumb_trainer.numbers.json_form import number_form, number_forms
from plumb_trainer.numbers.powers import box_cox, yeo_johnson


class ServedPowerTransformer(PowerTransformer):
    """A PowerTransformer on the portable mathematics."""

    def transform(self, X):
        """Return the transformed columns, ndarray of shape (n_rows, n_features)."""
        check_is_fitted(self)
        X = validate_data(self, X, dtype=np.float64, ensure_all_finite="allow-nan", reset=False)
        if self.method == "box-cox" and (X <= 0).any():
            raise ValueError("The Box-Cox transformation can only be applied to strictly positive data")
        power = box_cox if self.method == "box-cox" else yeo_johnson
        with np.errstate(all="ignore"):
            powers = np.column_stack([power(X[:, index], lambda_) for index, lambda_ in enumerate(self.lambdas_)])
        # The scaler raises on what has become infinite.
        return self._scaler.transform(powers) if self.standardize else powers


class ServedQuantileTransformer(QuantileTransformer):
    """A QuantileTransformer whose normal distribution is the portable one."""

    def _transform_col(self, X_col, quantiles, inverse):
        bound = 1e-7
        with np.errstate(all="ignore"):
            low, high = X_col - bound < quantiles[0], X_col + bound > quantiles[-1]
            upward = np.interp(X_col, quantiles, self.references_)
            downward = np.interp(-X_col, -quantiles[::-1], -self.references_[::-1])
        # With a single quantile, interp has a place for NaN too.
        places = np.where(np.isnan(X_col), np.nan, np.where(low, 0.0, np.where(high, 1.0, 0.5 * (upward - downward))))
        nearest = bound - np.spacing(1)
        return np.clip(portable.ndtri(places), portable.ndtri(nearest), portable.ndtri(1 - nearest))


class ServedFunctionTransformer(FunctionTransformer):
    """A FunctionTransformer of a named function, on the portable mathematics and in float64."""

    def _transform(self, X, func=None, kw_args=None):
        name, limits = named_function(self)
        dtypes = dict(X.dtypes) if isinstance(X, pd.DataFrame) else {"": np.asarray(X).dtype}
        for column, dtype in dtypes.items():
            whole = dtype == np.int64 and name not in ("square", "reciprocal")
            if dtype != np.float64 and not whole:
                where = f" on column {quote(column)}" if column else ""
                raise TrainerError(
                    f"preprocessing, FunctionTransformer of {name}{where}: NumPy computes it in another type than float64, because the "
                    f"column is {dtype}; cast it to float64 before fitting"
                )
        values = np.asarray(X, dtype=np.float64)
        with np.errstate(all="ignore"):
            result = _clip(values, *limits) if name == "clip" else FUNCTIONS[name](values)
        return pd.DataFrame(result, index=X.index, columns=X.columns) if isinstance(X, pd.DataFrame) else result


def _clip(values, low, high):
    low, high = (-np.inf if low is None else low), (np.inf if high is None else high)
    return np.where(values < low, low, np.where(values > high, high, values))


# What each is served as.
FUNCTIONS = {
    "identity": lambda x: x,
    "log": portable.log,
    "log1p": portable.log1p,
    "log2": portable.log2,
    "log10": portable.log10,
    "exp": portable.exp,
    "expm1": portable.expm1,
    "sin": portable.sin,
    "cos": portable.cos,
    "tanh": portable.tanh,
    "sqrt": np.sqrt,
    "absolute": np.absolute,
    "sign": np.sign,
    "square": np.square,
    "reciprocal": np.reciprocal,
    "negative": np.negative,
    "floor": np.floor,
    "ceil": np.ceil,
    "trunc": np.trunc,
    "rint": np.rint,
}

# By the object itself: a function of another library may have the same name.
_NAMES = (
    {getattr(np, name): name for name in FUNCTIONS if name != "identity"}
    | {getattr(portable, name): name for name in portable.__all__ if name in FUNCTIONS}
    | {np.fabs: "absolute", np.round: "rint", np.around: "rint", np.clip: "clip", None: "identity"}
)
KNOWN = sorted({"clip", *FUNCTIONS} - {"identity"})


def named_function(transformer):
    """Return the name under which a FunctionTransformer's function is served, and the limits of ``clip``.

    Raises
    ------
    ValueError
        Where it is no named function, or called in a way that isn't served.
    """
    func, arguments = transformer.func, dict(transformer.kw_args or {})
    ways = "or fit a transformer of plumb_trainer.features in its place"
    name = _NAMES.get(func) if func is None or (callable(func) and func.__hash__) else None
    if name is None:
        called = getattr(func, "__name__", None) or type(func).__name__
        what = "a lambda" if called == "<lambda>" else f"the function {called}"
        raise ValueError(f"{what} can't be served, because it is Python; use NumPy's {', '.join(KNOWN)}, {ways}")
    if name == "clip":
        return name, _limits(arguments, ways)
    if name == "rint" and func is not np.rint and arguments in ({"decimals": 0}, {}):
        return name, None
    if arguments:
        raise ValueError(f"kw_args {', '.join(map(str, arguments))} of {name} can't be served; leave them out, {ways}")
    return name, None


def _limits(arguments, ways):
    limits = []
    for names in (("a_min", "min"), ("a_max", "max")):
        given = [arguments.pop(name) for name in names if name in arguments]
        limits.append(given[0] if given else None)
    if arguments:
        raise ValueError(f"kw_args {', '.join(map(str, arguments))} of clip can't be served; leave them out, {ways}")
    for limit in limits:
        is_number = isinstance(limit, int | float | np.integer | np.floating) and not isinstance(limit, bool) and not np.isnan(limit)
        if limit is not None and not is_number:
            raise ValueError(f"clip takes a number or None for each limit when served, got {limit!r}; use plumb_trainer.features.Clip")
    low, high = (None if limit is None else float(limit) for limit in limits)
    if low is not None and high is not None and low > high:
        raise ValueError(f"clip's lower limit {low} is above its upper one {high}; exchange them")
    return low, high


def _function_params(transformer, texts):
    name, limits = named_function(transformer)
    if any(texts):
        raise ValueError(f"{name} is a function of numbers, but a column here is text; give it an encoder first")
    params = {"function": name}
    if limits is not None:
        params |= {key: None if limit is None else number_form(limit) for key, limit in zip(("min", "max"), limits, strict=True)}
    return params | ({"validate": True} if transformer.validate else {})


def _power_params(transformer):
    if not np.isfinite(transformer.lambdas_).all():
        raise ValueError("a column has no finite lambda, because it had no value in training; take it out")
    scaler = transformer._scaler if transformer.standardize else None
    return {
        "method": transformer.method,
        "lambdas": number_forms(transformer.lambdas_),
        "mean": None if scaler is None else number_forms(scaler.mean_),
        "scale": None if scaler is None else number_forms(scaler.scale_),
    }


def _quantile_params(transformer):
    if not np.isfinite(transformer.quantiles_).all():
        raise ValueError("a column has no finite quantiles, because it had no value in training; take it out")
    return {
        "quantiles": [number_forms(column) for column in transformer.quantiles_.T],
        "references": number_forms(transformer.references_),
        "output_distribution": transformer.output_distribution,
    }


OPERATORS = {
    PowerTransformer: Operator("power_transformer", _power_params, feature_count, tier="B", served=lambda _: ServedPowerTransformer),
    QuantileTransformer: Operator(
        "quantile_transformer",
        _quantile_params,
        feature_count,
        # scikit-learn passes over what is absent.
        takes_ones=False,
        tier="A; B with `normal`",
        served=lambda transformer: ServedQuantileTransformer if transformer.output_distribution == "normal" else None,
    ),
    FunctionTransformer: Operator(
        "function_transformer",
        _function_params,
        feature_count,
        reads_kinds=True,
        takes_ones=False,
        tier="A; B for logarithms and their like",
        # Identity hands on what it is given, text too.
        served=lambda transformer: transformer.func and ServedFunctionTransformer,
    ),
}
