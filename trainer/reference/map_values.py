"""Cases of what maps each number to another. Where that needs logarithms and the like, the answers are the served twin's."""

import math

import numpy as np
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, PowerTransformer, QuantileTransformer, StandardScaler

from plumb_trainer import portable
from reference.frame import case, frame, graph_case
from reference.rows import EDGES, INF, column, one, random_numbers

NAMED = ("log", "log1p", "log2", "log10", "exp", "expm1", "sin", "cos", "tanh", "sqrt", "absolute", "fabs", "sign", "square", "reciprocal")
ROUNDING = ("negative", "floor", "ceil", "trunc", "rint", "round")


def cases():
    """Powers, quantiles, functions."""
    yield from power_cases()
    yield from quantile_cases()
    yield from function_cases()


def power_cases():
    """Both methods, with and without the scaler; lambdas at which the formula changes; results that overflow."""
    types = {"a": "number", "b": "number", "constant": "number", "c": "number"}
    rng = np.random.default_rng(60)
    training = [[a, b, 3.7, c] for a, b, c in random_numbers(60, 60, 3)]
    positive = [[None if rng.random() < 0.1 else float(value) for value in rng.lognormal(0, (0.5, 3), 2)] for _ in range(60)]
    served = [[edge, -1.5, 4.0, edges] for edge, edges in zip(EDGES, EDGES[::-1], strict=True)]
    above = [
        [edge, other] for edge in (1.0, 0.0, -0.0, -1.0, None, 5e-324, 1e300, 1.7976931348623157e308, INF, 0.1) for other in (2.0, None)
    ]
    for standardize in (True, False):
        name = "" if standardize else "-not-standardized"
        yield f"yeo-johnson{name}", case(types, training, served, PowerTransformer(standardize=standardize))
        box_cox = PowerTransformer(method="box-cox", standardize=standardize)
        yield f"box-cox{name}", case({"a": "number", "b": "number"}, positive, above, box_cox)
        for method, lambdas in (
            ("yeo-johnson", (0.0, 1e-17, -1e-17, 2.0, 2.0 + 4e-16, 1.0, -3.5, 7.0, 200.0, -200.0)),
            ("box-cox", (0.0, 1e-20, 1e-18, -1e-18, 1.0, 2.0, -3.5, 7.0, 200.0, -200.0)),
        ):
            columns = {f"x{index}": "number" for index in range(len(lambdas))}
            values = [0.5, 1.0, 1.5, 3.0, 34.7, 1e-5, 1e5, 1e-300, 1e300, None]
            rows = [[value] * len(lambdas) for value in values]
            if method == "yeo-johnson":
                rows += [[value and -value] * len(lambdas) for value in (0.0, *values)]
            fitted = PowerTransformer(method=method, standardize=standardize).fit(
                frame(columns, [[v] * len(lambdas) for v in (1.0, 2.0, 4.5)])
            )
            fitted.lambdas_ = np.array(lambdas)
            yield f"{method}-lambdas{name}", graph_case(columns, fitted, rows)
    yield "yeo-johnson-integers", case({"n": "integer", "flag": "boolean"}, [[3, True], [-2, False]], [[2**40, True]], PowerTransformer())
    chain = (SimpleImputer(), PowerTransformer(), StandardScaler())
    yield "yeo-johnson-chained", case(types, training, served, *chain)


