"""The graph's operators that scikit-learn's transformers become, and the parameters that each reads: a module per family.

Parameters carry scikit-learn's attribute names without the trailing underscore; `docs/preprocessing.md` is the reference.
"""

from plumb_trainer.graph.operators import discretize, encode, expand, impute, map_values, own, reduce, scale, text
from plumb_trainer.graph.operators.core import Operator, category_form, is_nan, raises_on_missing, refuse_float32
from plumb_trainer.graph.operators.refused import REFUSED, refusal_of

__all__ = ["OPERATORS", "REFUSED", "Operator", "category_form", "is_nan", "raises_on_missing", "refusal_of", "refuse_float32"]

OPERATORS = (
    impute.OPERATORS
    | scale.OPERATORS
    | discretize.OPERATORS
    | encode.OPERATORS
    | expand.OPERATORS
    | map_values.OPERATORS
    | reduce.OPERATORS
    | own.OPERATORS
    | text.OPERATORS
)
