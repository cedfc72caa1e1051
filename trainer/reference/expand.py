"""Cases of what makes several columns of each."""

import math

import numpy as np
from sklearn.impute import SimpleImputer
from sklearn.preprocessing import PolynomialFeatures, SplineTransformer, StandardScaler

from reference.frame import case, frame, graph_case
from reference.rows import EDGES, INF, random_numbers


def cases():
    """Products and splines."""
    yield from polynomial_cases()
    yield from spline_cases()


def polynomial_cases():
    """Every option of PolynomialFeatures; products that overflow and vanish."""
    types = {"a": "number", "b": "number", "c": "number"}
    training = random_numbers(40, 25, 3, missing=0)
    served = [[edge, edges, 1.5] for edge, edges in zip(EDGES, EDGES[::-1], strict=True)]
    for degree in (0, 1, 2, 3, 4, (2, 3), (3, 3), (0, 0)):
        for interaction_only in (False, True):
            for include_bias in (True, False):
                features = PolynomialFeatures(degree, interaction_only=interaction_only, include_bias=include_bias)
                try:
                    features.fit(frame(types, training))
                except ValueError:
                    # Degree 0 without a bias leaves nothing, and scikit-learn refuses it too.
                    continue
                text = "-to-".join(map(str, np.atleast_1d(degree)))
                name = f"polynomial-{text}{'-interactions' if interaction_only else ''}{'' if include_bias else '-no-bias'}"
                yield name, case(types, training, served, features)
    yield "polynomial-column-order", case(types, training, served, PolynomialFeatures(3, order="F"))
    yield "polynomial-integers", case({"n": "integer", "flag": "boolean"}, [[3, True], [-2, False]], [[2**40, True]], PolynomialFeatures(3))
    yield "polynomial-scaled", case(types, training, served, SimpleImputer(), PolynomialFeatures(2), StandardScaler())


def spline_cases():
    """Every extrapolation, with knots at even steps, at quantiles and given; beyond the outer knots and on them."""
    types = {"a": "number", "b": "number", "c": "number"}
    rng = np.random.default_rng(41)
    training = [[float(value) for value in row] for row in rng.normal(size=(80, 3)) * [1.0, 1e6, 1e-5]]
    data = frame(types, training)
    for extrapolation in ("error", "constant", "linear", "continue", "periodic"):
        for degree, knots in ((1, "uniform"), (1, "quantile"), (2, "quantile"), (3, "uniform"), (3, "quantile"), (5, "uniform")):
            splines = SplineTransformer(7, degree, knots=knots, extrapolation=extrapolation).fit(data)
            yield f"spline-{extrapolation}-{degree}-{knots}", spline_case(types, splines, training[:8])
        options = {
            "no-bias": {"include_bias": False},
            "column-order": {"order": "F"},
            "missing-as-zeros": {"handle_missing": "zeros"},
            "few-knots": {"n_knots": 2 if extrapolation != "periodic" else 4},
            "given": {"knots": np.array([[-2.0, -1e6, -1e-5], [-0.5, 0.0, 0.0], [0.25, 1e5, 1e-6], [2.0, 1e6, 2e-5]])},
        }
        if extrapolation != "continue":
            options["sparse"] = {"sparse_output": True}
        if extrapolation in ("constant", "linear"):
            options["sparse-missing-as-zeros"] = {"sparse_output": True, "handle_missing": "zeros"}
        for name, option in options.items():
            splines = SplineTransformer(extrapolation=extrapolation, **option).fit(data)
            yield f"spline-{extrapolation}-{name}", spline_case(types, splines, training[:8])
    for extrapolation in ("error", "continue", "periodic"):
        splines = SplineTransformer(4, 0, extrapolation=extrapolation).fit(data)
        yield f"spline-{extrapolation}-0", spline_case(types, splines, training[:8])
    # Fewer splines than the degree needs: a period's first ones come twice.
    yield "spline-periodic-wrapped", spline_case(types, SplineTransformer(4, 3, extrapolation="periodic").fit(data), training[:8])


def spline_case(types, splines, training):
    """Return the case of a fitted SplineTransformer: each column on and beside its knots, far off, and where values are missing."""
    middle = [float((spline.t[0] + spline.t[-1]) / 2) for spline in splines.bsplines_]
    rows = [list(row) for row in training] + [middle]
    for place, spline in enumerate(splines.bsplines_):
        ends = (spline.t[spline.k], spline.t[-spline.k - 1])
        edges = [float(knot) for knot in spline.t] + [math.nextafter(end, way) for end in ends for way in (-INF, INF)]
        for value in (*edges, 0.0, -0.0, 1e9, -1e9, 1e300, -1.7976931348623157e308, 5e-324, None, INF):
            rows.append([value if index == place else other for index, other in enumerate(middle)])
    return graph_case(types, splines, rows)