def quantile_cases():
    """Both distributions; quantiles that repeat, few of them, one; on them, beside them and beyond."""
    types = {"a": "number", "steps": "number", "constant": "number", "c": "number"}
    rng = np.random.default_rng(61)
    numbers = random_numbers(61, 200, 2)
    training = [[a, float(rng.integers(5)), 3.7, c] for a, c in numbers]
    wide = [[edge, edges, 3.7, edge] for edge, edges in zip(EDGES, EDGES[::-1], strict=True)]
    for distribution in ("uniform", "normal"):
        for count in (1, 2, 5, 100, 200):
            fitted = QuantileTransformer(n_quantiles=count, output_distribution=distribution).fit(frame(types, training))
            rows = training[:40] + wide
            for place in range(4):
                quantiles = fitted.quantiles_[:: max(1, count // 10), place].tolist() + fitted.quantiles_[-1:, place].tolist()
                beside = [
                    value for q in quantiles for value in (q, math.nextafter(q, INF), math.nextafter(q, -INF), q + 9e-8, q - 9e-8, q + 2e-7)
                ]
                rows += [[value if place == index else 1.0 for index in range(4)] for value in beside]
            yield f"quantile-{distribution}-{count}", graph_case(types, fitted, rows)
    huge = column(-1.7976931348623157e308, 1.7976931348623157e308, 0.0)
    yield "quantile-beyond-float64", case(one("number"), huge, column(*EDGES, 1.0, -1e308), QuantileTransformer(n_quantiles=2))
    chain = make_pipeline(SimpleImputer(), QuantileTransformer(n_quantiles=20), PowerTransformer())
    yield "quantile-chained", graph_case(types, chain.fit(frame(types, training)), training[:40] + wide)


def function_cases():
    """Every named function, on the edges of float64; limits; with validation."""
    types = {"a": "number", "b": "number"}
    values = [
        *EDGES,
        1.0,
        -1.0,
        0.5,
        -0.5,
        1.5,
        2.5,
        -2.5,
        0.49999999999999994,
        4503599627370495.5,
        4503599627370497.0,
        7.25,
        -3.75,
        1e5,
        710.0,
        -745.5,
    ]
    rows = [[value, other] for value, other in zip(values, values[::-1], strict=True)]
    rows += random_numbers(62, 40, 2)
    functions = {name: getattr(np, name) for name in NAMED + ROUNDING} | {
        f"portable-{name}": getattr(portable, name) for name in ("log1p", "tanh")
    }
    for name, function in functions.items():
        yield f"function-{name}", graph_case(types, FunctionTransformer(function).fit(frame(types, rows)), rows)
    limits = {
        "both": {"a_min": -1.5, "a_max": 2},
        "low": {"min": 0.1, "max": None},
        "high": {"a_min": None, "a_max": -0.5},
        "none": {"min": None, "max": None},
    }
    for name, limit in limits.items():
        yield f"function-clip-{name}", graph_case(types, FunctionTransformer(np.clip, kw_args=limit).fit(frame(types, rows)), rows)
    finite = [row for row in rows if None not in row and INF not in row and -INF not in row]
    for name, function in (("sqrt", np.sqrt), ("identity", None)):
        validated = FunctionTransformer(function, validate=True).fit(frame(types, finite))
        yield f"function-{name}-validated", graph_case(types, validated, rows)
    integers = {"n": "integer", "m": "integer"}
    whole = [[0, 5], [-3, 2**53 - 1], [17, -(2**40)]]
    for function in (np.log1p, np.absolute, np.sign, np.floor, np.exp, np.negative):
        fitted = FunctionTransformer(function).fit(frame(integers, whole))
        yield f"function-{function.__name__}-integers", graph_case(integers, fitted, whole)
    logs = ColumnTransformer(
        [
            ("log", make_pipeline(SimpleImputer(), FunctionTransformer(np.log1p), StandardScaler()), ["a"]),
            ("root", FunctionTransformer(np.sqrt), ["b"]),
        ]
    )
    table = [[abs(a or 0.0), abs(b or 0.0)] for a, b in random_numbers(63, 40, 2)]
    yield "function-in-a-column-transformer", graph_case(types, logs.fit(frame(types, table)), [*table, [None, None], [0.0, -0.0]])
    pandas = make_pipeline(FunctionTransformer(np.exp), StandardScaler()).set_output(transform="pandas")
    yield "function-of-data-frames", graph_case(types, pandas.fit(frame(types, table[:5])), table[:5])
