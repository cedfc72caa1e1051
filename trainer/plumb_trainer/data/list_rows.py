"""Lists at the edges of what a model may be asked, and near those that it was fitted on."""

import math
from dataclasses import replace

import numpy as np

# NumPy adds up more than 128 items in halves.
_LONG = 300


def items_of(lists):
    """Return the items of lists, one after the other: ndarray of float64, bool, or object for texts."""
    items = [item for items in lists for item in items]
    return np.array(items, dtype=object) if items and isinstance(items[0], str) else np.asarray(items)


def item_feature(feature):
    """Return what an item of a list would be as a feature."""
    return replace(feature, type=feature.item_type, ranges={})


def list_edges(feature, lists, base, extremes):
    """Return (kind, list) pairs of a feature, as `edge_rows` has them of values.

    Parameters
    ----------
    feature : Column
    lists : sequence of list
        Those of the training data; of personal data none are looked at but for their number.
    base : list
        One to vary, with an item at least if the schema admits any.
    extremes : sequence
        Items at the edges of their type.
    """
    count = max(len(base), 1)
    edges = [("empty", [])]
    if not feature.pii:
        shortest, longest = min(lists, key=len), max(lists, key=len)
        edges += [("bound", shortest), ("bound", longest), ("bound", [*longest, *longest])]
        edges += [(kind, [value] * count) for kind, value in _middles(feature, items_of(lists))]
    edges += [("bound", base[len(base) - size :]) for size in (1, feature.ranges.get("minItems", 0)) if size <= len(base)]
    edges += [("extreme", (base * _LONG)[:_LONG]), ("extreme", [*base[:-1], *extremes])]
    edges += [("extreme", [*base[:-1], item]) for item in extremes]
    if feature.item_type in ("number", "integer"):
        zeros = (0.0, -0.0) if feature.item_type == "number" else (0,)
        edges += [("zero", [zero] * count) for zero in zeros]
        # Of two of them the sum is an infinity.
        edges += [("extreme", [item] * max(count, 2)) for item in (max(extremes), min(extremes))]
    elif feature.item_type == "boolean":
        edges += [("bound", [False] * count), ("bound", [True] * count)]
    else:
        edges += [("empty", [""]), ("unknown", ["unknown item"]), ("unknown", [*base, "unknown item"])]
    return [(kind, items) for kind, items in edges if feature.admits(items)]


def _middles(feature, items):
    if feature.item_type not in ("number", "integer"):
        return []
    values = items.astype(np.float64)
    found = [("mean", values.mean()), ("median", np.median(values)), ("bound", values.min()), ("bound", values.max())]
    found = [(kind, float(value)) for kind, value in found]
    if feature.item_type == "integer":
        return [(kind, round(value)) for kind, value in found]
    low, high = found[2][1], found[3][1]
    return [*found, ("bound", math.nextafter(low, -math.inf)), ("bound", math.nextafter(high, math.inf))]


def moved_list(feature, items, others, spread, random):
    """Return a list near another: one item moved or exchanged, some dropped or added, or all in another order.

    Parameters
    ----------
    feature : Column
    items : list
    others : list
        Another list, to take items of.
    spread : float
        How far numbers are moved.
    random : RandomState
    """
    way = random.randint(6)
    if way == 0:
        return items[: random.randint(len(items) + 1)]
    if way == 1:
        return [*items, *others]
    if way == 2:
        return [items[index] for index in random.permutation(len(items))]
    if not items or not others or way == 3:
        return others
    at = random.randint(len(items))
    return [*items[:at], _moved_item(feature, items[at], others, spread, random), *items[at + 1 :]]


def _moved_item(feature, item, others, spread, random):
    step = float(random.randn())
    if feature.item_type == "number":
        return item + step * spread
    if feature.item_type == "integer":
        return item + round(2 * step)
    return not item if feature.item_type == "boolean" else others[random.randint(len(others))]
