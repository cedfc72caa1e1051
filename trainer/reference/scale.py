"""Cases of what scales numbers."""

import functools

import numpy as np
from sklearn.impute import SimpleImputer
from sklearn.preprocessing import MaxAbsScaler, MinMaxScaler, Normalizer, OneHotEncoder, RobustScaler, StandardScaler

from reference.frame import case, frame, graph_case
from reference.rows import EDGES, INF, column, one, random_numbers


def cases():
    """Every scaler, on columns without variance, of tiny and of huge numbers."""
    types = {"a": "number", "b": "number", "constant": "number", "c": "number"}
    training = [[a, b, 3.7, c] for a, b, c in random_numbers(2, 60, 3)]
    served = [[edge, -1.5, 4.0, edges] for edge, edges in zip(EDGES, EDGES[::-1], strict=True)]
    for with_mean in (True, False):
        for with_std in (True, False):
            name = f"standard{'' if with_mean else '-no-mean'}{'' if with_std else '-no-std'}"
            yield name, case(types, training, served, StandardScaler(with_mean=with_mean, with_std=with_std))
    yield "standard-chained", case(types, training, served, SimpleImputer(), StandardScaler(), StandardScaler())
    yield "min-max", case(types, training, served, MinMaxScaler())
    yield "min-max-range-clipped", case(types, training, served, MinMaxScaler(feature_range=(-3.1, 2.7), clip=True))
    yield "min-max-clipped-at-zero", case(one("number"), column(0.0, 4.0), column(*EDGES), MinMaxScaler(clip=True))
    types = {"n": "integer", "flag": "boolean"}
    training = [[5, True], [7, False], [-3, True], [0, True]]
    yield "standard-integers-booleans", case(types, training, [[2**40, False]], StandardScaler())
    yield from largest_and_robust_cases()
    yield from normalizer_cases()


def largest_and_robust_cases():
    """MaxAbsScaler and RobustScaler, on columns without variance, of zeros, of tiny and of huge numbers."""
    types = {"a": "number", "b": "number", "constant": "number", "zero": "number", "c": "number"}
    training = [[a, b, 3.7, 0.0, c] for a, b, c in random_numbers(30, 60, 3)]
    served = [[edge, -1.5, 4.0, -2.0, edges] for edge, edges in zip(EDGES, EDGES[::-1], strict=True)]
    yield "max-abs", case(types, training, served, MaxAbsScaler())
    yield "max-abs-clipped", case(types, training, served, MaxAbsScaler(clip=True))
    hot = OneHotEncoder(handle_unknown="ignore")
    yield "max-abs-of-sparse-ones", case({"x": "integer"}, column(1, 2, 3), column(4), hot, MaxAbsScaler())
    for centering in (True, False):
        for scaling in (True, False):
            name = f"robust{'' if centering else '-no-centering'}{'' if scaling else '-no-scaling'}"
            yield name, case(types, training, served, RobustScaler(with_centering=centering, with_scaling=scaling))
    scaler = RobustScaler(quantile_range=(5.0, 95.0), unit_variance=True)
    yield "robust-unit-variance", case(types, training, served, SimpleImputer(), scaler)


def normalizer_cases():
    """Every norm, over rows of widths on both sides of where NumPy's order of summation changes.

    As arrays whose rows lie in one piece: a DataFrame's columns do, and then scikit-learn gives a batch other last bits than its rows.
    """
    for norm in ("l1", "l2", "max"):
        for width in (1, 9) if norm == "max" else (1, 3, 7, 8, 9, 16, 31, 130, 300):
            types = {f"x{index}": "number" for index in range(width)}
            rows = random_numbers(width, 12 if width < 100 else 3, width, missing=0)
            rows += [[value if index % 3 else 0.0 for index, value in enumerate(row)] for row in rows[:3]]
            rows += [[0.0] * width, [-0.0] * width, [1e-17] * width, [1e300] * width, [5e-324] * width]
            rows += [[None, *rows[0][1:]], [INF, *rows[0][1:]]]
            normalizer = Normalizer(norm).fit(frame(types, rows[:3]).to_numpy())
            transform = functools.partial(transform_in_one_piece, normalizer)
            yield f"normalizer-{norm}-{width}", graph_case(types, normalizer, rows, transform)


def transform_in_one_piece(transformer, data):
    """Return what a transformer makes of a DataFrame's values when each row lies in one piece."""
    return transformer.transform(np.ascontiguousarray(data.to_numpy()))
