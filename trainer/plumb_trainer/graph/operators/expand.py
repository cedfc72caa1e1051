"""Operators that make several columns of each."""

from sklearn.preprocessing import PolynomialFeatures, SplineTransformer

from plumb_trainer.graph.operators.core import Operator
from plumb_trainer.numbers.json_form import number_forms


def _polynomial_params(features):
    degree = features.degree
    lowest, highest = (0, degree) if isinstance(degree, int) else degree
    return {
        "degree": [int(lowest), int(highest)],
        "interaction_only": bool(features.interaction_only),
        "include_bias": bool(features.include_bias),
    }


def _spline_params(splines):
    if splines.degree == 0 and splines.extrapolation in ("constant", "linear"):
        raise ValueError(
            f'extrapolation="{splines.extrapolation}" has no meaning with degree=0: scikit-learn raises on some rows, or shifts the '
            'knots from column to column; set extrapolation="continue", or a degree of 1 or more'
        )
    if splines.sparse_output and splines.extrapolation == "continue":
        raise ValueError("what overflows differs between its sparse and its dense result; set sparse_output=False")
    if splines.sparse_output and splines.handle_missing == "zeros" and splines.extrapolation not in ("constant", "linear"):
        raise ValueError("scikit-learn gives a row with a missing value other numbers when it stands among others; set sparse_output=False")
    params = {
        "knots": [number_forms(spline.t) for spline in splines.bsplines_],
        "degree": int(splines.degree),
        "extrapolation": splines.extrapolation,
        "include_bias": bool(splines.include_bias),
    }
    return params if splines.handle_missing == "error" else params | {"handle_missing": splines.handle_missing}


OPERATORS = {
    PolynomialFeatures: Operator("polynomial_features", _polynomial_params, lambda features: int(features.n_output_features_)),
    SplineTransformer: Operator(
        "spline_transformer",
        _spline_params,
        lambda splines: int(splines.n_features_out_),
        takes_missing=lambda splines, _: splines.handle_missing == "zeros",
        sparse=lambda splines: "values" if splines.sparse_output else None,
    ),
}
