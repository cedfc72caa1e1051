"""Makes rows at the edges of what a model may be asked, where a second implementation goes wrong first."""

import math
import sys

import numpy as np

from plumb_trainer.data.list_rows import list_edges
from plumb_trainer.graph.row_schema import known_categories
from plumb_trainer.numbers.json_form import INTEGER_MAX

# Just over what a float32 holds: the cast before the model makes an infinity of it.
_OVER_FLOAT32 = 3.5e38
_EXTREME_NUMBERS = (5e-324, -5e-324, 1e-300, 1e300, -1e300, _OVER_FLOAT32, -_OVER_FLOAT32, sys.float_info.max, -sys.float_info.max)
_EXTREME_INTEGERS = (INTEGER_MAX, -INTEGER_MAX)
# Letters that break: accents composed and not, two-unit code points, text that looks like another type, and long text.
_EXTREME_TEXTS = ("\u00e9", "e\u0301", "\U0001f600", "NaN", "null", "1", " ", "x" * 500)


def edge_rows(trained, base_rows):
    """Return rows with one feature at an edge, then rows with all of them there.

    Parameters
    ----------
    trained : FittedPipeline
    base_rows : list of dict
        Rows to vary, taken in turn; none of them with a missing value.

    Returns
    -------
    list of (str, dict)
        Kind, as golden.jsonl names it, and row. Every row keeps to the schema, except for rows of kind ``unknown`` where a
        feature has an enum.
    """
    edges = {feature.name: _edges(trained, feature, base_rows) for feature in trained.recipe.features}
    found = []
    for name, values in edges.items():
        # Each twice, since another row is another path through the trees.
        for kind, value in [*values, *values]:
            found.append((kind, {**base_rows[len(found) % len(base_rows)], name: value}))
    for kind in ("mean", "median", "bound", "zero", "missing"):
        together = {name: [value for of_kind, value in values if of_kind == kind] for name, values in edges.items()}
        row = {name: values[-1] for name, values in together.items() if values}
        if len(row) > 1:
            found.append((kind, {**base_rows[0], **row}))
    return found


_EXTREME_ITEMS = {"number": _EXTREME_NUMBERS, "integer": _EXTREME_INTEGERS, "boolean": (), "string": _EXTREME_TEXTS}


def _edges(trained, feature, base_rows):
    """Return (kind, value) pairs of one feature."""
    schema = trained.schema["properties"][feature.name]
    categories, _ = known_categories(trained.pipeline["preprocessing"], feature.name)
    missing = [("missing", None)] if feature.name in trained.nullable else []
    if feature.item_type:
        base = max((row[feature.name] for row in base_rows), key=len)
        return [*list_edges(feature, trained.training[feature.name], base, _EXTREME_ITEMS[feature.item_type]), *missing]
    if feature.type == "boolean":
        return [("bound", False), ("bound", True), *missing]
    if feature.type == "string":
        edges = [("empty", ""), *(("extreme", text) for text in _EXTREME_TEXTS)]
        edges += [("unknown", "unknown category")] if categories else []
    else:
        edges = [(kind, value) for kind, value in _numeric_edges(trained, feature, categories) if feature.admits(value)]
    if "enum" in schema:
        edges = [(kind, value) for kind, value in edges if kind == "unknown" or value in categories]
    edges += [("bound", category) for category in categories]
    return edges + missing


def _numeric_edges(trained, feature, categories):
    is_integer = feature.type == "integer"
    values = trained.training[feature.name].astype(np.float64)
    edges = []
    # Personal data leaves no trace of its values.
    if not feature.pii:
        low, high = float(values.min()), float(values.max())
        edges += [("mean", float(values.mean())), ("median", float(np.median(values)))]
        edges += [("bound", value) for value in (low, math.nextafter(low, -math.inf), high, math.nextafter(high, math.inf))]
    for limit in feature.ranges.values():
        edges += [("bound", value) for value in (float(limit), math.nextafter(limit, -math.inf), math.nextafter(limit, math.inf))]
    edges += [("zero", 0.0), ("zero", -0.0)]
    edges += [("extreme", float(value)) for value in (_EXTREME_INTEGERS if is_integer else _EXTREME_NUMBERS)]
    numbers = [value for value in categories if isinstance(value, int | float)]
    if numbers:
        edges += [("unknown", float(value)) for value in (min(numbers) - 1, max(numbers) + 1, max(numbers) + 6) if value not in numbers]
    if not is_integer:
        return edges
    # Rounded, several edges are the same integer.
    return list(dict.fromkeys((kind, round(value)) for kind, value in edges))
